"""Lines and progress bars on standard error: what is counted, and that pipes see no bar."""

from __future__ import annotations

import sys

import pytest

from asr.progress import counter, say, track, warn
from tests.helpers.console import asr_on_a_terminal

PRINTING = """
from asr.progress import say, track
for item in track("ab", "reading [/] of"):
    print("result", item)
    say(f"line {item}")
"""


def test_the_items_are_those_that_were_given_in_their_order() -> None:
    assert list(track("abc", "reading")) == ["a", "b", "c"]
    assert list(track((n for n in range(3)), "reading")) == [0, 1, 2]
    assert list(track([], "reading")) == []


def test_nothing_is_drawn_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with counter("reading [/] of", 3) as advance:
        for item in track("abc", "reading"):
            sys.stdout.write(item)
            advance(1)
    assert capsys.readouterr() == ("abc", "")


def test_results_and_lines_go_their_ways_while_a_bar_is_drawn() -> None:
    shown = asr_on_a_terminal(code=PRINTING)
    assert (shown.status, shown.out) == (0, "result a\nresult b\n")
    for line in ("line a", "line b"):
        assert f"\r\x1b[2K{line}\r\n" in shown.err
    assert "reading [/] of" in shown.err


def test_lines_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    text = "[red]:warning: " + "word " * 60 + "end"
    say(text)
    assert capsys.readouterr() == ("", f"{text}\n")
    warn(text)
    assert f"warning: {text}" in capsys.readouterr().err


def test_an_error_in_the_loop_is_raised_and_the_next_bar_can_be_drawn() -> None:
    for _ in range(2):
        with pytest.raises(KeyError):
            for item in track("abc", "reading"):
                raise KeyError(item)
