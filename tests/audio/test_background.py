"""Backgrounds: what a pause sounds like, by what a recording sounds like where nobody speaks."""

from __future__ import annotations

import numpy as np
import pytest

from asr.audio.augment import in_a_room
from asr.audio.background import background, quietest, repeated, shaped_noise, white_noise

RATE = 8000


def recording() -> np.ndarray:
    random = np.random.default_rng(0)
    samples = random.standard_normal(RATE).astype(np.float32)
    samples[4000:6000] *= 0.01
    return samples


def test_the_quietest_quarter_of_a_second() -> None:
    samples = recording()
    assert np.array_equal(quietest(samples, RATE), samples[4000:6000])
    assert np.array_equal(quietest(samples[:100], RATE), samples[:100])


def test_repeated_forwards_and_backwards() -> None:
    assert repeated(np.array([1, 2, 3], np.float32), 8).tolist() == [1, 2, 3, 3, 2, 1, 1, 2]
    assert repeated(np.empty(0, np.float32), 3).tolist() == [0, 0, 0]


def test_noise_is_as_loud_and_has_the_same_spectrum() -> None:
    random = np.random.default_rng(1)
    tone = (0.1 * np.sin(2 * np.pi * 1000 * np.arange(2000) / RATE)).astype(np.float32)
    for noise in (white_noise(tone, 8000, random), shaped_noise(tone, 8000, random)):
        assert noise.dtype == np.float32 and len(noise) == 8000
        assert np.sqrt((noise**2).mean()) == pytest.approx(np.sqrt((tone**2).mean()), rel=0.05)
    power = np.abs(np.fft.rfft(shaped_noise(tone, 8000, random))) ** 2
    assert power[950:1050].sum() > 0.95 * power.sum()


def test_backgrounds_are_of_several_kinds_and_never_louder() -> None:
    quiet = quietest(recording(), RATE)
    found = [background(quiet, 1000, np.random.default_rng(seed)) for seed in range(60)]
    assert all(len(one) == 1000 and one.dtype == np.float32 for one in found)
    levels = [float(np.sqrt((one**2).mean())) for one in found]
    loud = float(np.sqrt((quiet**2).mean()))
    assert max(levels) < 1.3 * loud
    assert min(levels) == 0 and 0 < sorted(levels)[12] < loud
    assert len(background(np.empty(0, np.float32), 5, np.random.default_rng(0))) == 5


def test_a_room_adds_echoes_and_keeps_the_level() -> None:
    click = np.zeros(RATE, np.float32)
    click[1000] = 1
    heard = in_a_room(click, RATE, 0.2, np.random.default_rng(0))
    assert heard.dtype == np.float32 and len(heard) == len(click)
    assert np.square(heard).mean() == pytest.approx(np.square(click).mean(), rel=1e-3)
    assert np.abs(heard[:1000]).max() < 1e-5
    near, late = np.square(heard[1020:1420]).sum(), np.square(heard[2200:2600]).sum()
    assert 10 * np.log10(near / late) == pytest.approx(60 * 1180 / 1600, abs=8)
    assert np.abs(heard[2700:]).max() < 1e-5
    assert len(in_a_room(np.empty(0, np.float32), RATE, 0.2, np.random.default_rng(0))) == 0
