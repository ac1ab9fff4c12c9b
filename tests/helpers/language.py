"""Small language models of the words that the small models of `tests.helpers.bundles` can write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from asr.lm.kneser_ney import Estimation, estimate
from tests.helpers.bundles import TEXTS

SENTENCES = (*TEXTS, "one two", "two three", "six seven eight", "ja ja", "zero nine", "nine one")


def small_lm(path: Path, sentences: Sequence[str] = SENTENCES, *, order: int = 2) -> Path:
    """Estimates a language model of words from sentences and writes it."""
    estimate([sentence.split() for sentence in sentences], path, Estimation(order))
    return path


def letter_lm(path: Path, sentences: Sequence[str] = SENTENCES, *, order: int = 3) -> Path:
    """The same of characters, as ``asr lm build --characters`` makes them."""
    estimate([list(sentence.replace(" ", "▁")) for sentence in sentences], path, Estimation(order))
    return path
