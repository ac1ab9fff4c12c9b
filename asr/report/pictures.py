"""What sound looks like: its waveform as a path, its log-mel features in colours, row by row."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from asr.audio.features import log_mel
from asr.audio.io import AudioSource, load_audio
from asr.config import FeatureConfig
from asr.report.png import png

ROW = 12.0
"""Seconds in a row, at most, unless the recording is so long that there would be more than `ROWS`."""
ROWS = 60
COLUMNS = 900
"""Columns of a picture, at most."""
LEVELS = 64
RANGE = 10.0
"""Nats between the darkest and the brightest colour (43 dB)."""
_ANCHORS = (
    0x440154,
    0x482878,
    0x3E4A89,
    0x31688E,
    0x26828E,
    0x1F9E89,
    0x35B779,
    0x6DCD59,
    0xB4DE2C,
    0xFDE725,
)
"""Viridis (van der Walt and Smith, 2015), which those see alike who see colours differently, and in print."""

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a recording, or all of it.

    Attributes:
        source: The recording.
        start: Seconds from its beginning.
        duration: Seconds.
        channel: To listen to; None for the mean of all.
    """

    source: AudioSource
    start: float
    duration: float
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A picture of some seconds.

    Attributes:
        start, end: Seconds from the beginning of the stretch.
        waveform: A path of SVG, 1000 wide, from -1 to 1 high.
        peak: How high it goes.
        features: The log-mel features (PNG), or nothing where it is too short for a frame.
    """

    start: float
    end: float
    waveform: str
    peak: float
    features: bytes


def draw(stretch: Stretch, config: FeatureConfig) -> Iterator[Row]:
    """Draws a stretch row by row, so that a long recording never is in memory as a whole.

    Raises:
        AudioError: If it cannot be read.
    """
    count = min(max(1, math.ceil(stretch.duration / ROW - 1e-6)), ROWS)
    edges = [stretch.duration * index / count for index in range(count + 1)]
    for start, end in pairwise(edges):
        samples = listen(Stretch(stretch.source, stretch.start + start, end - start, stretch.channel), config)
        peak = min(math.sqrt(float(np.abs(samples).max(initial=0))), 1.0)
        yield Row(start, end, waveform(samples), peak, features_png(log_mel(samples, config), config))


def listen(stretch: Stretch, config: FeatureConfig) -> Samples:
    """The samples (n,) of a stretch, at the sample rate of a model. Raises AudioError as `load_audio`."""
    return load_audio(
        stretch.source,
        sample_rate=config.sample_rate,
        channel=stretch.channel,
        start=stretch.start,
        duration=stretch.duration,
    )


def waveform(samples: Samples) -> str:
    """An outline of the least and the greatest value in each column, as a path of SVG.

    Heights are square roots, so that quiet speech can be seen.
    """
    columns = min(COLUMNS, len(samples))
    if not columns:
        return ""
    starts = np.arange(columns) * len(samples) // columns
    low, high = np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)
    tops, bottoms = (-np.sign(one) * np.sqrt(np.minimum(np.abs(one), 1)) for one in (high, low))
    places = (np.arange(columns) + 0.5) * (1000 / columns)
    upper = [f"{x:.4g} {y:.2f}" for x, y in zip(places, tops, strict=True)]
    lower = [f"{x:.4g} {y:.2f}" for x, y in zip(places, bottoms, strict=True)]
    return f"M{'L'.join([*upper, *reversed(lower)])}Z"


def features_png(features: NDArray[np.float32], config: FeatureConfig) -> bytes:
    """Log-mel features (T, F) in colours, the lowest band at the bottom; empty without frames."""
    if not len(features):
        return b""
    columns = min(COLUMNS, len(features))
    starts = np.arange(columns) * len(features) // columns
    sizes = np.diff([*starts, len(features)])
    means = np.add.reduceat(features, starts, axis=0) / sizes[:, None]
    brightest = max(float(np.quantile(means, 0.998)), math.log(config.floor) + RANGE)
    shares = np.clip((means - brightest) / RANGE + 1, 0, 1)
    pixels = np.round(shares.T[::-1] * (LEVELS - 1)).astype(np.uint8)
    return png(np.ascontiguousarray(pixels), palette())


def palette() -> NDArray[np.uint8]:
    """The colours from dark to bright (n, 3)."""
    anchors = np.array([[one >> 16, one >> 8 & 255, one & 255] for one in _ANCHORS], np.float64)
    places, at = np.linspace(0, len(anchors) - 1, LEVELS), np.arange(len(anchors))
    return (
        np.stack([np.interp(places, at, anchors[:, part]) for part in range(3)], 1).round().astype(np.uint8)
    )
