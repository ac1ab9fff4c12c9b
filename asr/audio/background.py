"""What a recording sounds like where nobody speaks, as long as one likes: for pauses around its words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asr.audio.fourier import samples_of, white_spectrum

Samples = NDArray[np.float32]

QUIET = 0.25
"""Seconds in which a recording is quietest; pauses sound like that."""

FAINT_DB = (-60.0, -20.0)


def quietest(samples: Samples, sample_rate: int) -> Samples:
    """The quarter of a second in which samples (n,) are quietest (m,); all of them, if there are not more."""
    length = round(QUIET * sample_rate)
    parts = samples[: len(samples) // length * length].reshape(-1, length)
    return parts[(parts.astype(np.float64) ** 2).sum(1).argmin()] if len(parts) else samples


def repeated(quiet: Samples, count: int) -> Samples:
    """`quiet` (m,), forwards and backwards again and again (count,); silence, where it is empty."""
    return np.resize(np.concatenate([quiet, quiet[::-1]]), count) if len(quiet) else silence(count)


def white_noise(quiet: Samples, count: int, random: np.random.Generator) -> Samples:
    """White noise as loud as `quiet` (count,)."""
    return _level(quiet) * random.standard_normal(count, np.float32)


def shaped_noise(quiet: Samples, count: int, random: np.random.Generator) -> Samples:
    """Noise with the spectrum and the level of `quiet` (count,)."""
    if not count or not len(quiet):
        return silence(count)
    shape = np.abs(np.fft.rfft(quiet * np.hanning(len(quiet))))
    spectrum = white_spectrum(count, random)
    spectrum *= np.interp(np.linspace(0, 1, len(spectrum)), np.linspace(0, 1, len(shape)), shape)
    noise = samples_of(spectrum, count)
    return noise * (_level(quiet) / max(_level(noise), np.float32(1e-12)))


def silence(count: int) -> Samples:
    """Nothing at all (count,)."""
    return np.zeros(count, np.float32)


def background(quiet: Samples, count: int, random: np.random.Generator) -> Samples:
    """A pause (count,) of any of these kinds, as loud as `quiet` or fainter."""
    kind = random.random()
    if kind < 0.4:
        return repeated(quiet, count)
    if kind < 0.7:
        return shaped_noise(quiet, count, random)
    if kind < 0.8:
        return white_noise(quiet, count, random)
    if kind < 0.9:
        return shaped_noise(quiet, count, random) * np.float32(10 ** (random.uniform(*FAINT_DB) / 20))
    return silence(count)


def _level(samples: Samples) -> np.float32:
    """The root of the mean square of samples; 0 of none."""
    return np.float32(np.sqrt(np.mean(samples**2))) if len(samples) else np.float32(0)
