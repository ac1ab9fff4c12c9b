"""Quiet stretches of recordings: found where there is a contrast, and nowhere else."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.audio.activity import bridged, frame_levels, is_steady, quiet_stretches, stretches
from asr.audio.features import log_mel
from asr.audio.normalization import Statistics, normalize
from asr.config import FeatureConfig
from tests.helpers.tones import noise, silence, tone

CONFIG = FeatureConfig(normalization="utterance")
NONE = Statistics(np.zeros(80, np.float32), np.ones(80, np.float32))


def features(*parts: np.ndarray) -> np.ndarray:
    samples = np.concatenate(parts).astype(np.float32)
    faint = noise(len(samples) / 16_000 + 0.01, seed=1, amplitude=1e-3)[: len(samples)]
    return normalize(log_mel(samples + faint, CONFIG), CONFIG, NONE)


def said(seconds: float, seed: int = 0) -> np.ndarray:
    """Something loud in all bands."""
    return noise(seconds, seed=seed, amplitude=0.2)


def test_pauses_are_found_where_they_are() -> None:
    found = quiet_stretches(features(silence(0.3), said(0.5), silence(0.2), said(0.5), silence(0.3)), 10)
    assert found.shape == (3, 2)
    assert found[0, 0] == 0
    assert np.abs(found[:, 0] - [0, 80, 150]).max() <= 3
    assert np.abs(found[:, 1] - [30, 100, 178]).max() <= 3


def test_short_pauses_count_only_at_the_ends() -> None:
    found = quiet_stretches(features(silence(0.06), said(0.5), silence(0.07), said(0.5)), 10)
    assert found.shape == (1, 2)
    assert found[0, 0] == 0
    assert len(quiet_stretches(features(silence(0.06), said(0.5), silence(0.07), said(0.5)), 3)) == 2


@pytest.mark.parametrize(
    "parts", [[said(2.0)], [silence(1.0)], [tone(440, 1.0)]], ids=["noise", "silence", "tone"]
)
def test_where_nothing_changes_nothing_is_quiet(parts: list[np.ndarray]) -> None:
    assert quiet_stretches(features(*parts), 10).shape == (0, 2)


def test_a_clipped_tone_is_steady_and_a_word_in_noise_is_not() -> None:
    def steady(samples: np.ndarray) -> bool:
        return is_steady(frame_levels(normalize(log_mel(samples, CONFIG), CONFIG, NONE)))

    clipped = np.clip(16 * tone(1425.7, 10.0), -1, 1).astype(np.float32)
    hiss = noise(20.0, amplitude=0.01)
    word = hiss.copy()
    word[100_000:106_400] += said(0.4)
    assert steady(clipped)
    assert not steady(word)
    assert not steady(np.concatenate([silence(0.3), said(0.3)]).astype(np.float32))
    assert steady(clipped[:0])


def test_an_empty_recording_has_no_pauses() -> None:
    assert quiet_stretches(np.empty((0, 80), np.float32), 10).shape == (0, 2)
    assert quiet_stretches(np.zeros((1, 80), np.float32), 10).shape == (0, 2)


@given(st.lists(st.booleans(), max_size=40), st.integers(0, 5))
def test_what_is_bridged_is_what_is_quiet_but_for_short_gaps(quiet: list[bool], gap: int) -> None:
    found = bridged(stretches(np.array(quiet, bool)), gap)
    frames = "".join("q" if one else "." for one in quiet)
    expected = (
        re.sub(rf"(?<=q)\.{{1,{gap}}}(?=q)", lambda match: "q" * len(match[0]), frames) if gap else frames
    )
    assert [(first, last) for first, last in found] == [match.span() for match in re.finditer("q+", expected)]
