"""N-grams as a tree of arrays: what an ARPA file says, in the form in which it is computed with.

An n-gram is a word after a context of n - 1 words, and that context is an n-gram of the level below. So
an n-gram is stored as the row of its context and the number of its last word, and takes 16 bytes,
whatever the order.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asr.lm.hashing import Keys, find, insert, new_table

BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"
"""What stands before a sentence, after it, and for every word that the model does not know."""

SPECIAL = (UNKNOWN, BEGIN, END)

WORD_BITS = 24
"""Bits of a key that name the word; the others name the context or state."""

LN_10 = float(np.log(10.0))
"""Natural logarithms are this many times the logarithms to base 10 that files hold."""

Integers = NDArray[np.int32]
Reals = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """All n-grams of one length n, M of them, in any order.

    Attributes:
        contexts: Row of the first n - 1 words in the level below (M,); zeros for single words.
        words: Id of the last word (M,).
        log_probs: Natural log-probability of the last word after the others (M,).
        backoffs: Natural logarithm of the weight that probabilities after the shorter context are
            multiplied by, for words that were not seen after these n words (M,).
    """

    contexts: Integers
    words: Integers
    log_probs: Reals
    backoffs: Reals

    def __len__(self) -> int:
        return len(self.words)


@dataclass(frozen=True, slots=True, eq=False)
class NgramModel:
    """A back-off n-gram model.

    Attributes:
        words: The vocabulary; a word's index is its id. Row i of the first level is word i.
        levels: Single words first.
    """

    words: tuple[str, ...]
    levels: tuple[Level, ...]

    @property
    def order(self) -> int:
        """Words in the longest n-grams."""
        return len(self.levels)

    def spelled(self, n: int, first: int, last: int) -> list[list[str]]:
        """The words of the n-grams in rows `first` to `last` of level `n`, as n lists: first words first."""
        names = np.array(self.words, object)
        rows: NDArray[np.integer] = np.arange(first, min(last, len(self.levels[n - 1])))
        columns = []
        for level in reversed(self.levels[:n]):
            columns.append(names[level.words[rows]].tolist())
            rows = level.contexts[rows]
        return columns[::-1]


def key(contexts: NDArray[np.integer], words: NDArray[np.integer]) -> NDArray[np.int64]:
    """One number for a context (or state) and a word."""
    return contexts.astype(np.int64) << WORD_BITS | words


@dataclass(slots=True)
class Rows:
    """Finds the rows of n-grams by their words; grows level by level.

    Attributes:
        tables: For each level but the first a hash table of keys.
        rows: The rows of the keys in it.
    """

    tables: list[Keys] = field(default_factory=list)
    rows: list[NDArray[np.int64]] = field(default_factory=list)

    def add(self, level: Level) -> None:
        """Makes the next level known, beginning with pairs of words; none of its n-grams stands twice."""
        keys = key(level.contexts, level.words)
        table = new_table(len(keys))
        rows = np.zeros(len(table), np.int64)
        rows[insert(table, keys)] = np.arange(len(keys))
        self.tables.append(table)
        self.rows.append(rows)

    def find(self, ngrams: Integers) -> NDArray[np.int64]:
        """The row of each n-gram, given as ids (M, n), in level n; -1 where there is no such n-gram."""
        found = ngrams[:, 0].astype(np.int64)
        for words, table, rows in zip(ngrams.T[1:], self.tables, self.rows, strict=False):
            places = find(table, key(np.maximum(found, 0), words))
            found = np.where((places < 0) | (found < 0), -1, rows[places])
        return found
