"""Pruning by relative entropy: leaving out the n-grams that a model can best do without.

Without an n-gram, its last word w after the context c is as probable as the model makes it by backing off.
How much worse the model becomes is the divergence between what it said before and what it says then,

    D = p(c) Σ_v p(v | c) (log p(v | c) - log p'(v | c)),

in which two things change: the probability of w itself, and the back-off weight of c, which all words
share that have no n-gram after c. N-grams with a D below a threshold go (Stolcke 1998, *Entropy-based
Pruning of Backoff Language Models*). p(c) is the share of the text's places that stand after c: taken from
the model, it would be wrong under Kneser-Ney smoothing, whose short n-grams do not speak of all places
(Chelba, Brants, Neveitt and Xu 2010, *Study on Interaction between Entropy Pruning and Kneser-Ney
Smoothing*).

An n-gram stays if a longer one begins with it or ends in it, so every n-gram that stays has its suffix.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from asr.lm.ngrams import BEGIN, Level, NgramModel
from asr.lm.suffixes import in_order, occurrences, select, suffixes

Ids = NDArray[np.int64]
Reals = NDArray[np.float64]

_LEAST = 1e-9
"""Stands for a probability that rounding made zero or less."""


def prune(
    model: NgramModel, texts: Sequence[tuple[NDArray[np.int32], float]], threshold: float
) -> NgramModel:
    """Leaves out n-grams without which a model is hardly worse; their probability goes to back-off weights.

    Args:
        model: A model that was estimated with interpolation, with every n-gram's suffix in it.
        texts: The texts that it was estimated from: the ids of all words, with <s> and </s> (T,), and the
            share that each text has in the model.
        threshold: The least divergence that an n-gram must be worth to stay, nats per word: about 1e-7.
    """
    model = in_order(model)
    begin = model.words.index(BEGIN)
    contexts = [np.zeros(len(level)) for level in model.levels]
    for tokens, share in texts:
        places = np.count_nonzero(tokens != begin)
        for sums, counts in zip(contexts, occurrences(model, tokens, begin), strict=True):
            sums += share * counts / places
    ends = suffixes(model)
    levels = list(model.levels)
    kept = [np.zeros(len(level), np.bool_) for level in levels]
    for n in range(len(levels) - 1, 0, -1):
        below, level = levels[n - 1], levels[n]
        worth = _worth(below, level, ends[n], contexts[n - 1])
        kept[n] |= worth >= threshold
        kept[n - 1][level.contexts[kept[n]]] = True
        kept[n - 1][ends[n][kept[n]]] = True
        levels[n - 1] = balanced(below, level, ends[n], kept[n])
    kept[0][:] = True
    return select(NgramModel(model.words, tuple(levels)), kept)


def _worth(below: Level, level: Level, ends: Ids, contexts: Reals) -> Reals:
    """The divergence if each n-gram alone were left out (M,)."""
    own, shorter = _probabilities(below, level, ends)
    rows = level.contexts
    left = _left(rows, own, len(below))
    weights = np.log((left[rows] + own) / (_left(rows, shorter, len(below))[rows] + shorter))
    change = own * (np.log(own) - np.log(shorter) - weights)
    worth: Reals = contexts[rows] * (change + left[rows] * (below.backoffs[rows] - weights))
    return worth


def balanced(below: Level, level: Level, ends: Ids, kept: NDArray[np.bool_]) -> Level:
    """The shorter n-grams with back-off weights that make all probabilities after them add up to one.

    Args:
        below: N-grams of one length.
        level: Those of the next one.
        ends: Where the suffixes of the longer ones are among the shorter ones (M,).
        kept: Which of the longer ones there are (M,).
    """
    own, shorter = _probabilities(below, level, ends)
    rows = level.contexts[kept]
    weights = np.log(_left(rows, own[kept], len(below)) / _left(rows, shorter[kept], len(below)))
    return Level(below.contexts, below.words, below.log_probs, weights.astype(np.float32))


def _probabilities(below: Level, level: Level, ends: Ids) -> tuple[Reals, Reals]:
    """The probability of each n-gram's last word after its context, and after the shorter one (M,)."""
    return np.exp(level.log_probs.astype(np.float64)), np.exp(below.log_probs[ends].astype(np.float64))


def _left(contexts: NDArray[np.int32], probabilities: Reals, size: int) -> Reals:
    """What is left for all other words after each context (size,)."""
    return np.maximum(1 - np.bincount(contexts, probabilities, size), _LEAST)
