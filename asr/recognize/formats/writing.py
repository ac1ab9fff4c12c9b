"""How wide text is, and where a line may end in scripts that put no spaces between words."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

_WIDE = re.compile(
    "[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6"
    "\U0001f300-\U0001faff\U00020000-\U0003fffd]"
)
_UNSPACED = re.compile(  # Thai, Lao, Tibetan, Burmese, Khmer; kana and Han
    "[\u0e01-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3001-\u3003\u3005-\u312f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uff9f\U00020000-\U0003fffd]"
)
_NEVER_FIRST = frozenset(
    "、。，．・：；？！）」』】〕〉》”’,.!?;:)]}%ー々ゝゞぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶๆฯะาำ\u200d"
)
_NEVER_LAST = frozenset("（「『【〔〈《“‘([{เแโใไເແໂໃໄ\u200d")


def width(text: str) -> int:
    """Places that a text takes: two for a character of East Asia, none for marks on other characters."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(sign) in ("Mn", "Me") else 2 if _WIDE.match(sign) else 1 for sign in text
    )


def breakable(text: str) -> list[str]:
    """Cuts a text where a line may end: next to characters of a script without spaces, and nowhere else.

    A mark stays with what it is on; closing punctuation, small kana and the like begin no line, opening
    punctuation and vowels that are written before their consonant end none. Where the words of Thai,
    Lao, Tibetan, Burmese or Khmer end is not known here.
    """
    places = [index for index, (left, right) in enumerate(pairwise(text), start=1) if _may_end(left, right)]
    return [text[first:last] for first, last in pairwise([0, *places, len(text)])]


def _may_end(left: str, right: str) -> bool:
    if not (_UNSPACED.match(left) or _UNSPACED.match(right)):
        return False
    return not (_is_mark(right) or right in _NEVER_FIRST or left in _NEVER_LAST)


def _is_mark(sign: str) -> bool:
    return unicodedata.category(sign) in ("Mn", "Me", "Mc")
