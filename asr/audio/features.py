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

    Raises:
        ConfigError: If `config.fft` is no power of two, or `config.hop` greater than `config.window`.
    """
    features, _ = advance_log_mel(np.empty(0, np.float32), samples, config)
    return features


def advance_log_mel(
    pending: NDArray[np.float32], samples: NDArray[np.float32], config: FeatureConfig
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Computes the frames that a further block of a stream completes.

    They are the same to the last bit, however the stream is cut into blocks.

    Args:
        pending: The samples that earlier blocks left over; empty at the start of a stream.
        samples: The next samples (n,), any number of them.
        config: Frame length, hop and bands.

    Returns:
        The new frames (T, F), and the samples to pass as `pending` next time.

    Raises:
        ConfigError: If `config.fft` is no power of two, or `config.hop` greater than `config.window`.
    """
    from asr.audio.log_mel_kernel import mel_energies  # not above: it imports numba

    window = framing(config)
    stream = np.concatenate([pending, samples]) if len(pending) else samples
    features = mel_energies(stream, config)
    np.maximum(features, np.float32(config.floor), out=features)
    np.log(features, out=features)
    return features, stream[window.first(len(features)) :].copy()


def reference_log_mel(samples: NDArray[np.float32], config: FeatureConfig) -> NDArray[np.float64]:
    """The definition of `log_mel`, in numpy and double precision: slow, and all frames at once.

    The two agree within 1e-5 in bands up to 40 dB below the loudest of the same frame. Fainter ones hold
    the rounding of single precision, and the difference grows tenfold with every 20 dB.

    Returns:
        What `log_mel` returns, as float64 (T, F).
    """
    if len(samples) < config.window:
        return np.empty((0, config.mels))
    frames = np.lib.stride_tricks.sliding_window_view(samples, config.window)[:: config.hop]
    spectrum = np.fft.rfft(frames * hann(config.window).astype(np.float64), n=config.fft)
    mel = np.abs(spectrum) ** 2 @ mel_filters(config).astype(np.float64)
    return np.asarray(np.log(np.maximum(mel, config.floor)))


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
