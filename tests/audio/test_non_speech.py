"""Sounds in which nobody speaks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.audio.non_speech import KINDS, Kind, non_speech

RATE = 16000
SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=60)
@given(st.floats(0.0, 1.0), SEEDS)
def test_it_is_of_the_asked_length_finite_and_not_too_loud(seconds: float, seed: int) -> None:
    samples = non_speech(seconds, RATE, np.random.default_rng(seed))
    assert len(samples) == round(seconds * RATE)
    assert samples.dtype == np.float32
    assert np.isfinite(samples).all()
    assert np.abs(samples).max(initial=0.0) <= 1


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=30)
@given(st.integers(1, RATE), st.sampled_from((8000, 16000, 44100)), SEEDS)
def test_every_kind_fills_its_time(kind: Kind, count: int, rate: int, seed: int) -> None:
    sound = kind(np.arange(count) / rate, rate, np.random.default_rng(seed))
    assert sound.shape == (count,)
    assert np.isfinite(sound).all()


def test_the_draws_hold_pure_silence_clipping_and_changes() -> None:
    draws = [non_speech(2.0, RATE, np.random.default_rng(seed)) for seed in range(200)]
    assert any(not draw.any() for draw in draws)
    assert any((np.abs(draw) == 1).mean() > 0.5 for draw in draws)
    halves = [np.abs(np.fft.rfft(half)) for draw in draws for half in np.split(draw, 2)]
    likeness = [
        float(one @ two) / max(float(np.linalg.norm(one) * np.linalg.norm(two)), 1e-9)
        for one, two in zip(halves[::2], halves[1::2], strict=True)
    ]
    assert min(likeness) < 0.1, "nothing changes"
    assert max(likeness) > 0.99, "nothing is steady"


def test_a_generator_decides_everything() -> None:
    for seed in range(20):
        one, two = (non_speech(0.5, RATE, np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(one, two)
