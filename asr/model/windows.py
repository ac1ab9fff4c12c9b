"""The Windows of a model, known from its config alone: nothing here needs torch."""

from __future__ import annotations

from asr.config import ModelConfig
from asr.window import Window


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
