"""Is one model better than another on the same recordings, or was it chance?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from asr.recognize.scoring import Scored, drawn_sums, drawn_units


@dataclass(frozen=True, slots=True)
class Gain:
    """How many of the word errors a second model makes no more.

    Attributes:
        relative: Share of the first model's errors, 0.15 for 15 %; below 0 where the second makes more; nan
            where the first makes none.
        low, high: Confidence interval of that share; nan where there is too little to draw from.
        unit: What was drawn with replacement.
        units: How many speakers or utterances there were to draw from.
        resamples: Number of corpora that were drawn.
        level: Share of the drawn corpora whose gain lies inside.
    """

    relative: float
    low: float
    high: float
    unit: Literal["speaker", "utterance"]
    units: int
    resamples: int
    level: float = 0.95

    @property
    def certain(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0


def compare(
    before: Sequence[Scored], after: Sequence[Scored], *, resamples: int = 2000, seed: int = 0
) -> Gain:
    """Says how much better a second model is, and how far chance in the choice of the test set moves that.

    Both models are judged on every corpus that is drawn (paired bootstrap), so what is hard for both does
    not widen the interval: (errors before - errors after) / errors before, the middle 95 % of it (Bisani
    and Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation", ICASSP 2004).
    Speakers are drawn where `asr.recognize.scoring.bootstrap` draws them, else utterances.

    Args:
        before: What the first model made of the utterances.
        after: What the second one made of them, in the same order.
        resamples: Number of corpora to draw.
        seed: Of the draws; the same seed gives the same interval.

    Raises:
        ValueError: If these are not the same utterances.
    """
    if [item.id for item in before] != [item.id for item in after]:
        raise ValueError("two models are compared on the same utterances, in the same order")
    unit, keys = drawn_units(before)
    groups: dict[str | int, list[int]] = {}
    for key, one, other in zip(keys, before, after, strict=True):
        sums = groups.setdefault(key, [0, 0])
        sums[0] += one.words.errors
        sums[1] += other.words.errors
    counts = np.array(list(groups.values()), np.int64).reshape(-1, 2)
    first, second = counts.sum(axis=0).tolist()
    if not first:
        return Gain(math.nan, math.nan, math.nan, unit, len(groups), resamples)
    relative = (first - second) / first
    drawn = drawn_sums(counts, resamples, seed)
    drawn = drawn[drawn[:, 0] > 0]  # a draw without errors has no share of them
    if len(groups) < 2 or not len(drawn):
        return Gain(relative, math.nan, math.nan, unit, len(groups), resamples)
    low, high = np.quantile(1 - drawn[:, 1] / drawn[:, 0], [0.025, 0.975])
    return Gain(relative, float(low), float(high), unit, len(groups), resamples)
