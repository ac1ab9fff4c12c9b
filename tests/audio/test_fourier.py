"""Lengths that transforms are quick at, and noise of exactly the length that is asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.audio.fourier import fast_length, samples_of, white_spectrum


@given(st.integers(1, 1 << 22))
def test_fast_lengths_are_long_enough_even_and_of_small_factors(count: int) -> None:
    length = fast_length(count)
    assert count <= length <= max(16, 1.26 * count)
    assert length % 2 == 0
    for factor in (2, 3, 5):
        while length % factor == 0:
            length //= factor
    assert length == 1


@given(st.integers(1, 2000))
def test_noise_is_as_long_as_wanted(count: int) -> None:
    assert samples_of(white_spectrum(count, np.random.default_rng(0)), count).shape == (count,)


def test_white_noise_is_white() -> None:
    noise = samples_of(white_spectrum(100_000, np.random.default_rng(0)), 100_000)
    power = np.abs(np.fft.rfft(noise)) ** 2
    parts = [float(part.mean()) for part in np.array_split(power[1:-1], 10)]
    assert max(parts) / min(parts) == pytest.approx(1, abs=0.1)
