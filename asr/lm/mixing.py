"""Mixtures of n-gram models: one model of several, each made of another kind of text.

The probability of a word is the weighted mean of what the models say,

    p(w | c) = Σ_i λ_i p_i(w | c),

for all n-grams that any of them has; the back-off weights of the mixture make its probabilities add up to
one again, which for other words is close to the mean and no more (static interpolation; Stolcke 2002,
*SRILM, An Extensible Language Modeling Toolkit*). A word that a model does not know has probability zero
in it.

The λ that make a text most probable are found by expectation maximisation (Jelinek and Mercer 1980).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.errors import LanguageModelError
from asr.lm.automaton import ROOT, Automaton
from asr.lm.construction import automaton_from
from asr.lm.ngrams import SPECIAL, WORD_BITS, Level, NgramModel, key
from asr.lm.vocabulary import rebalanced

Ids = NDArray[np.int64]
ROUNDS = 50
"""Of expectation maximisation; far more than it takes."""


@dataclass(slots=True)
class _Part:
    """A model on its way into a mixture.

    Attributes:
        model, automaton: The model.
        ids: Its number of each word of the mixture, or -1.
        names: The mixture's number of each of its words.
        rows: Where its n-grams of the last level are in the mixture's.
        states: Where its automaton is after each n-gram of the mixture's last level.
    """

    model: NgramModel
    automaton: Automaton
    ids: NDArray[np.int32]
    names: NDArray[np.int32]
    rows: Ids
    states: NDArray[np.int32]

    def keys(self, n: int) -> Ids:
        """The keys of its n-grams of level n among those of the mixture."""
        if n >= self.model.order:
            return np.zeros(0, np.int64)
        level = self.model.levels[n]
        contexts = self.rows[level.contexts] if n else np.zeros(len(level), np.int64)
        return key(contexts, self.names[level.words])

    def read(self, contexts: Ids, words: NDArray[np.int32]) -> NDArray[np.float64]:
        """The log-probabilities of words after contexts of the mixture (M,); moves the states on."""
        known = self.ids[words] >= 0
        log_probs, following = self.automaton.advance_all(self.states[contexts], self.ids[words])
        self.states = np.where(known, following, ROOT).astype(np.int32)
        return np.where(known, log_probs, -np.inf)


def mix(models: Sequence[NgramModel], weights: Sequence[float]) -> NgramModel:
    """Makes one model of several.

    Args:
        models: With every n-gram's suffix in it, as those that `kneser_ney.estimate` makes.
        weights: How much each counts; they add up to one.

    Returns:
        The mixture, in order, of the longest order among them.

    Raises:
        LanguageModelError: If an n-gram lacks its suffix.
    """
    words = tuple(dict.fromkeys([*SPECIAL, *(word for model in models for word in model.words)]))
    parts = [_part(model, words) for model in models]
    levels: list[Level] = []
    for n in range(max(model.order for model in models)):
        keys = [part.keys(n) for part in parts]
        union = np.unique(np.concatenate(keys)) if n else np.arange(len(words))
        for part, own in zip(parts, keys, strict=True):
            part.rows = np.searchsorted(union, own)
        contexts, last = union >> WORD_BITS, (union & ((1 << WORD_BITS) - 1)).astype(np.int32)
        said = [
            np.log(weight) + part.read(contexts, last)
            for part, weight in zip(parts, weights, strict=True)
            if weight > 0
        ]
        log_probs = np.maximum(np.logaddexp.reduce(said), -1e4).astype(np.float32)
        levels.append(Level(contexts.astype(np.int32), last, log_probs, np.zeros(len(last), np.float32)))
    return rebalanced(NgramModel(words, tuple(levels)))


def _part(model: NgramModel, words: Sequence[str]) -> _Part:
    automaton = automaton_from(model)
    names = {word: index for index, word in enumerate(words)}
    return _Part(
        model=model,
        automaton=automaton,
        ids=np.array([automaton.ids.get(word, -1) for word in words], np.int32),
        names=np.array([names[word] for word in model.words], np.int32),
        rows=np.zeros(0, np.int64),
        states=np.zeros(1, np.int32),
    )


def best_weights(automata: Sequence[Automaton], sentences: Iterable[Sequence[str]]) -> NDArray[np.float64]:
    """The weights (I,) with which a mixture makes sentences most probable.

    Words that no model knows do not count.

    Raises:
        LanguageModelError: If there is no word that a model knows.
    """
    said: list[list[float]] = []
    for sentence in sentences:
        scores = [automaton.score(sentence) for automaton in automata]
        for place, word in enumerate([*sentence, ""]):
            known = [not word or word in automaton.ids for automaton in automata]
            if any(known):
                pairs = zip(scores, known, strict=True)
                said.append([one[place] if is_known else -np.inf for one, is_known in pairs])
    if not said:
        raise LanguageModelError("the text to find weights on holds no word that a model knows")
    log_probs = np.array(said)
    weights = np.full(len(automata), 1 / len(automata))
    for _ in range(ROUNDS):
        with np.errstate(divide="ignore"):
            shares = np.log(weights) + log_probs
        shares = np.exp(shares - np.logaddexp.reduce(shares, axis=1, keepdims=True))
        weights = shares.mean(0)
    return weights
