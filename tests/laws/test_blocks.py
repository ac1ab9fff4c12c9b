"""Law 3, of features: a frame is a function of its own samples, so any division of a stream, any place
in it and any company give the same features, bit for bit.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.audio.features import advance_log_mel, log_mel
from asr.audio.mel import framing
from asr.config import FeatureConfig
from tests.helpers.tones import chirp, noise

CONFIG = FeatureConfig()
LONG = noise(4) * np.linspace(1e-6, 1, 64_000, dtype=np.float32) + chirp(50, 7_900, 4)
WHOLE = log_mel(LONG, CONFIG)
CUTS = st.lists(st.integers(0, len(LONG)) | st.integers(0, 1_000), max_size=30)


@st.composite
def configs(draw: st.DrawFn) -> FeatureConfig:
    """Frames of 1 to 512 samples, odd ones too, in transforms of 2 to 2,048."""
    window = draw(st.integers(1, 512))
    fft = draw(st.sampled_from([2**n for n in range(1, 12) if 2**n >= window]))
    return FeatureConfig(
        window=window, hop=draw(st.integers(1, window)), fft=fft, mels=draw(st.integers(1, 90))
    )


def streamed(samples: np.ndarray, cuts: list[int], config: FeatureConfig) -> np.ndarray:
    pending, parts = np.empty(0, np.float32), []
    for first, last in pairwise([0, *sorted(cuts), len(samples)]):
        features, pending = advance_log_mel(pending, samples[first:last], config)
        parts.append(features)
    return np.concatenate(parts)


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and one.tobytes() == other.tobytes()


@settings(max_examples=100)
@given(CUTS)
def test_any_division_of_a_stream_gives_the_bits_of_the_whole(cuts):
    assert same_bits(streamed(LONG, cuts, CONFIG), WHOLE)


@settings(max_examples=100)
@given(configs(), st.integers(0, 4_000), st.lists(st.integers(0, 4_000), max_size=10))
def test_of_any_frames_too(config, count, cuts):
    samples = LONG[:count]
    whole = log_mel(samples, config)
    assert len(whole) == framing(config).output_length(count)
    assert same_bits(streamed(samples, [min(cut, count) for cut in cuts], config), whole)


@settings(max_examples=100)
@given(st.integers(0, len(WHOLE)), st.integers(0, 200))
def test_a_stretch_alone_gives_the_bits_that_it_has_in_the_whole(first, count):
    last = min(first + count, len(WHOLE))
    samples = LONG[160 * first : 160 * last + 240]
    assert same_bits(log_mel(samples, CONFIG)[: last - first], WHOLE[first:last])


@settings(max_examples=50)
@given(st.integers(0, len(LONG) - 1), st.sampled_from([np.nan, np.inf, 1e30, 1e-42]))
def test_a_wild_sample_changes_no_frame_but_its_own(position, value):
    samples = LONG.copy()
    samples[position] = value
    frames = np.arange(len(WHOLE)) * 160
    others = (frames > position) | (frames + 400 <= position)
    assert same_bits(log_mel(samples, CONFIG)[others], WHOLE[others])


def test_threads_do_not_disturb_each_other():
    with ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda first: (first, log_mel(LONG[160 * first :], CONFIG)), range(40))
        assert all(same_bits(features, WHOLE[first:]) for first, features in results)
