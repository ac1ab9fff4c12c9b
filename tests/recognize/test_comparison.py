"""Two models on the same recordings: the gain, and how sure it is."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.recognize.comparison import compare
from asr.recognize.scoring import Scored, score
from tests.helpers.scores import CORPORA, corpus


def with_errors(errors: list[int], speakers: int = 1) -> list[Scored]:
    """Utterances of ten words, with so many errors each."""
    words = [f"w{n}" for n in range(10)]
    return [
        score(f"u{n}", f"s{n % speakers}", " ".join(words), " ".join(words[count:]), 2.0)
        for n, count in enumerate(errors)
    ]


@given(CORPORA)
def test_a_model_is_not_better_than_itself(scored: list[Scored]) -> None:
    gain = compare(scored, scored, resamples=50)
    if not sum(item.words.errors for item in scored):
        assert math.isnan(gain.relative)
    else:
        assert gain.relative == 0
    assert not gain.certain


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=30))
def test_the_gain_is_the_share_of_errors_that_are_gone(errors: list[tuple[int, int]]) -> None:
    before, after = (with_errors(list(side)) for side in zip(*errors, strict=True))
    gain = compare(before, after, resamples=50)
    first, second = (sum(side) for side in zip(*errors, strict=True))
    if first:
        assert gain.relative == pytest.approx(1 - second / first)
        assert gain.low <= gain.high
    else:
        assert math.isnan(gain.relative)


def test_what_is_hard_for_both_does_not_widen_the_interval() -> None:
    hard = [5 if n % 3 == 0 else 0 for n in range(300)]
    easier = [4 if count else 0 for count in hard]
    gain = compare(with_errors(hard), with_errors(easier))
    assert (gain.relative, gain.low, gain.high) == pytest.approx((0.2, 0.2, 0.2))
    assert gain.certain


def test_a_gain_by_chance_is_not_certain() -> None:
    before = with_errors([n % 3 for n in range(40)])
    after = with_errors([(n * 7 + 1) % 3 for n in range(40)])
    gain = compare(before, after)
    assert gain.low < 0 < gain.high
    assert not gain.certain


def test_a_loss_can_be_certain_too() -> None:
    gain = compare(with_errors([1] * 50), with_errors([1, 3] * 25))
    assert gain.relative == pytest.approx(-1.0)
    assert gain.high < 0
    assert gain.certain


def test_speakers_are_drawn_where_five_are_named_and_draws_repeat() -> None:
    before, after = corpus(60, speakers=6), with_errors([1] * 60, speakers=6)
    gain = compare(before, after)
    assert (gain.unit, gain.units) == ("speaker", 6)
    assert compare(before, after) == gain
    assert compare(before, after, resamples=9, seed=1) != compare(before, after, resamples=9)
    assert compare(before[:8], after[:8]).unit == "speaker"
    assert compare(corpus(8, 3), with_errors([1] * 8, speakers=3)).unit == "utterance"


def test_other_utterances_cannot_be_compared() -> None:
    scored = corpus(4, speakers=2)
    with pytest.raises(ValueError, match="same utterances"):
        compare(scored, scored[::-1])
