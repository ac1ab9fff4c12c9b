"""The compiled log-mel: equal to its definition, for every configuration and every odd input."""

from __future__ import annotations

import numpy as np
import pytest

from asr.audio.features import log_mel, reference_log_mel
from asr.audio.log_mel_kernel import LANES
from asr.audio.log_mel_tables import tables_for
from asr.audio.mel import mel_filters
from asr.config import FeatureConfig
from asr.errors import ConfigError
from tests.helpers.tones import chirp, chord, clicks, hum, noise, pink_noise, silence

CONFIG = FeatureConfig()
SIGNALS = {
    "white": noise(2),
    "pink": pink_noise(2),
    "chirp": chirp(50, 7_900, 2),
    "chord": chord([200, 700, 1_900], 2),
    "clicks": clicks(5, 2),
    "hum": hum(2),
    "faint": noise(2, amplitude=1e-5),
    "loud": noise(2, amplitude=100),
}
OTHERS = [
    FeatureConfig(sample_rate=8_000, window=200, hop=80, fft=256),
    FeatureConfig(mels=128, fft=4_096),
    FeatureConfig(window=401, hop=100, fft=1_024, mels=40),
    FeatureConfig(window=16, hop=5, fft=16, mels=4),
    FeatureConfig(window=7, hop=7, fft=8, mels=3),
    FeatureConfig(window=3, hop=1, fft=4, mels=2),
    FeatureConfig(window=2, hop=1, fft=2, mels=1),
]


def excess(samples: np.ndarray, config: FeatureConfig) -> float:
    """The largest difference from the definition, where bands 60 dB down are allowed 10 times as much."""
    ours, exact = log_mel(samples, config), reference_log_mel(samples, config)
    assert ours.shape == exact.shape
    assert ours.dtype == np.float32
    decibels_down = 10 / np.log(10) * (exact.max(axis=1, keepdims=True) - exact)
    return float((np.abs(ours - exact) / 10 ** np.maximum((decibels_down - 40) / 20, 0)).max())


# Measured: 2e-6 on noise, 3e-6 on tones.
@pytest.mark.parametrize("name", SIGNALS)
def test_equals_the_definition_to_1e_5(name):
    assert excess(SIGNALS[name], CONFIG) < 1e-5


# Measured: 2e-5 for a chirp in frames of 16 samples, and 6e-6 otherwise.
@pytest.mark.parametrize("name", ["white", "chirp"])
@pytest.mark.parametrize("config", OTHERS, ids=lambda config: f"{config.window}-{config.fft}")
def test_other_frames_equal_the_definition_too(name, config):
    assert excess(SIGNALS[name][:8_000], config) < 5e-5


@pytest.mark.parametrize("config", [CONFIG, *OTHERS], ids=lambda config: f"{config.window}-{config.fft}")
def test_the_tables_hold_all_mel_weights(config):
    tables = tables_for(config)
    filters = np.zeros((config.fft // 2 + 1, config.mels + 2), np.float32)
    bins = np.arange(len(filters))
    filters[bins, tables.band] += 4 * tables.weight[:, 0]
    filters[bins, tables.band + 1] += 4 * tables.weight[:, 1]
    assert np.array_equal(filters[:, 1:-1], mel_filters(config))


@pytest.mark.parametrize("count", [0, 1, 399, 400, 401, 559, 560, 400 + 160 * (LANES - 1), 400 + 160 * LANES])
def test_short_recordings_of_any_length(count):
    samples = SIGNALS["white"][:count]
    features = log_mel(samples, CONFIG)
    assert features.shape == (max(0, (count - 400) // 160 + 1), 80)
    assert np.abs(features - reference_log_mel(samples, CONFIG)).max(initial=0) < 1e-5


@pytest.mark.parametrize("amplitude", [0, 1e-45, 1e-40, 1e-38, 1e-30, 1e-20])
def test_silence_and_what_is_too_faint_to_hear_are_the_floor(amplitude):
    samples = (amplitude * np.sign(noise(1))).astype(np.float32)
    features = log_mel(samples, CONFIG)
    assert np.array_equal(features, np.full_like(features, np.log(np.float32(CONFIG.floor))))


def test_the_loudest_float_samples_give_no_nan():
    assert not np.isnan(log_mel(np.float32(1e15) * noise(1), CONFIG)).any()


def test_samples_of_every_kind_of_array():
    samples = SIGNALS["white"]
    expected = log_mel(samples, CONFIG)
    frozen = samples.copy()
    frozen.flags.writeable = False
    unaligned = np.frombuffer(b"." + samples.tobytes(), np.float32, offset=1)
    stereo = np.stack([samples, silence(2)], axis=1)
    backwards = samples[::-1].copy()[::-1]
    for same in (frozen, unaligned, stereo[:, 0], backwards, samples.astype(">f4"), samples.astype(float)):
        assert np.array_equal(log_mel(same, CONFIG), expected)
    assert samples.flags.writeable


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fft": 400}, r"fft \(400\) must be a power of two, such as 512"),
        ({"fft": 513}, r"fft \(513\) must be a power of two, such as 1024"),
        ({"fft": 1, "window": 1, "hop": 1}, r"fft \(1\) must be a power of two, such as 2"),
        ({"hop": 401}, r"hop \(401\) must not be greater than window \(400\)"),
    ],
)
def test_a_transform_that_cannot_be_computed_says_so(changes, message):
    with pytest.raises(ConfigError, match=message):
        log_mel(SIGNALS["white"], FeatureConfig(**changes))


@pytest.mark.slow
def test_an_hour_of_audio_costs_no_memory_but_its_features():
    resource = pytest.importorskip("resource")
    samples = np.tile(noise(60), 60)
    log_mel(samples[:16_000], CONFIG)  # loads the kernel
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    features = log_mel(samples, CONFIG)
    grown = 1_024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak)
    assert features.shape == (359_998, 80)
    assert grown < 1.1 * features.nbytes
    assert np.array_equal(features[-5_998:], log_mel(samples[-960_000:], CONFIG))
