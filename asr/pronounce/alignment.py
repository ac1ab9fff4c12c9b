"""Aligning words with their pronunciations: which letters stand for which phones.

No lexicon says that, but a large one shows it, for the pieces of a word come back in others. Every way to
cut a word and its phones into graphones has the product of their probabilities; and a graphone's
probability is its share of the graphones of all ways, each weighed with its own probability. One follows
from the other, so both are computed in turn, from a first guess on, and each turn makes the lexicon more
probable (expectation maximisation; for words and phones: Bisani and Ney 2008, *Joint-Sequence Models for
Grapheme-to-Phoneme Conversion*). In the end each word is cut in its most probable way.

Words with as many letters and as many phones are worked on together: N of them, of I letters and J phones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.pronounce.graphones import MOST_LETTERS, MOST_PHONES, STEPS, Graphone
from asr.text.lexicon_text import Entry

ROUNDS = 8
"""Turns of expectation and maximisation; more change little."""

LONGEST = 50
"""Letters of the longest words; the probability of longer ones may be too small a number."""

FIRST_GUESS = 0.05
"""How likely a graphone is at first, compared with one that has as many letters as phones."""

Reals = NDArray[np.float64]
Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Alignment:
    """A lexicon cut into graphones.

    Attributes:
        words: The graphones of each word that could be cut, in the order of the lexicon.
        left_out: The entries that could not: they have more phones than so many letters can stand for, as
            abbreviations do, or more than `LONGEST` letters.
    """

    words: tuple[tuple[Graphone, ...], ...]
    left_out: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """Entries with as many letters and as many phones.

    Attributes:
        rows: Where they are in the lexicon (N,).
        letters: For 1, 2 … letters: the number of those that begin at each place (N, I).
        phones: For 0, 1, 2 … phones: the number of those that begin at each place (N, J + 1).
    """

    rows: Ids
    letters: tuple[Ids, ...]
    phones: tuple[Ids, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Letters and phones."""
        return self.letters[0].shape[1], self.phones[0].shape[1] - 1

    def steps_to(self, i: int, j: int) -> Iterator[tuple[int, int, Ids, Ids]]:
        """The graphones that may end after i letters and j phones: where they begin, and what they are."""
        for a, b in STEPS:
            if i >= a and j >= b:
                yield i - a, j - b, self.letters[a - 1][:, i - a], self.phones[b][:, j - b]


def align(entries: Sequence[Entry], advance: Callable[[int], None] = lambda _: None) -> Alignment:
    """Cuts every word of a lexicon and its phones into graphones.

    Args:
        entries: The lexicon. What cannot be cut is left out.
        advance: Called with 1 after each of `ROUNDS` turns.
    """
    fitting = [row for row, entry in enumerate(entries) if _fits(len(entry.word), len(entry.phones))]
    groups, letters, phones = _group([entries[row] for row in fitting])
    table = _first_guess(letters, phones)
    for _ in range(ROUNDS):
        counts = np.zeros_like(table)
        for group in groups:
            _expect(group, table, counts)
        table = counts / max(counts.sum(), 1.0)
        advance(1)
    cut: list[tuple[Graphone, ...]] = [()] * len(fitting)
    for group in groups:
        for row, steps in zip(group.rows.tolist(), _best(group, table), strict=True):
            cut[row] = tuple(_graphones(entries[fitting[row]], steps))
    kept = set(fitting)
    return Alignment(tuple(cut), tuple(entry for row, entry in enumerate(entries) if row not in kept))


def _fits(letters: int, phones: int) -> bool:
    """Whether there is any way to cut so many letters and phones."""
    return 0 < phones <= letters * MOST_PHONES and letters <= LONGEST


def _group(entries: Sequence[Entry]) -> tuple[list[_Group], list[str], list[tuple[str, ...]]]:
    """Sorts entries by size, and numbers all letters and phones that graphones may have."""
    rows = defaultdict(list)
    for row, entry in enumerate(entries):
        rows[len(entry.word), len(entry.phones)].append(row)
    letters: dict[str, int] = {}
    phones: dict[tuple[str, ...], int] = {}
    groups = []
    for _, members in sorted(rows.items()):
        words = [entries[row].word for row in members]
        sounds = [entries[row].phones for row in members]
        groups.append(
            _Group(
                np.array(members),
                tuple(_number(letters, words, count) for count in range(1, MOST_LETTERS + 1)),
                tuple(_number(phones, sounds, count) for count in range(MOST_PHONES + 1)),
            )
        )
    return groups, list(letters), list(phones)


def _number(ids: dict[Any, int], rows: Sequence[Sequence[str]], count: int) -> Ids:
    """The number of what begins at every place of each row, and is `count` long or ends with the row."""
    places = range(len(rows[0]) + (not count))
    return np.array(
        [[ids.setdefault(row[i : i + count], len(ids)) for i in places] for row in rows], np.int64
    )


def _first_guess(letters: Sequence[str], phones: Sequence[tuple[str, ...]]) -> Reals:
    """A probability for every graphone (letters, phones), not normalised."""
    sizes = np.array([len(some) for some in letters]), np.array([len(some) for some in phones])
    return np.where(sizes[0][:, None] == sizes[1], 1.0, FIRST_GUESS)


def _expect(group: _Group, table: Reals, counts: Reals) -> None:
    """Adds up how often graphones are expected in a group, with the forward-backward algorithm."""
    i_last, j_last = group.size
    forward = np.zeros((i_last + 1, j_last + 1, len(group.rows)))
    forward[0, 0] = 1.0
    places = [(i, j) for i in range(1, i_last + 1) for j in range(j_last + 1)]
    for i, j in places:
        for i_from, j_from, letters, phones in group.steps_to(i, j):
            forward[i, j] += forward[i_from, j_from] * table[letters, phones]
    backward = np.zeros_like(forward)
    backward[-1, -1] = 1 / forward[-1, -1]
    for i, j in reversed(places):
        for i_from, j_from, letters, phones in group.steps_to(i, j):
            onward = table[letters, phones] * backward[i, j]
            backward[i_from, j_from] += onward
            np.add.at(counts, (letters, phones), forward[i_from, j_from] * onward)


def _best(group: _Group, table: Reals) -> Iterator[list[tuple[int, int]]]:
    """The letters and phones of each graphone, in the most probable way to cut each word (Viterbi)."""
    i_last, j_last = group.size
    best = np.zeros((i_last + 1, j_last + 1, len(group.rows)))
    best[0, 0] = 1.0
    choices = np.zeros(best.shape, np.int8)
    for i in range(1, i_last + 1):
        for j in range(j_last + 1):
            for i_from, j_from, letters, phones in group.steps_to(i, j):
                value = best[i_from, j_from] * table[letters, phones]
                better = value > best[i, j]
                best[i, j][better] = value[better]
                choices[i, j][better] = STEPS.index((i - i_from, j - j_from))
    for n in range(len(group.rows)):
        i, j, steps = i_last, j_last, []
        while i:
            steps.append(STEPS[choices[i, j, n]])
            i, j = i - steps[-1][0], j - steps[-1][1]
        yield steps[::-1]


def _graphones(entry: Entry, steps: Sequence[tuple[int, int]]) -> Iterator[Graphone]:
    i = j = 0
    for letters, phones in steps:
        yield Graphone(entry.word[i : i + letters], entry.phones[j : j + phones])
        i, j = i + letters, j + phones
