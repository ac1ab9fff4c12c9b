"""A dataset of which some utterances are drawn more often than others."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from asr.data.dataset import Dataset, Example
from asr.data.draws import Draws, draw


class Weighted:
    """Draws each utterance of a dataset as often as its weight says; see `draw`, and Examples.

    Args:
        dataset: What to draw from; what it has besides utterances is drawn once an epoch.
        weights: Of each utterance, draws an epoch.
        seed: Of the epochs in which those are drawn whose weight is no whole number.
    """

    def __init__(self, dataset: Dataset, weights: Sequence[float], seed: int) -> None:
        self._dataset, self._seed = dataset, seed
        self._weights = np.ones(len(dataset))
        self._weights[: len(weights)] = weights
        self._drawn = lru_cache(maxsize=2)(self._draw)

    def seconds(self, epoch: int) -> NDArray[np.float64]:
        """How long each draw (M,) of an epoch is."""
        return self._dataset.seconds(epoch, self._drawn(epoch))

    def views(self, index: int, epoch: int, count: int) -> tuple[Example, ...]:
        """So many views of draw `index` of an epoch, as it sounds this time."""
        draws = self._drawn(epoch)
        return self._dataset.views(int(draws.indices[index]), epoch, count, int(draws.again[index]))

    def _draw(self, epoch: int) -> Draws:
        return draw(self._weights, self._seed, epoch)
