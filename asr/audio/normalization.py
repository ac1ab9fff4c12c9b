"""Normalisation of log-mel features, so that microphones and distances matter less.

Four ways: `corpus` uses the mean and deviation of the training data; `running` replaces that mean
little by little with the mean of the stream so far (causal, so streams can use it); `utterance` uses
the utterance's own mean and deviation, which only a model that has all of it can do; `speech` does so
without long pauses (`asr.audio.pauses`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.audio.pauses import normalize_spoken
from asr.config import FeatureConfig

PRIOR_FRAMES = 100.0
"""The running mean begins at the corpus mean, which weighs as much as this many frames."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Mean and standard deviation of every mel band over a corpus, (F,) each."""

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class RunningMean:
    """What a stream has heard so far: number of frames, and their sum per band (F,)."""

    frames: int
    total: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moments:
    """Number of frames, and per band (F,) their sum and the sum of their squares; those of parts add up."""

    frames: int
    total: NDArray[np.float64]
    squares: NDArray[np.float64]


def collect_statistics(features: Iterable[NDArray[np.float32]], config: FeatureConfig) -> Statistics:
    """Measures mean and deviation over many utterances; see `collect_moments` and `statistics_of`."""
    return statistics_of(collect_moments(features, config), config)


def collect_moments(features: Iterable[NDArray[np.float32]], config: FeatureConfig) -> Moments:
    """Adds up many utterances, frame by frame.

    Args:
        features: Log-mel features (T, F) of each utterance.
        config: Says how many bands there are.
    """
    count = 0
    total = np.zeros(config.mels)
    squares = np.zeros(config.mels)
    for utterance in features:
        frames = utterance.astype(np.float64)
        count += len(frames)
        total += frames.sum(0)
        squares += (frames**2).sum(0)
    return Moments(count, total, squares)


def statistics_of(moments: Moments, config: FeatureConfig) -> Statistics:
    """Mean and deviation; no deviation is below `config.deviation_floor`. Of no frames they are 0 and 1."""
    if not moments.frames:
        return Statistics(np.zeros(config.mels, np.float32), np.ones(config.mels, np.float32))
    mean = moments.total / moments.frames
    variance = moments.squares / moments.frames - mean**2
    deviation = np.sqrt(np.maximum(variance, config.deviation_floor**2))
    return Statistics(mean.astype(np.float32), deviation.astype(np.float32))


def normalize(
    features: NDArray[np.float32], config: FeatureConfig, statistics: Statistics
) -> NDArray[np.float32]:
    """Normalises the features (T, F) of a whole utterance in the way that `config` names."""
    if config.normalization == "running":
        normalized, _ = advance_running(start_running(config), features, statistics)
        return normalized
    if config.normalization == "speech":
        return normalize_spoken(features, config)
    if config.normalization == "utterance" and len(features):
        deviation = np.maximum(features.std(0), np.float32(config.deviation_floor))
        return np.asarray((features - features.mean(0)) / deviation, np.float32)
    return np.asarray((features - statistics.mean) / statistics.deviation, np.float32)


def start_running(config: FeatureConfig) -> RunningMean:
    """The state of the running mean before the first frame."""
    return RunningMean(0, np.zeros(config.mels))


def advance_running(
    state: RunningMean, features: NDArray[np.float32], statistics: Statistics
) -> tuple[NDArray[np.float32], RunningMean]:
    """Normalises the next frames of a stream; any split into blocks gives the same numbers.

    Returns:
        The normalised frames (T, F), and the state to pass with the next ones.
    """
    if not len(features):
        return features, state
    from asr.audio.running_kernel import Start, running_kernel  # not above: it imports numba

    total, normalized = state.total.copy(), np.empty(features.shape, np.float32)
    start = Start(_read_only(statistics.mean), PRIOR_FRAMES)
    deviation = _read_only(statistics.deviation)
    running_kernel()(_read_only(features), start, deviation, float(state.frames), total, normalized)
    return normalized, RunningMean(state.frames + len(features), total)


def _read_only(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """A view that cannot be written to, as numba gives such arrays a type of their own."""
    aligned = array if array.flags.aligned else array.copy()
    view = np.ascontiguousarray(aligned, np.float32).view()
    view.flags.writeable = False
    return view
