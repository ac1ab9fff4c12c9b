"""Perplexity: how many words a language model hesitates between, on average; lower is better.

It is exp(-log p(text) / T), where T counts all words and the end of every sentence. Words that are not in
the model are counted apart: as <unk> they have a probability that belongs to all unknown words together,
so that perplexities can be compared only between models with the same vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from asr.lm.automaton import Automaton

SENTENCES = 1 << 13
"""Sentences that are read side by side."""


@dataclass(frozen=True, slots=True)
class Perplexity:
    """What a model thinks of a text; a sum of two is that of both texts together.

    Attributes:
        sentences, words: How many there are; empty sentences are not counted.
        unknown: How many of the words are not in the model.
        log_prob: Natural log-probability of the text, ends of sentences included.
        unknown_log_prob: The part of it that the unknown words have.
    """

    sentences: int = 0
    words: int = 0
    unknown: int = 0
    log_prob: float = 0.0
    unknown_log_prob: float = 0.0

    def __add__(self, other: Perplexity) -> Perplexity:
        return Perplexity(
            self.sentences + other.sentences,
            self.words + other.words,
            self.unknown + other.unknown,
            self.log_prob + other.log_prob,
            self.unknown_log_prob + other.unknown_log_prob,
        )

    @property
    def with_unknown(self) -> float:
        """Perplexity of everything; nan for an empty text."""
        return _perplexity(self.log_prob, self.words + self.sentences)

    @property
    def without_unknown(self) -> float:
        """Perplexity of the words that the model knows, and of the ends; nan where there are none."""
        count = self.words + self.sentences - self.unknown
        return _perplexity(self.log_prob - self.unknown_log_prob, count)


def _perplexity(log_prob: float, count: int) -> float:
    return math.exp(min(-log_prob / count, 700.0)) if count else math.nan


def measure(automaton: Automaton, sentences: Iterable[Sequence[str]]) -> Perplexity:
    """Scores a text, some thousand sentences side by side."""
    total = Perplexity()
    rest = filter(None, sentences)
    while batch := list(islice(rest, SENTENCES)):
        total += _measure(automaton, batch)
    return total


def _measure(automaton: Automaton, batch: list[Sequence[str]]) -> Perplexity:
    batch.sort(key=len, reverse=True)  # those that go on come first
    lengths = np.array([len(sentence) for sentence in batch])
    unknown = 0
    log_prob = unknown_log_prob = 0.0
    states = np.full(len(batch), automaton.start, np.int32)
    for place in range(lengths[0]):
        going = int(np.searchsorted(-lengths, -place))  # longer than place
        ids = np.array([automaton.ids.get(batch[row][place], -1) for row in range(going)], np.int32)
        log_probs, states[:going] = automaton.advance_all(states[:going], ids)
        missing = (ids < 0) | (ids == automaton.unknown)
        log_prob += float(log_probs.sum())
        unknown += int(missing.sum())
        unknown_log_prob += float(log_probs[missing].sum())
    if automaton.end >= 0:
        ends = np.full(len(batch), automaton.end, np.int32)
        log_prob += float(automaton.advance_all(states, ends)[0].sum())
    return Perplexity(len(batch), int(lengths.sum()), unknown, log_prob, unknown_log_prob)
