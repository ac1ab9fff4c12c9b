"""Where two pieces of a recording that overlap are joined.

Both were heard by themselves, so there are two emissions for what they share. A seam is a frame of it: what
was heard before counts in the left piece, what was heard from there on in the right one. Every frame counts
once. A seam goes through no word of either best path, so of a word that both hear at the same frames, or at
frames that overlap, exactly one is written. It could be written twice, or not at all, only where the two hear
it at places that do not overlap; therefore a seam has the same word before it in both, and the same word
after it, wherever there is such a place. Where one word is said again and again, the one before it in one
piece may be the one after it in the other: that is so if these are nearer to each other. Of several places
the one nearest to the middle is taken, where both pieces have most context.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.audio.activity import stretches
from asr.decode.ctc import BLANK, greedy
from asr.text.tokenizer import Tokenizer

Emissions = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Heard:
    """A word of a best path, with its first and its last frame, counted from the first that is shared."""

    text: str
    first: int
    last: int


def find_seam(left: Emissions, right: Emissions, shared: int, tokenizer: Tokenizer) -> int:
    """Finds where two pieces are joined.

    Args:
        left: Log-probabilities (S, V) of the piece before, whose last `shared` frames are shared.
        right: Of the piece after (R, V), whose first `shared` frames are shared.
        shared: At least 0.
        tokenizer: Knows which tokens make a word.

    Returns:
        A frame, 0 … `shared`, counted from the first that is shared: the first that counts in the right
        piece.
    """
    sides = _words(left, len(left) - shared, tokenizer), _words(right, 0, tokenizer)
    between = np.all([_between(words, shared) for words in sides], axis=0)
    around = ([_around(words, place, shared) for words in sides] for place in range(shared + 1))
    alike = np.array([_agree(*places) for places in around])
    for possible in (between & alike, between, _silent(left, right, shared, tokenizer.units.separator)):
        if possible.any():
            return _middle(possible)
    return shared // 2


def _words(log_probs: Emissions, origin: int, tokenizer: Tokenizer) -> list[_Heard]:
    path = greedy(log_probs)
    return [
        _Heard(
            span.text,
            path.first_frames[span.first] - origin,
            path.last_frames[span.last - 1] - origin,
        )
        for span in tokenizer.words(path.tokens)
    ]


def _between(words: Sequence[_Heard], shared: int) -> NDArray[np.bool_]:
    """At which places (shared + 1,) a seam goes through no word."""
    found = np.ones(shared + 1, bool)
    for word in words:
        found[max(0, word.first + 1) : max(0, word.last + 1)] = False
    return found


def _around(words: Sequence[_Heard], place: int, shared: int) -> tuple[_Heard | None, _Heard | None]:
    """The word that ends before a place, and the one that begins at it or behind it.

    None where there is none, or where it begins before or ends behind what is shared: one side is deaf there.
    """
    before = next((word for word in reversed(words) if word.last < place), None)
    after = next((word for word in words if word.first >= place), None)
    return (
        before if before is not None and before.first >= 0 else None,
        after if after is not None and after.last < shared else None,
    )


def _agree(left: tuple[_Heard | None, _Heard | None], right: tuple[_Heard | None, _Heard | None]) -> bool:
    """Whether both sides have the same word before a place, and the same word behind it."""
    if any(_text(one) != _text(other) for one, other in zip(left, right, strict=True)):
        return False
    straight = max(_apart(one, other, 0) for one, other in zip(left, right, strict=True))
    crossed = min(_apart(left[0], right[1], np.inf), _apart(left[1], right[0], np.inf))
    return straight <= crossed


def _text(word: _Heard | None) -> str:
    return "" if word is None else word.text


def _apart(one: _Heard | None, other: _Heard | None, otherwise: float) -> float:
    """Frames between the middles of two words of one text; `otherwise` if they are not two such."""
    if one is None or other is None or one.text != other.text:
        return otherwise
    return abs(one.first + one.last - other.first - other.last) / 2


def _silent(left: Emissions, right: Emissions, shared: int, separator: int) -> NDArray[np.bool_]:
    """At which places (shared + 1,) both hear nothing."""
    sides = left[len(left) - shared :], right[:shared]
    silent = np.all([np.isin(side.argmax(1), (BLANK, separator)) for side in sides], axis=0)
    return np.append(silent, False)


def _middle(possible: NDArray[np.bool_]) -> int:
    """The middle of the stretch of possible places whose middle is nearest to that of all."""
    found = stretches(possible)
    middles = (found[:, 0] + found[:, 1] - 1) // 2
    return int(middles[np.abs(2 * middles - (len(possible) - 1)).argmin()])
