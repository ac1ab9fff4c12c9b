"""How sure a recogniser is of a word: a confidence that is right as often as it says.

The tokens of a word have posteriors, each read at the frame where the token is most probable. Their product
p tells right words from wrong ones well, but a network is surer than it should be, and how much so differs
from model to model. Two numbers, fitted on speakers that the model was not trained on, correct that (Platt
scaling; J. Platt, "Probabilistic outputs for support vector machines", 1999):

    confidence = 1 / (1 + exp(-(offset + slope · ln(p / (1 - p)))))

Of the words with a confidence of 0.8, four in five are then right. Offset 0 and slope 1 leave p as it is.
How far a confidence is from that ideal is the expected calibration error: words are sorted into bins of
equal width by their confidence, and the differences between mean confidence and share of right words are
averaged over the bins, weighted by their words (M. Naeini, G. Cooper, M. Hauskrecht, "Obtaining well
calibrated probabilities using Bayesian binning", AAAI 2015).

Both hold for the way of decoding whose words they were fitted to (`asr.decode.identity`): a language model
lets words through that the sound is not sure of, and is right with most of them.

A way of decoding without these two numbers gives the geometric mean of the posteriors instead, which does not
depend on the length of the word and promises nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asr.config import NotNegative

BINS = 10
_LEAST_DOUBT = 1e-9  # a probability is never nearer to 0 or 1
_STEPS = 100
_LONGEST_STEP = 4.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """Turns the probability that a model gives a word into the share of such words that are right.

    Attributes:
        offset: Of the log-odds; below 0 where the model is too sure.
        slope: Of the log-odds; below 1 where it is too sure of what it is very sure of.
    """

    offset: float
    slope: NotNegative

    def confidence(self, log_prob: float) -> float:
        """The confidence in a word whose tokens have this log-probability together."""
        odds = float(log_odds(log_prob))
        return 0.5 + 0.5 * math.tanh((self.offset + self.slope * odds) / 2)


@dataclass(frozen=True, slots=True)
class Reliability:
    """What confidences promise and what was right, bin by bin; bins without words are left out.

    Attributes:
        counts: Words of each bin (B,).
        confidences: Their mean confidence (B,).
        accuracies: The share of them that is right (B,).
    """

    counts: tuple[int, ...]
    confidences: tuple[float, ...]
    accuracies: tuple[float, ...]

    @property
    def error(self) -> float:
        """The expected calibration error, 0 … 1; nan without words."""
        if not self.counts:
            return math.nan
        gaps = np.abs(np.subtract(self.confidences, self.accuracies))
        return float(np.average(gaps, weights=self.counts))


def log_odds(log_prob: ArrayLike) -> NDArray[np.float64]:
    """ln(p / (1 - p)) of probabilities given as ln p; certainty is taken for a doubt of 1e-9."""
    bounded = np.clip(np.asarray(log_prob, np.float64), math.log(_LEAST_DOUBT), math.log1p(-_LEAST_DOUBT))
    return np.asarray(bounded - np.log(-np.expm1(bounded)))


def word_confidence(log_probs: Sequence[float], calibration: Calibration | None) -> float:
    """The confidence in a word, 0 … 1.

    Args:
        log_probs: Log-probability of each of its tokens at the token's best frame; at least one.
        calibration: Of the way of decoding; None if there is none.
    """
    if calibration is None:
        return math.exp(sum(log_probs) / len(log_probs))
    return calibration.confidence(sum(log_probs))


def fit_calibration(log_probs: ArrayLike, correct: ArrayLike) -> Calibration:
    """Finds the offset and slope under which what was right and wrong is most probable.

    Newton's method on the logistic loss, with Platt's targets: a right word counts as
    (R + 1) / (R + 2) right, R being the number of right words, and a wrong one as 1 / (W + 2), so that words
    that are all right, or that confidences divide perfectly, do not drive the numbers to infinity. Where
    surer words are not right more often, the slope is 0, and the offset says how many are.

    Args:
        log_probs: Log-probability (N,) of each word: the sum over its tokens.
        correct: Whether each was right (N,).

    Raises:
        ValueError: If there is no word, or the two differ in length.
    """
    odds, right = log_odds(log_probs), np.asarray(correct, bool)
    if odds.ndim != 1 or odds.shape != right.shape or not len(odds):
        raise ValueError(f"expected as many words as judgements, got {odds.shape} and {right.shape}")
    count = int(right.sum())
    targets = np.where(right, (count + 1) / (count + 2), 1 / (len(right) - count + 2))
    offset, slope = _newton(np.stack([np.ones_like(odds), odds], axis=1), targets)
    if slope < 0:
        mean = float(targets.mean())
        offset, slope = math.log(mean / (1 - mean)), 0.0
    return Calibration(offset, slope)


def reliability(confidences: ArrayLike, correct: ArrayLike, bins: int = BINS) -> Reliability:
    """Compares confidences with what was right.

    Args:
        confidences: Of each word, 0 … 1 (N,).
        correct: Whether each was right (N,).
        bins: Number of bins of equal width.
    """
    given, right = np.asarray(confidences, np.float64), np.asarray(correct, bool)
    place = np.minimum((given * bins).astype(np.int64), bins - 1)
    counts = np.bincount(place, minlength=bins)
    used = counts > 0
    means = [np.bincount(place, values, bins)[used] / counts[used] for values in (given, right)]
    return Reliability(tuple(counts[used].tolist()), tuple(means[0].tolist()), tuple(means[1].tolist()))


def _newton(inputs: NDArray[np.float64], targets: NDArray[np.float64]) -> tuple[float, float]:
    """Weights of inputs (N, 2) with the least logistic loss, which is flat far out, so steps are bounded."""
    weights = np.zeros(inputs.shape[1])
    for _ in range(_STEPS):
        predicted = 0.5 + 0.5 * np.tanh(inputs @ weights / 2)
        curvature = (inputs * (predicted * (1 - predicted))[:, None]).T @ inputs
        ridge = 1e-9 * max(1.0, float(np.trace(curvature))) * np.eye(len(weights))
        step = np.linalg.solve(curvature + ridge, inputs.T @ (predicted - targets))
        step *= min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), 1e-300))
        weights = weights - step
        if np.abs(step).max() < 1e-10:
            break
    return float(weights[0]), float(weights[1])
