"""What is told: marks, remedies on lines of their own, and whether transcribing works."""

from __future__ import annotations

import json

import pytest

from asr.doctor.findings import Finding, as_json, as_lines, works
from asr.doctor.machine import _numbers

MODEL = Finding("models", "m", "good", "transcribes")
WORN = Finding("audio", "wav", "broken", "cannot be read", "pip install soundfile", needed=True)
SPARE = Finding("audio", "mp3", "broken", "cannot be read")


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([MODEL], True),
        ([MODEL, SPARE], True),
        ([SPARE, Finding("models", "n", "broken", "damaged"), MODEL], True),
        ([MODEL, WORN], False),
        ([], False),
        ([Finding("models", "m", "missing", "none")], False),
    ],
)
def test_it_works_if_a_model_transcribes_and_nothing_needed_is_broken(findings, expected) -> None:
    assert works(findings) is expected
    assert json.loads(as_json(findings))["works"] is expected
    last = as_lines(findings).splitlines()[-1]
    assert last.startswith("transcribing works" if expected else "transcribing does not work; mend first: ")


def test_lines_name_topics_marks_and_remedies() -> None:
    assert as_lines([WORN, SPARE, MODEL]).splitlines() == [
        "audio",
        "  FAIL wav: cannot be read",
        "         pip install soundfile",
        "  FAIL mp3: cannot be read",
        "",
        "models",
        "  ok   m: transcribes",
        "",
        "transcribing does not work; mend first: wav, mp3",
    ]


def test_programs_get_all_of_it() -> None:
    assert json.loads(as_json([WORN]))["findings"] == [
        {
            "topic": "audio", "name": "wav", "state": "broken", "text": "cannot be read",
            "remedy": "pip install soundfile", "needed": True,
        }
    ]  # fmt: skip


def test_versions_are_compared_as_numbers() -> None:
    assert _numbers("2.11.0+cpu") == (2, 11, 0) > _numbers("2.9")
    assert _numbers("2.0rc1") == (2, 0)
    assert _numbers("") == ()
