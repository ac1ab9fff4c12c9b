"""Augmentation does what its settings say, and the same again for the same seed, epoch and utterance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from asr.audio.augment import (
    add_noise,
    augment_samples,
    change_speed,
    colored_noise,
    generator,
    spec_augment,
    warp_frequencies,
)
from asr.audio.features import log_mel
from asr.config import AugmentConfig, FeatureConfig
from tests.helpers.tones import Samples, noise, tone

RATE = 16_000
SEEDS = st.integers(0, 2**32)
EVERYTHING = AugmentConfig(
    speeds=(0.9, 1.0, 1.1), gain_db=(-6.0, 6.0), noise=1.0, time_masks=2, mel_masks=2, mel_mask_bins=5
)


def decibels(ratio: float) -> float:
    return 20 * float(np.log10(ratio))


def deviation(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


def strongest_hz(samples: Samples) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.fft.rfftfreq(len(samples), 1 / RATE)[spectrum.argmax()])


def strongest_band(features: NDArray[np.float32]) -> int:
    return int(features.mean(0).argmax())


@settings(max_examples=20)
@given(st.floats(0.8, 1.25), st.floats(300, 3500))
def test_a_longer_vocal_tract_has_lower_formants(factor: float, hz: float) -> None:
    config = FeatureConfig()
    formant = log_mel(tone(hz * factor, 0.2), config)
    lower = log_mel(tone(hz, 0.2), config)
    assert abs(strongest_band(warp_frequencies(formant, config, factor)) - strongest_band(lower)) <= 1


@given(st.floats(0.6, 1.4), SEEDS)
def test_warping_stays_between_the_values_it_found_and_1_changes_nothing(factor: float, seed: int) -> None:
    features = np.random.default_rng(seed).standard_normal((7, 80)).astype(np.float32)
    warped = warp_frequencies(features, FeatureConfig(), factor)
    assert warped.shape == features.shape
    assert (warped.min(1) >= features.min(1) - 1e-6).all()
    assert (warped.max(1) <= features.max(1) + 1e-6).all()
    np.testing.assert_allclose(warp_frequencies(features, FeatureConfig(), 1.0), features, atol=1e-5)


@given(st.floats(0.6, 1.4))
def test_warping_keeps_the_order_of_frequencies(factor: float) -> None:
    rising = np.arange(80, dtype=np.float32)[None]
    assert (np.diff(warp_frequencies(rising, FeatureConfig(), factor)) >= -1e-5).all()


@pytest.mark.parametrize("speed", [0.8, 0.9, 1.0, 1.1, 1.25])
def test_speed_divides_the_length_and_multiplies_the_pitch(speed: float) -> None:
    faster = change_speed(tone(1000, 1.0), RATE, speed)
    assert abs(len(faster) - RATE / speed) <= 1
    assert strongest_hz(faster) == pytest.approx(1000 * speed, abs=2)


@settings(max_examples=20)
@given(st.floats(-5, 40), SEEDS)
def test_noise_is_as_far_below_the_speech_as_asked(snr_db: float, seed: int) -> None:
    speech = tone(440, 0.5)
    noisy = add_noise(speech, snr_db, np.random.default_rng(seed))
    assert decibels(deviation(speech) / deviation(noisy - speech)) == pytest.approx(snr_db, abs=0.5)


def test_noise_leaves_silence_silent_and_takes_no_samples() -> None:
    random = np.random.default_rng(0)
    assert not add_noise(np.zeros(100, np.float32), 10, random).any()
    assert not len(add_noise(np.zeros(0, np.float32), 10, random))


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_the_spectrum_of_coloured_noise_falls_as_asked(exponent: float) -> None:
    power = np.mean(
        [
            np.abs(np.fft.rfft(colored_noise(4096, exponent, np.random.default_rng(seed)))) ** 2
            for seed in range(40)
        ],
        axis=0,
    )[16:1024]
    slope, _ = np.polyfit(np.log(np.arange(16, 1024)), np.log(power), 1)
    assert slope == pytest.approx(-exponent, abs=0.1)


@settings(max_examples=10)
@given(st.floats(-20, 20), SEEDS)
def test_gain_is_in_decibels(gain: float, seed: int) -> None:
    speech = noise(0.2)
    louder = augment_samples(speech, RATE, AugmentConfig(gain_db=(gain, gain)), np.random.default_rng(seed))
    assert decibels(deviation(louder) / deviation(speech)) == pytest.approx(gain, abs=0.01)


def test_drawn_settings_stay_in_their_ranges() -> None:
    speech = noise(0.2)
    config = AugmentConfig(speeds=(0.9, 1.1), gain_db=(-6, 3), noise=0.5, noise_snr_db=(20, 30))
    lengths, gains = set(), []
    for epoch in range(60):
        varied = augment_samples(speech, RATE, config, generator(0, epoch, "a"))
        lengths.add(len(varied))
        gains.append(decibels(deviation(varied) / deviation(speech)))
    assert len(lengths) == 2
    assert -6.6 < min(gains) < -4
    assert 1 < max(gains) < 3.6


@given(SEEDS)
def test_the_default_changes_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    speech, features = noise(0.05, seed=1), np.ones((20, 8), np.float32)
    np.testing.assert_array_equal(augment_samples(speech, RATE, AugmentConfig(), random), speech)
    np.testing.assert_array_equal(spec_augment(features, AugmentConfig(), random), features)


@given(
    st.integers(0, 120), st.integers(1, 30), st.integers(0, 40), st.floats(0, 1), st.integers(0, 40), SEEDS
)
def test_one_mask_each_is_a_block_within_its_bounds(
    frames: int, bands: int, widest: int, share: float, bins: int, seed: int
) -> None:
    config = AugmentConfig(
        time_masks=1, time_mask_frames=widest, time_mask_fraction=share, mel_masks=1, mel_mask_bins=bins
    )
    features = np.ones((frames, bands), np.float32)
    masked = spec_augment(features, config, np.random.default_rng(seed))
    assert features.all(), "the original was changed"
    assert masked.shape == features.shape
    hidden_bands = np.flatnonzero(~masked.any(0))
    if len(hidden_bands) == bands:
        return  # everything is hidden; the frames cannot be told any more
    hidden_frames = np.flatnonzero(~masked.any(1))
    assert len(hidden_frames) <= min(widest, share * frames)
    assert len(hidden_bands) <= bins
    assert (np.diff(hidden_frames) == 1).all()
    assert (np.diff(hidden_bands) == 1).all()
    shown = np.delete(np.delete(masked, hidden_frames, 0), hidden_bands, 1)
    assert shown.all()


def test_masks_reach_every_frame_and_band_sooner_or_later() -> None:
    config = AugmentConfig(time_masks=1, time_mask_frames=6, mel_masks=1, mel_mask_bins=4)
    features = np.ones((30, 12), np.float32)
    masked = np.array([spec_augment(features, config, generator(0, epoch, "a")) for epoch in range(300)])
    assert not masked[:, -1, :].all()
    assert not masked[:, 0, :].all()
    assert not masked[:, :, -1].all()
    assert not masked[:, :, 0].all()


@settings(max_examples=20)
@given(SEEDS, st.integers(0, 100), st.text(max_size=10))
def test_seed_epoch_and_utterance_fix_what_is_drawn(seed: int, epoch: int, name: str) -> None:
    speech = noise(0.05)
    one, other = (augment_samples(speech, RATE, EVERYTHING, generator(seed, epoch, name)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    for changed in (
        generator(seed + 1, epoch, name),
        generator(seed, epoch + 1, name),
        generator(seed, epoch, name + "x"),
    ):
        assert changed.random() != generator(seed, epoch, name).random()
