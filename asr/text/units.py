"""Units: what tokens write, and how one sees where a word begins and ends.

There are three ways in which words are bounded:

- characters, and phones: a token stands between words, the separator;
- subwords: tokens whose text begins with a mark begin a word, as in ``▁the``, ``▁c at``;
- neither: tokens that are whole words, scripts without spaces, and phones of other models. A word may end
  wherever a list of words says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

BLANK_ID = 0
"""CTC's blank, which writes nothing."""
SPACE = "▁"
"""How the space between words is written in `tokens.txt`."""


@dataclass(frozen=True, slots=True)
class WordSpan:
    """A word and the tokens that spell it: ``tokens[first:last]``."""

    text: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Units:
    """What tokens write, and what bounds words.

    Attributes:
        texts: What each token writes, as in `tokens.txt`, but "" for blank; the index is the token's id.
        separator: The token that stands between words; -1 if there is none.
        mark: Tokens whose text begins with it begin a word; "" if there is none.
        sounds: Whether tokens are phones, which sound words out and do not spell them.

    Raises:
        ValueError: If there are a separator and a mark, the separator is no token or blank, or the first
            token writes something.
    """

    texts: tuple[str, ...]
    separator: int = -1
    mark: str = ""
    sounds: bool = False

    def __post_init__(self) -> None:
        if self.separator >= 0 and self.mark:
            raise ValueError("words are bounded by a separator or by a mark, not by both")
        if not -1 <= self.separator < len(self.texts) or self.separator == BLANK_ID:
            raise ValueError(f"the separator ({self.separator}) must be a token other than blank, or -1")
        if not self.texts or self.texts[BLANK_ID]:
            raise ValueError("the first token is blank, whose text is empty")

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def bounded(self) -> bool:
        """Whether tokens themselves say where words begin and end."""
        return self.separator >= 0 or bool(self.mark)

    @property
    def spells(self) -> bool:
        """Whether words are spelled by putting the texts of tokens together.

        Without separator and mark that is so where all are single characters, as in scripts without
        spaces. Otherwise a token is a whole word, or something like a phone, which spells nothing.
        """
        return not self.sounds and (self.bounded or all(len(text) == 1 for text in self.texts[1:]))

    def fingerprint(self) -> str:
        """A short text that differs where units differ; files that go with units carry it."""
        parts = (str(self.separator), self.mark, *["sounds"][: self.sounds], *self.texts)
        return sha256("\n".join(parts).encode(errors="surrogatepass")).hexdigest()[:16]


def unknown_message(unit: str, text: str) -> str:
    """What is said of a unit in a text that a vocabulary lacks."""
    codes = " ".join(f"U+{ord(character):04X}" for character in unit[:3])
    return (
        f"{unit!r} ({codes}) in {text[:60]!r} is not in the vocabulary; "
        "correct the text or choose another normaliser"
    )
