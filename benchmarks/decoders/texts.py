"""Sentences to be spoken, and the text of the language model, which holds none of them."""

from __future__ import annotations

import gzip
import lzma
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

EVERY = 8
"""Of the books, one line in so many is used: 1.4 million words."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What is said, and text that is not.

    Attributes:
        short: Sentences of 70 to 110 characters.
        long: Sentences of 180 to 240.
        others: All others.
    """

    short: tuple[str, ...]
    long: tuple[str, ...]
    others: tuple[str, ...]


def choose_texts(folder: Path, count: int) -> Texts:
    """Draws sentences from the text corpus in a folder, `count` short and `count` long ones."""
    lines = list(dict.fromkeys(chain(_sentences(folder), _books(folder))))
    shuffled = random.Random(0).sample(lines, len(lines))
    short = _first(shuffled, count, 70, 110)
    long = _first(shuffled, count, 180, 240)
    said = {*short, *long}
    return Texts(short, long, tuple(line for line in lines if line not in said))


def _first(lines: list[str], count: int, shortest: int, longest: int) -> tuple[str, ...]:
    fitting = (line for line in lines if shortest <= len(line) <= longest)
    return tuple(line for line, _ in zip(fitting, range(count), strict=False))


def _sentences(folder: Path) -> Iterator[str]:
    with gzip.open(folder / "sentences.txt.gz", "rt", encoding="utf-8") as file:
        yield from map(str.strip, file)


def _books(folder: Path) -> Iterator[str]:
    with lzma.open(folder / "gutenberg.txt.xz", "rt", encoding="utf-8") as file:
        yield from (line.strip() for number, line in enumerate(file) if number % EVERY == 0)
