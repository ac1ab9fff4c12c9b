"""The lengths of a model, known from its config alone: nothing here needs torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asr.config import ModelConfig
from asr.window import Window

BAND_WINDOW = Window(kernel=3, stride=2, left=1, right=1)
"""The Window over mel bands of each of the two convolutions of the front-end."""


def convolution_windows(config: ModelConfig) -> tuple[Window, Window]:
    """The Windows over time of the two convolutions of the front-end."""
    first = Window(kernel=3, stride=2, left=1, right=1)
    second = Window(kernel=3, stride=config.subsampling // 2, left=1, right=1)
    return first, second


def lookahead_window(config: ModelConfig) -> Window:
    """The Window of the lookahead convolution; of a model without one it is the identity."""
    return Window(kernel=config.lookahead + 1, right=config.lookahead)


def emission_window(config: ModelConfig) -> Window:
    """The Window from feature frames to emission frames."""
    first, second = convolution_windows(config)
    return first.then(second).then(lookahead_window(config))


def convolved_bands(mels: int) -> int:
    """How many bands the two convolutions leave of `mels` mel bands."""
    return BAND_WINDOW.then(BAND_WINDOW).output_length(mels)


def required_frames(tokens: NDArray[np.int64]) -> int:
    """The fewest emission frames in which CTC can write these tokens (U,): one each, one per repeat."""
    repeats = int(np.count_nonzero(tokens[1:] == tokens[:-1]))
    return len(tokens) + repeats
