"""How much is taken from what was counted, to be given to what was not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FALLBACK = (0.5, 1.0, 1.5)
"""Discounts where none can be computed, as in lmplz."""

Counts = NDArray[np.integer[Any]]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Discounts:
    """What is taken from n-grams of one length that were counted once, twice, or more often.

    Attributes:
        amounts: For counts of 1, of 2, and of 3 or more.
        problem: Why they could not be computed, so that `FALLBACK` was taken; else empty.
    """

    amounts: tuple[float, float, float]
    problem: str = ""

    def of(self, counts: Counts) -> Numbers:
        """The discount of each count; nothing is taken from 0."""
        return np.array([0.0, *self.amounts])[np.minimum(counts, 3)]


def estimate_discounts(count_counts: Counts) -> Discounts:
    """Estimates discounts from how many n-grams were counted once, twice, three and four times (4,).

    With t_k n-grams counted k times (Chen and Goodman 1998, equation 26):

        Y = t_1 / (t_1 + 2 t_2),    D(k) = k - (k + 1) Y t_{k+1} / t_k    for k = 1, 2, 3

    Counts of real text fall in such a way that D(k) lies between 0 and k. In small, artificial or
    repeated text, and among the single units of a character model, there may be none with a count.
    """
    once, twice, thrice, _ = count_counts.tolist()
    if not (once and twice and thrice):
        missing = 1 + (once, twice, thrice).index(0)
        return Discounts(FALLBACK, f"none was counted exactly {missing}x")
    share = once / (once + 2 * twice)
    d1, d2, d3 = (k - (k + 1) * share * float(count_counts[k] / count_counts[k - 1]) for k in (1, 2, 3))
    for k, amount in enumerate((d1, d2, d3), start=1):
        if not 0 <= amount <= k:
            return Discounts(FALLBACK, f"the discount of a count of {k} would be {amount:.2f}")
    return Discounts((d1, d2, d3))


TOTAL, PRUNED, ONCE, TWICE, OFTEN = range(5)


def tally(contexts: Counts, counts: Counts, kept: NDArray[np.bool_], size: int) -> Numbers:
    """Sums up n-grams by context.

    Args:
        contexts: The number of each n-gram's context, below `size` (M,).
        counts: Their (adjusted) counts (M,).
        kept: Which of them stay in the model (M,).
        size: How many contexts there are.

    Returns:
        For every context (5, size): the sum of all counts, the sum of those that are pruned, and how
        many n-grams are kept that were counted once, twice and more often.
    """
    sums = [
        np.bincount(contexts, counts, size),
        np.bincount(contexts[~kept], counts[~kept], size),
        *(np.bincount(contexts[kept & (np.minimum(counts, 3) == k)], minlength=size) for k in (1, 2, 3)),
    ]
    return np.array(sums, np.float64)


def backoff_weights(sums: Numbers, discounts: Discounts) -> Numbers:
    """What is left for shorter contexts: all discounts and all that is pruned, as a share (size,).

    It is 1 where nothing was counted.
    """
    left = sums[PRUNED] + np.array(discounts.amounts) @ sums[ONCE : OFTEN + 1]
    weights = np.ones(sums.shape[1])
    np.divide(left, sums[TOTAL], out=weights, where=sums[TOTAL] > 0)
    return weights
