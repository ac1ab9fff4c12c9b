"""Beam search for the phones of words: graphone by graphone, from left to right, many words at once.

A hypothesis has written some graphones that spell the beginning of a word. Hypotheses that have spelled
as many letters are compared. Where several have the same phones and the n-gram model cannot tell them
apart any more, their probabilities are added up and one goes on; of the others the most probable go on.

All hypotheses that are compared, B of them, are arrays; a step is a few operations on these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from asr.lm.automaton import Automaton
from asr.lm.ngrams import SPECIAL
from asr.pronounce.graphones import MOST_LETTERS, Graphone

Ids = NDArray[np.int64]
Reals = NDArray[np.float64]

_MULTIPLIER = 0x9E3779B97F4A7C15
"""Sequences of phones are told apart by a polynomial of it, modulo 2**64."""


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Graphones as arrays (G,), sorted by their letters.

    Attributes:
        graphones: What they are.
        words: The id of each in the n-gram model.
        factors: What the number of a sequence is multiplied by when these phones come after it.
        terms: What is added then.
        places: For some letters: where their graphones begin and end.
    """

    graphones: tuple[Graphone, ...]
    words: NDArray[np.int32]
    factors: NDArray[np.uint64]
    terms: NDArray[np.uint64]
    places: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Width:
    """What goes on at each letter.

    Attributes:
        hypotheses: So many for each word, at most.
        margin: Those whose log-probability is not further than this below the best.
    """

    hypotheses: int = 40
    margin: float = 10.0


@dataclass(frozen=True, slots=True)
class Found:
    """A pronunciation that was found.

    Attributes:
        word: Which word, by its place among those asked for.
        graphones: Its most probable way.
        log_prob: Natural log-probability of word and phones, all ways together.
    """

    word: int
    graphones: tuple[Graphone, ...]
    log_prob: float

    @property
    def phones(self) -> tuple[str, ...]:
        """How it sounds; perhaps nothing."""
        return tuple(phone for graphone in self.graphones for phone in graphone.phones)


@dataclass(frozen=True, slots=True, eq=False)
class _Beam:
    """Hypotheses that have spelled as many letters.

    Attributes:
        words: Which word (B,).
        states: State of the n-gram model (B,).
        numbers: Stands for the phones so far (B,).
        scores: Natural log-probability of all ways that led here (B,).
        parents: The most probable of these ways: the row of the history before its last step (B,).
        graphones: What was written in that step (B,).
    """

    words: Ids
    states: NDArray[np.int32]
    numbers: NDArray[np.uint64]
    scores: Reals
    parents: Ids
    graphones: Ids

    def __len__(self) -> int:
        return len(self.words)

    def take(self, rows: NDArray[np.generic]) -> _Beam:
        """Some of them, or all in another order."""
        return _Beam(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(slots=True)
class _History:
    """Every step of the hypotheses that went on, as chains of rows."""

    parents: list[int]
    graphones: list[int]

    def add(self, beam: _Beam) -> Ids:
        """Takes note of the last step of each, and gives the rows (B,)."""
        first = len(self.parents)
        self.parents += beam.parents.tolist()
        self.graphones += beam.graphones.tolist()
        return np.arange(first, len(self.parents))

    def way(self, parent: int, graphone: int) -> list[int]:
        """All graphones up to this one, which stands after the row `parent`."""
        steps = []
        while graphone >= 0:
            steps.append(graphone)
            parent, graphone = self.parents[parent], self.graphones[parent]
        return steps[::-1]


def pieces_of(graphones: Sequence[Graphone]) -> Pieces:
    """Makes arrays of graphones, which are the words of the n-gram model after the special ones."""
    rows = sorted(range(len(graphones)), key=graphones.__getitem__)
    ordered = tuple(graphones[row] for row in rows)
    phones = {phone: n for n, phone in enumerate(sorted({p for g in graphones for p in g.phones}), start=1)}
    terms = []
    places: dict[str, tuple[int, int]] = {}
    for n, graphone in enumerate(ordered):
        places[graphone.letters] = (places.get(graphone.letters, (n, n))[0], n + 1)
        terms.append(0)
        for phone in graphone.phones:
            terms[-1] = (terms[-1] * _MULTIPLIER + phones[phone]) % (1 << 64)
    return Pieces(
        graphones=ordered,
        words=np.array(rows, np.int32) + len(SPECIAL),
        factors=np.array([pow(_MULTIPLIER, len(one.phones), 1 << 64) for one in ordered], np.uint64),
        terms=np.array(terms, np.uint64),
        places=places,
    )


def search(words: Sequence[str], pieces: Pieces, automaton: Automaton, width: Width) -> Iterator[Found]:
    """Finds pronunciations of words, those that are done first, the most probable of a word first.

    Args:
        words: What to pronounce; the memory that is needed grows with their number.
        pieces: The graphones.
        automaton: How probable they are after each other.
        width: How many hypotheses go on.
    """
    lengths = np.array([len(word) for word in words])
    history = _History([], [])
    longest = int(lengths.max())
    waiting: list[list[_Beam]] = [[] for _ in range(longest + MOST_LETTERS + 1)]
    waiting[0].append(_start(len(words), automaton.start))
    for i in range(longest + 1):
        beam = _best(_merged(_joined(waiting[i])), width)
        done = lengths[beam.words] == i
        yield from _ended(beam.take(done), pieces, automaton, history)
        beam = beam.take(~done)
        rows = history.add(beam)
        for count in range(1, MOST_LETTERS + 1):
            found = [pieces.places.get(word[i : i + count], (0, 0)) for word in words]
            whole = lengths >= i + count
            begins, ends = np.array(found).T * whole
            waiting[i + count].append(_extended(beam, rows, begins, ends - begins, pieces, automaton))


def _start(count: int, state: int) -> _Beam:
    """One hypothesis for each word, which has written nothing."""
    none = np.full(count, -1)
    return _Beam(
        np.arange(count),
        np.full(count, state, np.int32),
        np.zeros(count, np.uint64),
        np.zeros(count),
        none,
        none,
    )


def _joined(beams: Sequence[_Beam]) -> _Beam:
    return _Beam(*(np.concatenate([getattr(beam, field.name) for beam in beams]) for field in fields(_Beam)))


def _extended(
    beam: _Beam, rows: Ids, begins: Ids, counts: Ids, pieces: Pieces, automaton: Automaton
) -> _Beam:
    """Every hypothesis with each graphone for the next letters of its word."""
    each = counts[beam.words]
    sources = np.repeat(np.arange(len(beam)), each)
    graphones = np.arange(len(sources)) - np.repeat(np.cumsum(each) - each - begins[beam.words], each)
    log_probs, states = automaton.advance_all(beam.states[sources], pieces.words[graphones])
    return _Beam(
        words=beam.words[sources],
        states=states,
        numbers=beam.numbers[sources] * pieces.factors[graphones] + pieces.terms[graphones],
        scores=beam.scores[sources] + log_probs,
        parents=rows[sources],
        graphones=graphones,
    )


def _merged(beam: _Beam) -> _Beam:
    """Adds up hypotheses of a word with the same state and the same phones."""
    beam = beam.take(np.lexsort((-beam.scores, beam.numbers, beam.states, beam.words)))
    columns = (beam.words, beam.states, beam.numbers)
    differs = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    firsts = np.flatnonzero(np.concatenate([[len(beam) > 0], differs]))
    if not len(firsts):
        return beam
    scores = np.logaddexp.reduceat(beam.scores, firsts)
    return replace(beam.take(firsts), scores=scores)


def _best(beam: _Beam, width: Width) -> _Beam:
    """What goes on, the most probable of each word first."""
    beam = beam.take(np.lexsort((-beam.scores, beam.words)))
    firsts = np.searchsorted(beam.words, beam.words)
    near = beam.scores >= beam.scores[firsts] - width.margin
    return beam.take(near & (np.arange(len(beam)) - firsts < width.hypotheses))


def _ended(beam: _Beam, pieces: Pieces, automaton: Automaton, history: _History) -> Iterator[Found]:
    """Pronunciations of words of which all letters are spelled."""
    ends, _ = automaton.advance_all(beam.states, np.full(len(beam), automaton.end, np.int32))
    beam = _merged(replace(beam, scores=beam.scores + ends, states=np.zeros_like(beam.states)))
    beam = beam.take(np.lexsort((-beam.scores, beam.words)))
    columns = (beam.words, beam.parents, beam.graphones, beam.scores)
    for word, parent, graphone, score in zip(*(column.tolist() for column in columns), strict=True):
        yield Found(word, tuple(pieces.graphones[n] for n in history.way(parent, graphone)), score)
