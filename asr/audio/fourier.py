"""Fourier transforms of lengths that are quick to compute, and noise that is made in one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def fast_length(count: int) -> int:
    """The least length from `count` on that is one of 8, 9, 10, 12, 15 times a power of two, and even.

    Transforms of other lengths, which may have great prime factors, take several times as long.
    """
    return min(base << max(0, -(-count // base) - 1).bit_length() for base in (16, 18, 20, 24, 30))


def white_spectrum(count: int, random: np.random.Generator) -> NDArray[np.complex128]:
    """The spectrum (n,) of white noise at least `count` samples long; `samples_of` makes noise of it."""
    return random.standard_normal(2 * (fast_length(count) // 2 + 1)).view(np.complex128)


def samples_of(spectrum: NDArray[np.complex128], count: int) -> NDArray[np.float32]:
    """The first samples (count,) of what has a spectrum (n,), in which they are 2 n - 2."""
    return np.fft.irfft(spectrum)[:count].astype(np.float32)
