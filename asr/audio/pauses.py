"""Long pauses, as short ones: an utterance between them is normalised as it would be by itself.

In a piece of a long recording there are seconds of nothing between two sentences, which utterances do not
have, and digital silence alone moves the mean of every band by more than another microphone does. A model
that normalises speech alone hears a sentence in a piece as it does by itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asr.audio.activity import QUIETEST, bridged, frame_levels, speech_threshold, stretches
from asr.config import FeatureConfig

LEAST_CONTRAST = 1.5
"""Between background and speech, in nats (6.5 dB), or in deviations where features are normalised; where
there is less, nothing is told from their levels."""

BLIP = 0.03
"""Seconds above the threshold that do not end a pause: a click, or noise that fluctuates."""

BESIDE = 0.2
"""Seconds of a pause that count, next to what is spoken before and after it."""


def normalize_spoken(features: NDArray[np.float32], config: FeatureConfig) -> NDArray[np.float32]:
    """Normalises by the mean and deviation of what is spoken, and of a little of the pauses beside it.

    What is left of the pauses is no lower than that: a band falls to the `QUIETEST` quantile of what counts.

    Args:
        features: Log-mel features (T, F).
        config: How they were computed.

    Returns:
        New features (T, F).
    """
    if not len(features):
        return np.zeros_like(features, np.float32)
    counts = near_speech(features, config)
    heard = features[counts]
    deviation = np.maximum(heard.std(0), np.float32(config.deviation_floor))
    normalized = (features - heard.mean(0)) / deviation
    if not counts.all():
        lowest = np.quantile(normalized[counts], QUIETEST, axis=0)
        normalized[~counts] = np.maximum(normalized[~counts], lowest)
    return np.asarray(normalized, np.float32)


def near_speech(features: NDArray[np.float32], config: FeatureConfig) -> NDArray[np.bool_]:
    """Which frames of log-mel features (T, F) are spoken, or no further than `BESIDE` from that (T,)."""
    if not len(features):
        return np.ones(0, bool)
    levels = frame_levels(features)
    counts, margin = np.ones(len(levels), bool), round(BESIDE * config.sample_rate / config.hop)
    for begin, end in pauses(levels, config).tolist():
        first = begin + margin if begin else 0
        last = end - margin if end < len(levels) else end
        counts[first : max(first, last)] = False
    return counts if counts.any() else ~counts  # where there are clicks alone


def pauses(levels: NDArray[np.float64], config: FeatureConfig) -> NDArray[np.int64]:
    """Stretches of frames (R, 2) in which nothing is spoken, by the levels (T,) of at least one frame.

    They may be of normalised features or of others.
    """
    quiet = stretches(levels < speech_threshold(levels, LEAST_CONTRAST))
    return bridged(quiet, round(BLIP * config.sample_rate / config.hop))
