"""Scores of a corpus: totals, interval, worst utterances."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.recognize.scoring import Scored, bootstrap, report, score, worst_utterances
from tests.helpers.reference import edit_distance
from tests.helpers.scores import CORPORA, EMPTY, corpus


@given(CORPORA)
def test_totals_are_the_sums(scored: list[Scored]) -> None:
    result = report(scored)
    distances = [edit_distance(s.reference.split(), s.hypothesis.split()) for s in scored]
    assert result.words.errors == sum(distances)
    assert result.words.reference == sum(len(s.reference.split()) for s in scored)
    assert result.characters.errors == sum(edit_distance(s.reference, s.hypothesis) for s in scored)
    assert result.wrong_sentences == sum(distance > 0 for distance in distances)
    assert result.speakers == len({s.speaker for s in scored if s.speaker})
    assert result.duration == pytest.approx(1.5 * len(scored))


def test_interval_holds_the_rate_and_is_reproducible() -> None:
    scored = corpus(60, speakers=6)
    interval = bootstrap(scored)
    assert 0 < interval.low < report(scored).words.rate < interval.high < 1
    assert (interval.unit, interval.units, interval.resamples, interval.level) == ("speaker", 6, 2000, 0.95)
    assert bootstrap(scored) == interval == report(scored).interval
    assert bootstrap(scored, resamples=9, seed=1) != bootstrap(scored, resamples=9)


def test_interval_of_utterances_agrees_with_theory() -> None:
    # Binomial: 400 one-word utterances, a quarter wrong; 1.96 sqrt(p (1 - p) / n) = 0.0424.
    scored = [score(str(n), "", "a", "b" if n % 4 == 0 else "a", 1.0) for n in range(400)]
    interval = bootstrap(scored)
    assert interval.low == pytest.approx(0.25 - 0.0424, abs=0.006)
    assert interval.high == pytest.approx(0.25 + 0.0424, abs=0.006)


def test_speakers_are_drawn_where_five_are_named_and_widen_the_interval() -> None:
    scored = corpus(100, speakers=5)
    nameless = [score(s.id, "", s.reference, s.hypothesis, s.duration) for s in scored]
    by_speaker, by_utterance = bootstrap(scored), bootstrap(nameless)
    assert (by_speaker.unit, by_speaker.units) == ("speaker", 5)
    assert (by_utterance.unit, by_utterance.units) == ("utterance", 100)
    assert by_speaker.high - by_speaker.low > 2 * (by_utterance.high - by_utterance.low)


def test_utterances_are_drawn_where_speakers_are_few_or_missing() -> None:
    assert bootstrap(corpus(40, speakers=4)).unit == "utterance"
    assert bootstrap([*corpus(50, speakers=5), score("x", "", "a", "a", 1.0)]).unit == "utterance"


def test_memory_blocks_do_not_shift_the_draws() -> None:
    many = bootstrap(corpus(1200, speakers=4), resamples=2000)  # 2.4 million draws: three blocks
    assert many.low < report(corpus(1200, speakers=4)).words.rate < many.high


@pytest.mark.parametrize("scored", EMPTY)
def test_nothing_to_score_gives_nan(scored: list[Scored]) -> None:
    result = report(scored)
    assert math.isnan(result.words.rate)
    assert math.isnan(result.interval.low)
    assert math.isnan(result.interval.high)


def test_draws_without_reference_words_are_left_out() -> None:
    scored = [score("a", "", "one two", "one too", 1.0), score("b", "", "", "x", 1.0)]
    interval = bootstrap(scored)
    assert 0.5 <= interval.low <= interval.high < math.inf


@given(CORPORA, st.integers(0, 4))
def test_worst_utterances_are_the_worst(scored: list[Scored], count: int) -> None:
    shown = worst_utterances(scored, count)
    wrong = sorted((s.words.errors for s in scored if s.words.errors), reverse=True)
    assert [s.words.errors for s in shown] == wrong[:count]


def test_among_equally_many_errors_the_higher_rate_is_worse() -> None:
    scored = [
        score("long", "", "a b c", "a b x", 1),
        score("short", "", "a", "b", 1),
        score("no", "", "", "b", 1),
    ]
    assert [s.id for s in worst_utterances(scored, 3)] == ["no", "short", "long"]
