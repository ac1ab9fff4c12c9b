"""The fixed parts of log-mel features: where frames lie, the window over each, the bands they go into."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from asr.config import FeatureConfig
from asr.window import Window


def framing(config: FeatureConfig) -> Window:
    """The Window from samples to frames; without padding, so no frame sees invented samples."""
    return Window(kernel=config.window, stride=config.hop)


@lru_cache(maxsize=8)
def hann(length: int) -> NDArray[np.float32]:
    """The periodic Hann window: half a cosine from 0 up to 1 and almost back, (length,)."""
    phase = 2 * np.pi * np.arange(length) / length
    return (0.5 - 0.5 * np.cos(phase)).astype(np.float32)


@lru_cache(maxsize=8)
def mel_filters(config: FeatureConfig) -> NDArray[np.float32]:
    """Triangular mel filters with Slaney's norm (each triangle has area one, in Hz).

    Returns:
        Weights (fft // 2 + 1, F) that turn a power spectrum into mel energies.
    """
    nyquist = config.sample_rate / 2
    edges = mel_to_hz(np.linspace(hz_to_mel(0.0), hz_to_mel(nyquist), config.mels + 2))
    bins = np.linspace(0.0, nyquist, config.fft // 2 + 1)[:, None]
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins - low) / (middle - low)
    falling = (high - bins) / (high - middle)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return np.ascontiguousarray(triangles * (2.0 / (high - low)), np.float32)


# Slaney's mel scale: linear below 1 kHz, 27 logarithmic steps from there to 6.4 kHz.
_HZ_PER_MEL = 200.0 / 3
_LOG_FROM_HZ = 1000.0
_LOG_STEP = np.log(6.4) / 27


def hz_to_mel(hz: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Frequencies in Hz on Slaney's mel scale."""
    linear = np.asarray(hz) / _HZ_PER_MEL
    octaves = np.log(np.maximum(hz, _LOG_FROM_HZ) / _LOG_FROM_HZ) / _LOG_STEP
    return np.where(np.asarray(hz) < _LOG_FROM_HZ, linear, _LOG_FROM_HZ / _HZ_PER_MEL + octaves)


def mel_to_hz(mel: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Mels of Slaney's scale as frequencies in Hz."""
    start = _LOG_FROM_HZ / _HZ_PER_MEL
    linear = np.asarray(mel) * _HZ_PER_MEL
    logarithmic = _LOG_FROM_HZ * np.exp(_LOG_STEP * (np.maximum(mel, start) - start))
    return np.where(np.asarray(mel) < start, linear, logarithmic)
