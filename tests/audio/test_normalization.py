"""Normalisation: three ways, and what each promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.audio.features import log_mel
from asr.audio.normalization import (
    PRIOR_FRAMES,
    Statistics,
    advance_running,
    collect_statistics,
    normalize,
    start_running,
)
from asr.config import FeatureConfig
from tests.helpers.tones import chirp, noise, silence

CORPUS, RUNNING, UTTERANCE = (
    FeatureConfig(normalization=name) for name in ("corpus", "running", "utterance")
)
PARTS = [log_mel(sound, CORPUS) for sound in (noise(1.0), chirp(100, 6_000, 2.0), noise(0.3, seed=1))]
STATISTICS = collect_statistics(PARTS, CORPUS)


def test_statistics_are_mean_and_deviation_of_all_frames():
    frames = np.concatenate(PARTS).astype(np.float64)
    assert np.abs(STATISTICS.mean - frames.mean(0)).max() < 1e-5
    deviation = np.maximum(frames.std(0), CORPUS.deviation_floor)
    assert np.abs(STATISTICS.deviation - deviation).max() < 1e-5
    assert STATISTICS.mean.dtype == STATISTICS.deviation.dtype == np.float32


def test_statistics_of_nothing_and_of_silence_divide_by_no_zero():
    nothing = collect_statistics([], CORPUS)
    assert not nothing.mean.any()
    assert (nothing.deviation == 1).all()
    still = collect_statistics([log_mel(silence(1), CORPUS)], CORPUS)
    assert (still.deviation == CORPUS.deviation_floor).all()
    assert np.isfinite(normalize(PARTS[0], CORPUS, still)).all()


def test_the_corpus_itself_gets_mean_0_and_deviation_1():
    normalized = np.concatenate([normalize(part, CORPUS, STATISTICS) for part in PARTS])
    assert np.abs(normalized.mean(0)).max() < 1e-4
    assert np.abs(normalized.std(0) - 1).max() < 1e-4


def test_running_mean_is_that_of_the_past_and_the_prior():
    features = PARTS[1]
    normalized = normalize(features, RUNNING, STATISTICS)
    for frame in (0, 1, 17, len(features) - 1):
        past = features[: frame + 1].astype(np.float64).sum(0)
        mean = (PRIOR_FRAMES * STATISTICS.mean + past) / (PRIOR_FRAMES + frame + 1)
        expected = (features[frame] - mean) / STATISTICS.deviation
        assert np.abs(normalized[frame] - expected).max() < 1e-5


@given(st.lists(st.integers(0, len(PARTS[1])), max_size=20))
def test_running_mean_in_blocks_is_bit_equal_to_the_whole(cuts):
    state, parts = start_running(RUNNING), []
    for block in np.split(PARTS[1], sorted(cuts)):
        normalized, state = advance_running(state, block, STATISTICS)
        parts.append(normalized)
    assert np.array_equal(np.concatenate(parts), normalize(PARTS[1], RUNNING, STATISTICS))


def test_running_mean_is_summed_frame_by_frame_in_double_precision():
    features, mean = PARTS[1], STATISTICS.mean.astype(np.float64)
    totals, counts = np.cumsum(features.astype(np.float64), axis=0), np.arange(1, len(features) + 1)[:, None]
    running = (PRIOR_FRAMES * mean + totals) / (PRIOR_FRAMES + counts)
    expected = ((features - running) / STATISTICS.deviation).astype(np.float32)
    normalized, state = advance_running(start_running(RUNNING), features, STATISTICS)
    assert np.array_equal(normalized, expected)
    assert np.array_equal(state.total, totals[-1])
    assert state.frames == len(features)


def test_running_mean_forgets_the_level_of_the_microphone():
    loud, quiet = noise(60), noise(60) * np.float32(0.01)
    ends = [normalize(log_mel(samples, RUNNING), RUNNING, STATISTICS)[-1] for samples in (loud, quiet)]
    before = (log_mel(loud[-400:], CORPUS) - log_mel(quiet[-400:], CORPUS)) / STATISTICS.deviation
    assert np.abs(ends[0] - ends[1]).max() < 0.05 * np.abs(before).max()


def test_utterance_has_its_own_mean_and_at_least_the_floor_as_deviation():
    normalized = normalize(PARTS[1], UTTERANCE, STATISTICS)
    assert np.abs(normalized.mean(0)).max() < 1e-4
    deviation = np.maximum(PARTS[1].std(0), 1)
    assert np.abs(normalized - (PARTS[1] - PARTS[1].mean(0)) / deviation).max() < 1e-5


@pytest.mark.parametrize("level", [0.0, 1e-5, 1e-3])
def test_silence_does_not_become_noise(level):
    still = np.full((98, 80), np.log(CORPUS.floor), np.float32)
    still += noise(98 * 80 / 16_000, amplitude=level).reshape(98, 80)
    assert np.abs(normalize(still, UTTERANCE, STATISTICS)).max() <= max(5 * level, 1e-4)


@pytest.mark.parametrize("config", [CORPUS, RUNNING, UTTERANCE])
def test_no_frames_stay_no_frames(config):
    empty = normalize(np.empty((0, 80), np.float32), config, STATISTICS)
    assert empty.shape == (0, 80)
    assert empty.dtype == np.float32


@pytest.mark.parametrize("config", [CORPUS, RUNNING, UTTERANCE])
def test_features_stay_fp32_and_the_input_is_not_changed(config):
    features = PARTS[0].copy()
    assert normalize(features, config, STATISTICS).dtype == np.float32
    assert np.array_equal(features, PARTS[0])


def test_one_frame_is_its_own_mean():
    assert not normalize(PARTS[0][:1], UTTERANCE, Statistics(np.ones(80), np.ones(80))).any()
