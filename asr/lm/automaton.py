"""The back-off automaton: an n-gram model as a machine that reads words and says how likely each was.

A state is what the model still remembers: a context of at most n - 1 words. State 0 remembers nothing.
An arc is an n-gram: it leads from its context, on its last word, to the longest context that the words
so far end in. Where a state has no arc for a word, the model backs off: it pays the state's back-off
weight, forgets the oldest word, and asks again (Katz 1987; the formulas are in `asr.lm.kneser_ney`):

    log p(word | state) = arc's log-probability                         where there is an arc
                        = backoff(state) + log p(word | shorter state)  else
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asr.lm.arcs import Records
from asr.lm.hashing import EMPTY, MULTIPLIER, find
from asr.lm.ngrams import WORD_BITS, key

OUT_OF_VOCABULARY = -100.0
"""Natural log-probability of a word that is not in the model, where the model has no <unk>."""

ROOT = 0
"""The state that remembers nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Automaton:
    """An n-gram model ready for use; A arcs in a hash table of S places, C states.

    Attributes:
        order: Words in the longest n-grams.
        words: The vocabulary; a word's index is its id.
        arcs: Hash table of ARC (S,), whose scores are natural log-probabilities of words.
        states: STATE (C,): the natural logarithm of the back-off weight, which is 0 for the root, and the
            state that remembers one word less, or several where that is no state; always a smaller number,
            but for the root, which is its own.
        start: The state at the beginning of a sentence, after <s>.
        end: Id of </s>, or -1.
        unknown: Id of <unk>, or -1.
        origin: Hash of the file that it was made of, which stands for all of it; empty if nobody took one.
        ids: The id of every word.
    """

    order: int
    words: tuple[str, ...]
    arcs: Records
    states: Records
    start: int
    end: int
    unknown: int
    origin: str = field(default="", compare=False)
    ids: Mapping[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", dict(zip(self.words, range(len(self.words)), strict=True)))

    @property
    def arc_keys(self) -> NDArray[np.int64]:
        """``state << 24 | word`` (S,), as in `asr.lm.hashing`; -1 where empty."""
        return self.arcs["key"]

    @property
    def arc_next(self) -> NDArray[np.int32]:
        """The state that the arc leads to (S,)."""
        return self.arcs["following"]

    @property
    def arc_log_probs(self) -> NDArray[np.float32]:
        """Natural log-probability of the word (S,)."""
        return self.arcs["score"]

    @property
    def backoff_log_probs(self) -> NDArray[np.float32]:
        """Natural logarithm of the state's back-off weight (C,)."""
        return self.states["score"]

    @property
    def backoff_states(self) -> NDArray[np.int32]:
        """The state that backing off leads to (C,)."""
        return self.states["following"]

    def id(self, word: str) -> int:
        """The id of a word; that of <unk>, or -1 without one, where the model does not know it."""
        return self.ids.get(word, self.unknown)

    def advance(self, state: int, word: int) -> tuple[float, int]:
        """Reads one word.

        Args:
            state: Where the automaton is.
            word: A word's id; -1 for a word that is not in the model.

        Returns:
            The word's natural log-probability, and the next state. A word that is not in the model
            counts as <unk>; in a model without <unk> it has `OUT_OF_VOCABULARY`, and all is forgotten.
        """
        word = word if word >= 0 else self.unknown
        if word < 0:
            return OUT_OF_VOCABULARY, ROOT
        paid = 0.0
        while (place := self._place(state << WORD_BITS | word)) < 0:
            if state == ROOT:  # an id beyond the vocabulary, for every word has an arc from here
                return OUT_OF_VOCABULARY, ROOT
            paid += float(self.backoff_log_probs[state])
            state = int(self.backoff_states[state])
        return paid + float(self.arc_log_probs[place]), int(self.arc_next[place])

    def _place(self, wanted: int) -> int:
        """Where in the hash table a key is, or -1."""
        mask = len(self.arc_keys) - 1
        mixed = wanted * MULTIPLIER & 0xFFFF_FFFF_FFFF_FFFF
        place = (mixed ^ mixed >> 32) & mask
        while (held := self.arc_keys[place]) != wanted:
            if held == EMPTY:
                return -1
            place = place + 1 & mask
        return place

    def score(self, words: Iterable[str], *, begin: bool = True, end: bool = True) -> tuple[float, ...]:
        """Scores a sentence.

        Args:
            words: Its words.
            begin: It stands at the beginning; else nothing is known of what came before.
            end: Score that it ends here, too.

        Returns:
            A natural log-probability for every word, and one more for </s> with `end` (0 in a model
            that has no </s>). Their sum is that of the sentence.
        """
        state = self.start if begin else ROOT
        scores = []
        for word in words:
            log_prob, state = self.advance(state, self.id(word))
            scores.append(log_prob)
        if end:
            scores.append(self.advance(state, self.end)[0] if self.end >= 0 else 0.0)
        return tuple(scores)

    def advance_all(
        self, states: NDArray[np.int32], words: NDArray[np.int32]
    ) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Reads one word in each of many states: `advance` for arrays (N,), some hundred times as fast."""
        words = np.where(words < 0, self.unknown, words)
        log_probs = np.zeros(len(states))
        following = np.zeros(len(states), np.int32)
        at = np.where(words < 0, -1, states)
        while len(open_ := np.flatnonzero(at >= 0)):
            state = at[open_]
            places = find(self.arc_keys, key(state, words[open_]))
            hit, miss = places >= 0, places < 0
            log_probs[open_[hit]] += self.arc_log_probs[places[hit]]
            following[open_[hit]] = self.arc_next[places[hit]]
            log_probs[open_[miss]] += self.backoff_log_probs[state[miss]]
            lost = miss & (state == ROOT)
            at[open_] = np.where(hit | lost, -1, self.backoff_states[state])
            words[open_[lost]] = -1
        log_probs[words < 0] = OUT_OF_VOCABULARY
        return log_probs, following

    def greatest_log_prob(self) -> float:
        """A natural log-probability that no word has more of, in whatever state.

        Above 0 only where weights of backing off are above 1, as they may be in a pruned model. It is a
        bound: a word that a state has an arc for is counted where that state backs off, too.
        """
        taken = self.arc_keys != EMPTY
        best = np.full(len(self.backoff_states), -np.inf)
        np.maximum.at(best, self.arc_keys[taken] >> WORD_BITS, self.arc_log_probs[taken])
        for _ in range(self.order):
            best = np.maximum(best, self.backoff_log_probs + best[self.backoff_states])
        return float(best.max(initial=OUT_OF_VOCABULARY))
