"""Reports of a corpus: totals, interval, worst utterances, text and JSON."""

from __future__ import annotations

import json
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from asr.recognize.scoring import (
    Scored,
    bootstrap,
    format_report,
    report,
    report_json,
    score,
    worst_utterances,
)
from tests.helpers.reference import edit_distance

TEXTS = st.lists(st.sampled_from(["one", "two", "too", "日本", "हिन्दी"]), max_size=6).map(" ".join)
CORPORA = st.lists(st.tuples(st.sampled_from(["", "ann", "bob"]), TEXTS, TEXTS), max_size=6).map(
    lambda rows: [score(f"u{n}", *row, 1.5) for n, row in enumerate(rows)]
)


def corpus(utterances: int, speakers: int) -> list[Scored]:
    """Ten words each, of which speaker s gets every utterance wrong in s words, so speakers differ."""
    words = [f"w{n}" for n in range(10)]
    return [
        score(f"u{n}", f"s{n % speakers}", " ".join(words), " ".join(words[n % speakers :]), 2.0)
        for n in range(utterances)
    ]


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


@pytest.mark.parametrize(
    "scored",
    [
        [],
        [score("a", "", "", "", 1.0)],
        [score("a", "", "", "x", 1.0), score("b", "", "", "", 1.0)],
    ],
)
def test_nothing_to_score_gives_nan_and_null(scored: list[Scored]) -> None:
    result = report(scored)
    assert math.isnan(result.words.rate)
    assert math.isnan(result.interval.low)
    assert math.isnan(result.interval.high)
    text = format_report(result)
    assert text.startswith("%WER nan [ ")
    assert "95 % interval unknown" in text
    content = json.loads(report_json(result), parse_constant=pytest.fail)
    assert content["words"]["rate"] is None
    assert content["interval"]["low"] is None


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


def test_report_reads_like_this() -> None:
    scored = [
        score("u1", "ann", "one two three four", "one too three", 1.0),
        score("u2", "", "right", "right", 1.0),
        score("u3", "", "a b", "a new b", 1.0),
    ]
    lines = format_report(report(scored)).splitlines()
    assert lines[0] == "%WER 42.86 [ 3 / 7, 1 ins, 1 del, 1 sub ]"
    assert lines[1].startswith("%CER ")
    assert lines[2] == "%SER 66.67 [ 2 / 3 ]"
    assert lines[3].startswith("95 % interval ")
    assert lines[3].endswith(" (bootstrap over 3 utterances)")
    assert lines[5:] == [
        "u1, speaker ann: %WER 50.00 [ 2 / 4, 0 ins, 1 del, 1 sub ]",
        "REF: one TWO three FOUR",
        "HYP: one TOO three ****",
        "         S         D",
        "",
        "u3: %WER 50.00 [ 1 / 2, 1 ins, 0 del, 0 sub ]",
        "REF: a *** b",
        "HYP: a NEW b",
        "       I",
    ]
    assert "u3" not in format_report(report(scored), worst=1)
    assert "REF" not in format_report(report(scored), worst=0)


def test_words_that_differ_in_case_alone_keep_it() -> None:
    lines = format_report(report([score("u", "", "Hello", "hello", 1.0)])).splitlines()
    assert lines[-3:] == ["REF: Hello", "HYP: hello", "     S"]


def test_interval_line_names_what_was_drawn() -> None:
    assert (
        format_report(report(corpus(60, speakers=6))).splitlines()[3].endswith("(bootstrap over 6 speakers)")
    )


def test_columns_line_up_with_wide_and_combining_characters() -> None:
    scored = [score("u", "", "हिन्दी 日本 x cafe\u0301 END", "ab 本 日本 cafe END", 1.0)]
    reference, hypothesis = (
        line for line in format_report(report(scored)).splitlines() if line.startswith(("REF", "HYP"))
    )
    assert cell_len(reference[: reference.index("END")]) == cell_len(hypothesis[: hypothesis.index("END")])


def test_long_utterances_are_broken_into_lines_for_a_terminal() -> None:
    text = " ".join(["word"] * 60)
    lines = format_report(report([score("u", "", text + " x", text + " y", 1.0)])).splitlines()[5:]
    assert max(map(len, lines)) <= 110
    shown = " ".join(line.removeprefix("REF: ") for line in lines if line.startswith("REF"))
    assert shown == text + " X"


@given(CORPORA)
def test_json_holds_every_utterance(scored: list[Scored]) -> None:
    result = report(scored)
    text = report_json(result)
    content = json.loads(text, parse_constant=pytest.fail)
    assert msgspec.convert(content["scored"], tuple[Scored, ...]) == result.scored
    assert content["words"]["errors"] == result.words.errors
    assert content["sentences"]["wrong"] == result.wrong_sentences
    assert content["interval"]["unit"] == result.interval.unit
    assert text == text.encode().decode()
    assert text.endswith("}\n")
