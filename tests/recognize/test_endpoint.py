"""Endpoints: when a segment ends, and that a cut lies where nobody speaks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.errors import StreamError
from asr.recognize.endpoint import Endpointing, Rules, Trail

FRAME = 0.02
SEPARATOR = 1
RULES = Rules(Endpointing(nothing_heard=2.4, after_words=1.2, longest=20.0), FRAME, SEPARATOR)


def emissions_of(tokens: list[int]) -> np.ndarray:
    """Log-probabilities whose best tokens are these."""
    scores = np.zeros((len(tokens), 4), np.float32)
    scores[np.arange(len(tokens)), tokens] = 3.0
    return scores - np.log(np.exp(scores).sum(1, keepdims=True))


def first_cut(tokens: list[int], rules: Rules = RULES, block: int = 8) -> tuple[int, int] | None:
    """The first cut: at which frame, and after how many."""
    trail, heard = Trail(), []
    for first in range(0, len(tokens) - block + 1, block):
        heard.append(emissions_of(tokens[first : first + block]))
        before = rules.earliest(trail)
        trail = rules.follow(trail, tokens[first : first + block])
        assert before <= rules.earliest(trail)
        if (cut := rules.cut(trail, heard)) is not None:
            assert rules.earliest(trail) <= cut
            return cut, trail.frames
    return None


def test_words_and_then_silence_end_a_segment() -> None:
    cut = first_cut([0] * 20 + [2] * 20 + [0] * 200)
    assert cut is not None
    assert cut == (104 - 25, 104)  # 40 + 60 frames, at the end of a block; half a second is heard again


def test_separators_are_silence() -> None:
    assert first_cut([0] * 20 + [2] * 20 + [0, 1, 0, 0] * 50) == (79, 104)


def test_a_shorter_pause_ends_nothing() -> None:
    assert first_cut(([2] * 10 + [0] * 50) * 10) is None


def test_nothing_heard_ends_a_segment_later() -> None:
    assert first_cut([0] * 300) == (120 - 25, 120)


def test_a_long_segment_is_cut_at_the_longest_pause_of_its_last_quarter() -> None:
    tokens = [2] * 300 + [0] * 40 + [2] * 460 + [0] * 9 + [2] * 50 + [0] * 11 + [2] * 50 + [0] * 4 + [2] * 900
    assert first_cut(tokens) == (800 + 9 + 50 + 5, 1000)


def test_where_there_is_no_pause_the_likeliest_frame_is_taken() -> None:
    emissions = emissions_of([2] * 1000)
    emissions[888, 0] += 0.1
    trail = RULES.follow(Trail(), [2] * 1000)
    assert RULES.cut(trail, [emissions]) == 888


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 80)), min_size=1, max_size=80),
    st.sampled_from([0.1, 0.3, 1.2]),
    st.sampled_from([0.1, 1.0, 2.4]),
    st.sampled_from([1.0, 3.0, 20.0]),
    st.integers(1, 20),
)
def test_no_cut_comes_before_the_earliest_that_was_announced(runs, after, nothing, longest, block) -> None:
    tokens = [token for token, count in runs for _ in range(count)]
    rules = Rules(Endpointing(nothing, after, longest), FRAME, SEPARATOR)
    found = first_cut(tokens, rules, block)
    if found is None:
        return
    cut, frames = found
    assert 0 < cut < frames
    if frames < round(longest / FRAME):  # it was silence, then
        assert not {2, 3} & set(tokens[cut - 1 : frames])


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"nothing_heard": 0.0}, "nothing_heard (0)"),
        ({"after_words": -1.0}, "after_words (-1)"),
        ({"longest": 0.5}, "longest (0.5) must be at least 1"),
        ({"longest": float("nan")}, "longest (nan)"),
    ],
)
def test_rules_that_make_no_sense_are_refused(changes: dict[str, float], part: str) -> None:
    with pytest.raises(StreamError, match="at least") as error:
        Endpointing(**changes)
    assert part in str(error.value)
