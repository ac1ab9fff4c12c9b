"""Pauses in what is normalised: short ones count, of long ones a little."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.audio.features import log_mel
from asr.audio.normalization import collect_moments, normalize, statistics_of
from asr.audio.pauses import near_speech, normalize_spoken
from asr.config import FeatureConfig

CONFIG = FeatureConfig(normalization="speech")
UTTERANCE = FeatureConfig(normalization="utterance")
RATE = CONFIG.sample_rate
HISS = 1e-3


def sentence(seconds: float, random: np.random.Generator) -> np.ndarray:
    """Noise in syllables, over a hiss."""
    count = round(seconds * RATE)
    syllables = np.maximum(0, np.sin(2 * np.pi * 4 * np.arange(count) / RATE)) * 0.2
    return (random.standard_normal(count) * (syllables + HISS)).astype(np.float32)


def pause(seconds: float, kind: str, random: np.random.Generator) -> np.ndarray:
    count = round(seconds * RATE)
    level = {"hiss": HISS, "nothing": 0.0}[kind]
    return (level * random.standard_normal(count)).astype(np.float32)


STATISTICS = statistics_of(collect_moments([], CONFIG), CONFIG)


def plain(features: np.ndarray) -> np.ndarray:
    return normalize(features, UTTERANCE, STATISTICS)


@pytest.mark.parametrize("kind", ["hiss", "nothing"])
def test_a_sentence_beside_a_long_pause_is_what_it_is_alone(kind: str) -> None:
    random = np.random.default_rng(0)
    spoken = sentence(4, random)
    alone = plain(log_mel(spoken, CONFIG))
    features = log_mel(np.concatenate([spoken, pause(4, kind, random), sentence(4, random)]), CONFIG)
    inner = slice(5, len(alone) - 5)
    moved = [
        np.abs(found[inner] - alone[inner]).mean()
        for found in (normalize_spoken(features, CONFIG), plain(features))
    ]
    assert moved[0] < 0.2
    assert moved[1] > 2 * moved[0]


def test_the_rest_of_a_pause_is_no_lower_than_what_counts() -> None:
    random = np.random.default_rng(1)
    parts = [
        sentence(3, random),
        pause(0.3, "hiss", random),
        pause(3, "nothing", random),
        sentence(3, random),
    ]
    features = log_mel(np.concatenate(parts), CONFIG)
    counts = near_speech(features, CONFIG)
    normalized = normalize(features, CONFIG, STATISTICS)
    assert 200 < (~counts).sum() < 340
    assert (normalized[~counts].min(0) >= np.quantile(normalized[counts], 0.05, axis=0) - 1e-5).all()


@settings(max_examples=40)
@given(st.floats(0.0, 3.0), st.integers(0, 2**32 - 1), st.floats(1e-4, 1.0))
def test_without_pauses_nothing_changes(seconds: float, seed: int, level: float) -> None:
    random = np.random.default_rng(seed)
    noise = (level * random.standard_normal(round(seconds * RATE))).astype(np.float32)
    features = log_mel(noise, CONFIG)
    np.testing.assert_allclose(normalize_spoken(features, CONFIG), plain(features), atol=1e-5)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2 * RATE))
def test_anything_gives_finite_features(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    samples = (random.standard_normal(count) * (random.random(count) < 0.001)).astype(np.float32)
    features = log_mel(samples, CONFIG)
    assert np.isfinite(normalize_spoken(features, CONFIG)).all()
    assert near_speech(features, CONFIG).any() or not len(features)
