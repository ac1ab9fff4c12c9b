"""Log-mel features: what the acoustic model sees of a recording.

A frame is 400 samples under a periodic Hann window, zero-padded to 512; frames start 160 samples
apart and never reach beyond the recording. Power spectra are pooled in 80 mel bands (Slaney's scale
and norm, as in the Auditory Toolbox, 1998) and compressed by the natural logarithm above a floor.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from asr.config import FeatureConfig
from asr.window import Window

FRAMES_PER_BLOCK = 256


def framing(config: FeatureConfig) -> Window:
    """The Window from samples to frames; without padding, so no frame sees invented samples."""
    return Window(kernel=config.window, stride=config.hop)


def log_mel(samples: NDArray[np.float32], config: FeatureConfig) -> NDArray[np.float32]:
    """Computes the log-mel features of a whole recording.

    Args:
        samples: Audio (n,) in -1 … 1 at `config.sample_rate`.
        config: Frame length, hop and bands.

    Returns:
        Natural-log mel energies (T, F) with T = ``framing(config).output_length(n)``.
    """
    features, _ = advance_log_mel(np.empty(0, np.float32), samples, config)
    return features


def advance_log_mel(
    pending: NDArray[np.float32], samples: NDArray[np.float32], config: FeatureConfig
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Computes the frames that a further block of a stream completes.

    Args:
        pending: The samples that earlier blocks left over; empty at the start of a stream.
        samples: The next samples (n,), any number of them.
        config: Frame length, hop and bands.

    Returns:
        The new frames (T, F), and the samples to pass as `pending` next time.
    """
    window = framing(config)
    stream = np.concatenate([pending, samples]) if len(pending) else samples
    count = window.output_length(len(stream))
    features = np.empty((count, config.mels), np.float32)
    for first in range(0, count, FRAMES_PER_BLOCK):
        last = min(first + FRAMES_PER_BLOCK, count)
        block = stream[window.first(first) : window.needed(last - 1)]
        features[first:last] = _log_mel_block(block, config)
    return features, stream[window.first(count) :].copy()


def _log_mel_block(samples: NDArray[np.float32], config: FeatureConfig) -> NDArray[np.float32]:
    frames = np.lib.stride_tricks.sliding_window_view(samples, config.window)[:: config.hop]
    spectrum = np.fft.rfft(frames * _hann(config.window), n=config.fft)
    power = spectrum.real**2
    power += spectrum.imag**2
    mel = power @ mel_filters(config)
    np.maximum(mel, np.float32(config.floor), out=mel)
    return np.log(mel, out=mel)


@lru_cache(maxsize=8)
def _hann(length: int) -> NDArray[np.float32]:
    phase = 2 * np.pi * np.arange(length) / length
    return (0.5 - 0.5 * np.cos(phase)).astype(np.float32)


@lru_cache(maxsize=8)
def mel_filters(config: FeatureConfig) -> NDArray[np.float32]:
    """Triangular mel filters with Slaney's norm (each triangle has area one, in Hz).

    Returns:
        Weights (fft // 2 + 1, F) that turn a power spectrum into mel energies.
    """
    nyquist = config.sample_rate / 2
    edges = _mel_to_hz(np.linspace(_hz_to_mel(0.0), _hz_to_mel(nyquist), config.mels + 2))
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


def _hz_to_mel(hz: float) -> float:
    if hz < _LOG_FROM_HZ:
        return hz / _HZ_PER_MEL
    return float(_LOG_FROM_HZ / _HZ_PER_MEL + np.log(hz / _LOG_FROM_HZ) / _LOG_STEP)


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    start = _LOG_FROM_HZ / _HZ_PER_MEL
    linear = mel * _HZ_PER_MEL
    logarithmic = _LOG_FROM_HZ * np.exp(_LOG_STEP * (np.maximum(mel, start) - start))
    return np.where(mel < start, linear, logarithmic)
