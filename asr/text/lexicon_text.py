"""Lexicons as people keep them: lines of words and phones, read without a model, and added to.

    # Names of the family.
    maja  M AY AH
    read  R IY D
    read  R EH D

A line that begins with # and a space is a comment. `asr.text.lexicon` reads the same files for a model.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.errors import LexiconError, did_you_mean
from asr.files import write_atomically
from asr.text.lexicon import COMMENT, PROBABILITY, lexicon_content


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a lexicon: a word and one of its pronunciations.

    Attributes:
        word: As it is written.
        phones: As it sounds, one phone at least.
    """

    word: str
    phones: tuple[str, ...]

    def __str__(self) -> str:
        """``read R EH D``."""
        return f"{self.word} {' '.join(self.phones)}"


def read_entries(path: Path) -> tuple[Entry, ...]:
    """Reads the words and phones of a lexicon; probabilities, comments and repeated lines are left out.

    Raises:
        LexiconError: If the file is missing, not UTF-8 or holds no words, or a word has no phones.
    """
    entries: dict[Entry, None] = {}
    for number, line in enumerate(lexicon_content(path).split("\n"), start=1):
        word, phones = _fields(line)
        if not word:
            continue
        if not phones:
            raise LexiconError(
                f"{path}, line {number}: {word!r} has no phones; add them, or take the line out"
            )
        entries[Entry(word, phones)] = None
    if not entries:
        raise LexiconError(f"{path}: holds no words; write lines such as: word PHONE PHONE")
    return tuple(entries)


def add_entry(path: Path, entry: Entry) -> bool:
    """Adds a pronunciation to a lexicon: after the others of its word, or at the end; all else stays.

    Args:
        path: The lexicon; it is written aside and renamed.
        entry: What to add.

    Returns:
        Whether it was added; False where it was there.

    Raises:
        LexiconError: If the lexicon cannot be read, a phone is in none of its lines, the word cannot stand
            in a line, or the word's other pronunciations have probabilities.
        RunError: If it cannot be written.
    """
    known = read_entries(path)
    if entry in known:
        return False
    check_entry(path, entry, known)
    lines = path.read_bytes().decode().split("\n")
    if not lines[-1].strip():
        del lines[-1]
    end = "\r" if lines[-1].endswith("\r") else ""
    same = [n for n, line in enumerate(lines) if _fields(line)[0] == entry.word]
    if any(PROBABILITY.fullmatch(lines[n].split()[1]) for n in same):
        raise LexiconError(
            f"{path}: the pronunciations of {entry.word!r} have probabilities, which must be shared anew; "
            "edit its lines yourself"
        )
    lines.insert(same[-1] + 1 if same else len(lines), f"{entry}{end}")
    write_atomically(path, "\n".join([*lines, ""]))
    return True


def check_entry(path: Path, entry: Entry, known: Sequence[Entry]) -> None:
    """Checks whether a pronunciation fits into the lexicon at `path`. Raises LexiconError if not."""
    if len(entry.word.split()) != 1 or entry.word == COMMENT:
        raise LexiconError(f"{entry.word!r} cannot stand in a lexicon: it must be one word, without spaces")
    phones = sorted({phone for line in known for phone in line.phones})
    if not entry.phones:
        raise LexiconError(f"{entry.word!r} has no phones; give one at least: {' '.join(phones)}")
    for phone in entry.phones:
        if phone not in phones:
            raise LexiconError(f"{path}: {phone!r} is no phone of this lexicon{_nearest(phone, phones)}")


def _nearest(phone: str, phones: Sequence[str]) -> str:
    """Suggests phones: the same without case, stress or length, else those that look alike, else all."""
    bare = phone.strip("0123456789ˈˌː").casefold()
    same = next((known for known in phones if known.casefold() == bare), None)
    return f"; did you mean {same!r}?" if same else did_you_mean(phone, phones)


def _fields(line: str) -> tuple[str, tuple[str, ...]]:
    """The word and the phones of a line; no word where it is blank or a comment."""
    fields = unicodedata.normalize("NFC", line.removeprefix("\ufeff")).split()
    if not fields or fields[0] == COMMENT:
        return "", ()
    word, *phones = fields
    return word, tuple(phones[1:] if phones and PROBABILITY.fullmatch(phones[0]) else phones)
