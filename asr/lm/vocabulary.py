"""Models that know fewer words: those that a lexicon has, as no others can be written anyway."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from asr.errors import LanguageModelError
from asr.lm.ngrams import SPECIAL, UNKNOWN, Level, NgramModel
from asr.lm.pruning import balanced
from asr.lm.suffixes import NONE, in_order, suffixes


def limited(model: NgramModel, words: Collection[str]) -> NgramModel:
    """Leaves out words, and all n-grams with them.

    What they had of the probability without context goes to <unk>; that after contexts goes to back-off
    weights, so that everything adds up to one.

    Args:
        model: With every n-gram's suffix in it.
        words: Those that stay; the special words stay besides.

    Raises:
        LanguageModelError: If no word stays, or an n-gram lacks its suffix.
    """
    model = in_order(model)
    chosen = np.array([word in words or word in SPECIAL for word in model.words])
    if chosen.sum() <= len(SPECIAL):
        raise LanguageModelError("the model and the vocabulary have no word in common")
    numbers = (np.cumsum(chosen) - 1).astype(np.int32)
    levels: list[Level] = []
    places, stays = numbers, chosen
    for n, level in enumerate(model.levels):
        kept = chosen if not n else stays[level.contexts] & chosen[level.words]
        contexts = places[level.contexts[kept]].astype(np.int32) if n else level.contexts[kept]
        levels.append(
            Level(contexts, numbers[level.words[kept]], level.log_probs[kept], level.backoffs[kept])
        )
        places, stays = np.cumsum(kept) - 1, kept
    kept_words = tuple(word for word, stay in zip(model.words, chosen, strict=True) if stay)
    levels[0] = _with_unknown(levels[0], kept_words, model.levels[0].log_probs[~chosen])
    return rebalanced(NgramModel(kept_words, tuple(levels)))


def _with_unknown(level: Level, words: tuple[str, ...], lost: NDArray[np.float32]) -> Level:
    """Single words, of which <unk> has what others had."""
    log_probs = level.log_probs.copy()
    if UNKNOWN in words and len(lost):
        place = words.index(UNKNOWN)
        log_probs[place] = np.logaddexp.reduce([log_probs[place], *lost])
    return Level(level.contexts, level.words, log_probs, level.backoffs)


def rebalanced(model: NgramModel) -> NgramModel:
    """The model (in order) with back-off weights that make all probabilities add up to one.

    Raises:
        LanguageModelError: If an n-gram lacks its suffix.
    """
    levels, ends = list(model.levels), suffixes(model)
    for n in range(1, len(levels)):
        if (ends[n] == NONE).any():
            raise LanguageModelError("an n-gram lacks its suffix; take a model that asr lm build made")
        everything = np.ones(len(levels[n]), np.bool_)
        levels[n - 1] = balanced(levels[n - 1], levels[n], ends[n], everything)
    return NgramModel(model.words, tuple(levels))
