"""A small language whose spelling has rules, so that a small model can learn it."""

from __future__ import annotations

import random

import pytest

from asr.pronounce.training import Trained, train
from asr.text.lexicon_text import Entry

SOUNDS = {"sh": "SH", "ee": "IY", "a": "AA", "b": "B", "d": "D", "k": "K", "x": "K S", "o": "OW", "t": "T"}


def spoken(pieces: list[str]) -> Entry:
    """A word as it is spelled and said; a final e is silent."""
    phones = " ".join(SOUNDS[piece] for piece in pieces).split()
    return Entry("".join(pieces) + ("e" if len(pieces) % 2 else ""), tuple(phones))


def words(seed: int, count: int) -> list[Entry]:
    """Words of two to six pieces."""
    chosen = random.Random(seed)
    found = [spoken(chosen.choices(list(SOUNDS), k=chosen.randint(2, 6))) for _ in range(count)]
    return list(dict.fromkeys(found))


@pytest.fixture(scope="session")
def lexicon() -> list[Entry]:
    return words(0, 400)


@pytest.fixture(scope="session")
def trained(lexicon: list[Entry]) -> Trained:
    return train(lexicon)
