"""Words that reach to the pauses around them, and stay in order."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.audio.mel import framing
from asr.config import FeatureConfig
from asr.decode.pauses import LEAD, LONGEST_TAIL, fit_to_pauses
from asr.transcript import Segment, Word

RATE = 16_000
FRAMES = framing(FeatureConfig())


def sound(*loud: tuple[float, float], duration: float = 3.0) -> np.ndarray:
    """Features (T, 4) that are 1 in these stretches of seconds and -1 elsewhere."""
    features = np.full((FRAMES.output_length(int(duration * RATE)), 4), -1.0, np.float32)
    centers = FRAMES.center(0) / RATE + 0.01 * np.arange(len(features))
    for begin, end in loud:
        features[(begin < centers) & (centers < end)] = 1.0
    return features


def heard(*times: tuple[float, float], duration: float = 3.0) -> Segment:
    words = tuple(Word(f"w{index}", *time, 0.9) for index, time in enumerate(times))
    return Segment(words, " ".join(word.text for word in words), 0.0, duration)


def fitted(segment: Segment, features: np.ndarray) -> list[tuple[float, float]]:
    return [(word.start, word.end) for word in fit_to_pauses(segment, features, FRAMES, RATE).words]


def test_words_between_pauses_reach_to_them() -> None:
    features = sound((0.5, 1.0), (1.5, 2.2))
    times = fitted(heard((0.6, 0.64), (1.6, 1.7)), features)
    assert np.ravel(times) == pytest.approx([0.5, 1.0, 1.5, 2.2], abs=0.011)


def test_words_without_a_pause_between_them_meet_shortly_before_the_second_is_heard() -> None:
    (_, first), (second, _) = fitted(heard((0.6, 0.64), (0.9, 0.94)), sound((0.5, 1.3)))
    assert first == second == pytest.approx(0.9 - LEAD)


def test_the_closure_of_a_consonant_is_no_pause() -> None:
    features = sound((0.5, 0.7), (0.77, 1.3))
    assert fitted(heard((0.6, 0.62)), features)[0][1] == pytest.approx(0.62 + LONGEST_TAIL)
    assert fitted(heard((0.6, 0.8)), features)[0] == pytest.approx((0.5, 1.3), abs=0.011)


def test_a_pause_long_before_a_word_and_long_after_it_moves_nothing_far() -> None:
    ((start, end),) = fitted(heard((1.5, 1.54)), sound((0.5, 2.8)))
    assert (start, end) == pytest.approx((1.5 - LEAD, 1.54 + LONGEST_TAIL))


def test_a_word_that_is_heard_in_a_pause_stays_there() -> None:
    ((start, end),) = fitted(heard((2.0, 2.1)), sound((0.5, 1.0)))
    assert (start, end) == pytest.approx((2.0 - LEAD, 2.1 + LONGEST_TAIL))


def test_without_contrast_and_without_features_words_stay_inside_the_recording() -> None:
    for features in (np.zeros((298, 4), np.float32), np.zeros((0, 4), np.float32)):
        assert fitted(heard((0.02, 0.1), (2.8, 2.9)), features) == [
            (0.0, pytest.approx(0.1 + LONGEST_TAIL)),
            (pytest.approx(2.8 - LEAD), 3.0),
        ]


def test_nothing_said_stays_nothing_and_nothing_but_times_changes() -> None:
    empty = heard()
    assert fit_to_pauses(empty, sound((0.5, 1.0)), FRAMES, RATE) == empty
    segment = heard((0.6, 0.7))
    changed = fit_to_pauses(segment, sound((0.5, 1.0)), FRAMES, RATE)
    assert (changed.text, changed.start, changed.end) == (segment.text, segment.start, segment.end)
    assert (changed.words[0].text, changed.words[0].confidence) == ("w0", 0.9)


@given(
    st.lists(st.integers(0, 60), max_size=12),
    st.lists(st.floats(-3, 3, width=32), max_size=120),
)
def test_words_stay_in_order_inside_the_recording_and_only_grow(
    edges: list[int], levels: list[float]
) -> None:
    times = [edge * 0.02 for edge in sorted(edges)]
    given = list(zip(times[::2], times[1::2], strict=False))
    features = np.repeat(np.array(levels, np.float32)[:, None], 3, axis=1)
    found = fitted(heard(*given, duration=1.2), features)
    flat = [edge for word in found for edge in word]
    assert flat == sorted(flat)
    assert all(0 <= edge <= 1.2 for edge in flat)
    for (start, end), (first, last) in zip(found, given, strict=True):
        assert start <= first <= last <= end
    assert all(left[1] <= right[0] for left, right in pairwise(found))
