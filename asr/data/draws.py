"""How often each utterance is drawn in an epoch: a corpus may count more, or less, than its size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Draws:
    """What an epoch consists of.

    Attributes:
        indices: The example of each draw (M,).
        again: How often it was drawn before in this epoch (M,); each time it is varied anew.
    """

    indices: NDArray[np.int64]
    again: NDArray[np.int64]

    @classmethod
    def once(cls, count: int) -> Draws:
        """Each of so many examples once."""
        return cls(np.arange(count), np.zeros(count, np.int64))

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(zip(self.indices.tolist(), self.again.tolist(), strict=True))


def draw(weights: NDArray[np.float64], seed: int, epoch: int) -> Draws:
    """Draws examples in proportion to their weights, as evenly as whole numbers allow.

    Up to the end of epoch e an example of weight w was drawn ⌊w (e + 1) + u⌋ times, with an offset u of
    its own between 0 and 1: 2 is twice in each epoch, 0.5 once in two, 1.5 once and twice by turns. The
    offsets are equally spaced, in random order, so that all epochs are about as long.

    Args:
        weights: Of each example (N,), above 0.
        seed: Of the offsets.
        epoch: Counted from 0.
    """
    count = len(weights)
    offsets = (np.random.default_rng([seed, count]).permutation(count) + 0.5) / max(count, 1)
    times = np.floor(weights * (epoch + 1) + offsets) - np.floor(weights * epoch + offsets)
    times = times.astype(np.int64)
    indices = np.repeat(np.arange(count), times)
    return Draws(indices, np.arange(len(indices)) - np.repeat(np.cumsum(times) - times, times))
