"""Where a recording is quiet, judged by nothing but its features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

QUIETEST, LOUDEST = 0.05, 0.9
"""The quantiles of all frames that stand for the background and for speech."""

QUIET = 0.25
"""A frame is quiet if its level is no more than so far on the way from background to speech."""

LEAST_CONTRAST = 0.4
"""Where speech is no further above the background, in deviations of the features, nothing is quiet."""


def quiet_stretches(features: NDArray[np.float32], shortest: int) -> NDArray[np.int64]:
    """Finds the quiet stretches of a recording.

    The level of a frame is the mean over its bands, which hears a faint hiss as well as a vowel.

    Args:
        features: Normalised log-mel (T, F).
        shortest: Frames that a stretch must have unless it touches the beginning or the end.

    Returns:
        First frame of each stretch and the one after its last (R, 2), in order.
    """
    if not len(features):
        return np.empty((0, 2), np.int64)
    levels = features.mean(axis=1, dtype=np.float64)
    background, speech = np.quantile(levels, [QUIETEST, LOUDEST])
    if speech - background < LEAST_CONTRAST:
        return np.empty((0, 2), np.int64)
    quiet = levels < background + QUIET * (speech - background)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], quiet, [False]]).astype(np.int8)))
    stretches = edges.reshape(-1, 2)
    lengths = stretches[:, 1] - stretches[:, 0]
    outer = (stretches[:, 0] == 0) | (stretches[:, 1] == len(features))
    return np.asarray(stretches[(lengths >= shortest) | outer], np.int64)
