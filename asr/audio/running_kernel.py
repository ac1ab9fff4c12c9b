"""The compiled part of `asr.audio.normalization.advance_running`: one frame after the other.

Importing this module imports numba, so it is imported at the first frame and not before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from asr.compiled import compiled, once

Reals = NDArray[np.float32]
Sums = NDArray[np.float64]


class Start(NamedTuple):
    """Where the mean of a stream begins.

    Attributes:
        mean: Of a corpus (F,).
        frames: As how many frames it counts.
    """

    mean: Reals
    frames: float


@once
def running_kernel() -> Callable[..., None]:
    """The compiled `_normalize`, for features and a start that are read-only."""
    band, frames = (types.Array(types.float32, axes, "C", readonly=True) for axes in (1, 2))
    start = types.NamedTuple((band, types.float64), Start)  # type: ignore[no-untyped-call]
    signature = types.void(frames, start, band, types.float64, types.float64[::1], types.float32[:, ::1])
    return compiled(_normalize, signature, "normalisation kernel", makes_arrays=False)


def _normalize(
    features: Reals, start: Start, deviation: Reals, frames: float, total: Sums, normalized: Reals
) -> None:
    """Normalises frames by the mean of a stream up to each of them.

    Args:
        features: The next frames (T, F).
        start: Where the mean begins.
        deviation: By which frames are divided (F,).
        frames: How many there were before.
        total: Their sums (F,), brought up to date in place.
        normalized: Where the normalised frames go (T, F).
    """
    for frame in range(len(features)):
        count = start.frames + (frames + frame + 1)
        for band in range(len(total)):
            value = np.float64(features[frame, band])
            total[band] += value
            mean = (start.frames * np.float64(start.mean[band]) + total[band]) / count
            normalized[frame, band] = np.float32((value - mean) / np.float64(deviation[band]))
