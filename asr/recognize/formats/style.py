"""What can be chosen of the files that transcripts are written to, and what no text may bring into them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Protocol

from asr.transcript import Transcript

UNKNOWN = "und"
"""The language, where nobody names one: undetermined (ISO 639-2)."""
_UNPRINTED = {"Cc", "Cs", "Zl", "Zp"}


@dataclass(frozen=True, slots=True)
class Style:
    """How transcripts are written down.

    Attributes:
        max_line_width: Characters of a line of subtitles; those of East Asia count twice, marks on other
            characters not at all. A longer word stands alone.
        max_line_count: Lines that a subtitle has at most.
        words: Whether JSON has the words of segments.
        language: What JSON says is spoken.
    """

    max_line_width: int = 42
    max_line_count: int = 1
    words: bool = True
    language: str = UNKNOWN


PLAIN = Style()


class Writer(Protocol):
    """Writes a transcript down; `name` is that of its recording."""

    def __call__(self, transcript: Transcript, name: str, style: Style = PLAIN) -> str:
        """The content of a file."""
        ...


def on_one_line(text: str) -> str:
    """The text with single spaces for white space and control characters, line ends among them."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    signs = (" " if unicodedata.category(sign) in _UNPRINTED else sign for sign in text)
    return " ".join("".join(signs).split())
