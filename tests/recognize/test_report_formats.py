"""Reports as text, whose lines fit a terminal, and as JSON, which holds everything."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from rich.cells import cell_len

from asr.recognize.report_formats import format_report, report_json
from asr.recognize.scoring import Scored, report, score
from tests.helpers.scores import CORPORA, EMPTY, corpus


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


@pytest.mark.parametrize("scored", EMPTY)
def test_nothing_to_score_gives_nan_and_null(scored: list[Scored]) -> None:
    result = report(scored)
    text = format_report(result)
    assert text.startswith("%WER nan [ ")
    assert "95 % interval unknown" in text
    content = json.loads(report_json(result), parse_constant=pytest.fail)
    assert content["words"]["rate"] is None
    assert content["interval"]["low"] is None


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
