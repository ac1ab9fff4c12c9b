"""Pieces of long recordings: they cover all of it, keep to limits, depend on nothing but the samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.audio.cutting import LEAST_SKIPPED, MARGIN, Cutting, Piece, cut
from asr.config import FeatureConfig
from asr.errors import ConfigError
from tests.helpers.tones import noise, pink_noise, silence

RATE = 8_000
CONFIG = FeatureConfig(sample_rate=RATE, window=200, hop=80, fft=256, mels=20)
STRIDE = 320
CUTTINGS = st.builds(Cutting, st.floats(5, 9), st.sampled_from([2.0, 3.0, np.inf]))
PARTS = st.lists(
    st.tuples(st.sampled_from([0.0, 1e-3, 1e-2, 0.1, 0.3]), st.floats(0.02, 9)), min_size=0, max_size=8
)
"""Levels of noise, and for how many seconds."""


def recording(parts: Sequence[tuple[float, float]]) -> np.ndarray:
    known = [noise(seconds, RATE, seed, level) for seed, (level, seconds) in enumerate(parts)]
    return np.concatenate([np.zeros(0, np.float32), *known])


def pieces(samples: np.ndarray, cutting: Cutting, block: int = 30_000) -> list[Piece]:
    blocks = [samples[first : first + block] for first in range(0, len(samples), block)]
    return list(cut(blocks, CONFIG, cutting, STRIDE))


@settings(max_examples=80)
@given(PARTS, CUTTINGS)
def test_pieces_cover_the_recording_and_keep_to_their_limits(parts, cutting):
    samples = recording(parts)
    found = pieces(samples, cutting)
    place = 0
    for piece in found:
        assert piece.start == place - piece.shared + piece.skipped
        assert piece.start % STRIDE == 0
        assert np.array_equal(piece.samples, samples[piece.start : piece.end])
        assert 0 <= piece.shared < max(1, len(piece.samples))
        assert not (piece.shared and piece.skipped)
        place = piece.end
    assert place == len(samples)
    assert all(len(piece.samples) <= cutting.longest * RATE for piece in found)
    if cutting.silence == np.inf:
        assert not any(piece.skipped for piece in found)
        assert all(len(piece.samples) > cutting.longest * RATE / 4 - STRIDE for piece in found[:-1])


@settings(max_examples=40)
@given(PARTS, CUTTINGS, st.integers(700, 200_000))
def test_blocks_of_any_size_give_the_same_pieces(parts, cutting, block):
    samples = recording(parts)
    for one, other in zip(pieces(samples, cutting, block), pieces(samples, cutting), strict=True):
        assert (one.start, one.end, one.shared, one.skipped) == (
            other.start,
            other.end,
            other.shared,
            other.skipped,
        )


@settings(max_examples=40)
@given(PARTS, PARTS, CUTTINGS)
def test_what_comes_later_changes_no_piece(parts, later, cutting):
    samples = recording(parts)
    decided = pieces(samples, cutting)[:-1]
    longer = pieces(np.concatenate([samples, recording(later)]), cutting)
    assert [(one.start, one.end) for one in longer[: len(decided)]] == [
        (one.start, one.end) for one in decided
    ]


@pytest.mark.parametrize("seconds", [0.0, 0.01, 5.99, 6.0])
def test_what_is_not_longer_is_one_piece(seconds):
    samples = noise(seconds, RATE)
    (piece,) = pieces(samples, Cutting(6))
    assert (piece.start, piece.shared, piece.skipped) == (0, 0, 0)
    assert np.array_equal(piece.samples, samples)


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.floats(0.3, 2.5), st.floats(0.3, 1)), min_size=4, max_size=10),
    st.sampled_from([0.0, 1e-3, 1e-2]),
)
def test_cuts_lie_in_pauses(spoken, background):
    parts = [part for speech, pause in spoken for part in ((0.2, speech), (background, pause))]
    samples = recording(parts)
    edges = np.cumsum([seconds for _, seconds in parts])
    for piece in pieces(samples, Cutting(6))[1:]:
        assert piece.shared == piece.skipped == 0
        which = int(np.searchsorted(edges, piece.start / RATE))
        assert which % 2 == 1, "the cut lies in speech"
        assert piece.start / RATE - edges[which - 1] > 0.1
        assert edges[which] - piece.start / RATE > 0.1


def test_the_longest_pause_is_taken():
    samples = recording([(0.2, 2), (1e-3, 0.3), (0.2, 1), (1e-3, 0.8), (0.2, 1), (1e-3, 0.3), (0.2, 9)])
    assert pieces(samples, Cutting(7))[1].start / RATE == pytest.approx(3.7, abs=0.05)


@pytest.mark.parametrize("sound", [noise(20, RATE), pink_noise(20, RATE), silence(20, RATE)])
def test_without_a_pause_pieces_overlap(sound):
    found = pieces(sound, Cutting(8))
    assert len(found) == 3
    assert [len(piece.samples) / RATE for piece in found[:-1]] == [8, 8]
    assert [piece.shared / RATE for piece in found] == [0, 2, 2]


def test_long_silences_are_skipped_where_that_is_wanted_and_counted():
    samples = recording([(0.2, 2), (1e-3, 30), (0.2, 3), (1e-3, 1.5), (0.2, 3), (0.0, 1)])
    found = pieces(samples, Cutting(8, silence=LEAST_SKIPPED))
    heard = np.zeros(len(samples), bool)
    for piece in found:
        heard[piece.start : piece.end] = True
    assert heard[: round((2 + MARGIN - 0.1) * RATE)].all()
    assert heard[round((32 - MARGIN + 0.1) * RATE) :].all()
    skipped = sum(piece.skipped for piece in found)
    assert skipped == len(samples) - heard.sum()
    assert skipped / RATE == pytest.approx(29, abs=0.2)
    assert not any(piece.skipped for piece in pieces(samples, Cutting(8)))


@pytest.mark.parametrize("values", [{"longest": 4.9}, {"silence": 1.0}, {"longest": float("nan")}])
def test_too_short_is_one_line(values):
    with pytest.raises(ConfigError, match=r"must be at least .* seconds; choose more"):
        Cutting(**values)
