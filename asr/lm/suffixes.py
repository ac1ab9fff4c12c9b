"""N-grams in order, where each one's suffix is, and how often each stands in a text.

The suffix of an n-gram is what is left without its first word. In order, the n-grams of a level are sorted
by their context and then by their last word, so that they are found by bisection.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from asr.lm.ngrams import Level, NgramModel, key

Ids = NDArray[np.int64]

NONE = -1
"""Stands for an n-gram that the model has not."""


def in_order(model: NgramModel) -> NgramModel:
    """The same model with the n-grams of each level in order."""
    levels = list(model.levels[:1])  # single words are in the order of the vocabulary
    places = np.arange(len(model.words))
    for level in model.levels[1:]:
        contexts = places[level.contexts]
        rows = np.lexsort((level.words, contexts))
        columns = level.words[rows], level.log_probs[rows], level.backoffs[rows]
        levels.append(Level(contexts[rows].astype(np.int32), *columns))
        places = np.empty_like(rows)
        places[rows] = np.arange(len(rows))
    return NgramModel(model.words, tuple(levels))


def find_rows(level: Level, contexts: Ids, words: NDArray[np.int32]) -> Ids:
    """The rows of n-grams, given their contexts and last words (M,), in a level in order; or `NONE`."""
    if not len(level):
        return np.full(len(contexts), NONE)
    keys, wanted = key(level.contexts, level.words), key(np.maximum(contexts, 0), words)
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where((contexts >= 0) & (keys[places] == wanted), places, NONE)


def suffixes(model: NgramModel) -> list[Ids]:
    """For each level: the row of every n-gram's suffix in the level below (M,), or `NONE`.

    Args:
        model: In order. The suffix of single words is the empty one, row 0 of no level.
    """
    found = [np.zeros(len(model.levels[0]), np.int64)]
    for n, level in enumerate(model.levels[1:], start=1):
        if n == 1:
            found.append(level.words.astype(np.int64))
        else:
            found.append(find_rows(model.levels[n - 1], found[-1][level.contexts], level.words))
    return found


def occurrences(model: NgramModel, tokens: NDArray[np.int32], begin: int) -> list[Ids]:
    """For each level: how often every n-gram stands in a text (M,).

    Args:
        model: In order.
        tokens: The ids of all words of the text, each sentence from `begin` on (T,).
        begin: The word that begins a sentence.
    """
    rows = tokens.astype(np.int64)
    counts = [np.bincount(rows, minlength=len(model.words))]
    for level in model.levels[1:]:
        before = np.concatenate([[NONE], rows[:-1]])
        rows = find_rows(level, np.where(tokens == begin, NONE, before), tokens)
        counts.append(np.bincount(rows[rows >= 0], minlength=len(level)))
    return counts


def select(model: NgramModel, kept: Sequence[NDArray[np.bool_]]) -> NgramModel:
    """The model with some n-grams of each level, with all single words and all contexts of longer ones."""
    levels: list[Level] = []
    places = np.arange(len(model.words))
    for level, chosen in zip(model.levels, kept, strict=True):
        contexts = places[level.contexts[chosen]].astype(np.int32) if levels else level.contexts
        levels.append(Level(contexts, level.words[chosen], level.log_probs[chosen], level.backoffs[chosen]))
        places = np.cumsum(chosen) - 1
    return NgramModel(model.words, tuple(levels))
