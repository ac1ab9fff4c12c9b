"""Seeded signals for tests: mono float32 samples, the same on every machine and run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


def _times(seconds: float, rate: int) -> NDArray[np.float64]:
    return np.arange(round(seconds * rate)) / rate


def tone(hz: float, seconds: float, rate: int = 16_000, amplitude: float = 0.5) -> Samples:
    """A sine that begins at phase 0."""
    return (amplitude * np.sin(2 * np.pi * hz * _times(seconds, rate))).astype(np.float32)


def noise(seconds: float, rate: int = 16_000, seed: int = 0, amplitude: float = 0.1) -> Samples:
    """White Gaussian noise with deviation `amplitude`."""
    generator = np.random.default_rng(seed)
    return (amplitude * generator.standard_normal(round(seconds * rate))).astype(np.float32)


def band_noise(
    low: float, high: float, seconds: float, rate: int = 16_000, seed: int = 0, amplitude: float = 0.1
) -> Samples:
    """Gaussian noise with nothing outside `low` … `high` Hz; it joins on to its own beginning."""
    spectrum = np.fft.rfft(noise(seconds, rate, seed).astype(np.float64))
    hz = np.fft.rfftfreq(round(seconds * rate), 1 / rate)
    spectrum[(hz < low) | (hz > high)] = 0
    samples = np.fft.irfft(spectrum, round(seconds * rate))
    return (amplitude / max(samples.std(), 1e-12) * samples).astype(np.float32)


def pink_noise(seconds: float, rate: int = 16_000, seed: int = 0, amplitude: float = 0.1) -> Samples:
    """Gaussian noise whose power falls by 3 dB an octave."""
    spectrum = np.fft.rfft(noise(seconds, rate, seed).astype(np.float64))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
    samples = np.fft.irfft(spectrum, round(seconds * rate))
    return (amplitude / max(samples.std(), 1e-12) * samples).astype(np.float32)


def chord(
    frequencies: Sequence[float], seconds: float, rate: int = 16_000, amplitude: float = 0.5
) -> Samples:
    """Several sines at once that together stay within `amplitude`."""
    share = amplitude / len(frequencies)
    return np.sum([tone(hz, seconds, rate, share) for hz in frequencies], axis=0, dtype=np.float32)


def chirp(low: float, high: float, seconds: float, rate: int = 16_000, amplitude: float = 0.5) -> Samples:
    """A sine that climbs linearly from `low` to `high` Hz."""
    times = _times(seconds, rate)
    phase = low * times + (high - low) / (2 * seconds) * times**2
    return (amplitude * np.sin(2 * np.pi * phase)).astype(np.float32)


def clicks(per_second: float, seconds: float, rate: int = 16_000, amplitude: float = 0.9) -> Samples:
    """Single samples at regular distances in silence."""
    samples = silence(seconds, rate)
    positions = np.arange(rate / per_second / 2, len(samples), rate / per_second).astype(np.int64)
    samples[positions] = amplitude
    return samples


def hum(seconds: float, rate: int = 16_000, mains: float = 50.0, amplitude: float = 0.2) -> Samples:
    """Mains hum: a low tone with four overtones."""
    partials = [tone(mains * n, seconds, rate, amplitude / n / 2) for n in (1, 2, 3, 4, 5)]
    return np.sum(partials, axis=0, dtype=np.float32)


def silence(seconds: float, rate: int = 16_000) -> Samples:
    """Digital silence."""
    return np.zeros(round(seconds * rate), np.float32)
