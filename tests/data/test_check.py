"""Checking a manifest: every kind of mistake is found in the line where it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from asr.config import FeatureConfig, ModelConfig, TokenizerConfig
from asr.data.check import Expectation, Findings, check_manifest
from asr.errors import ManifestError
from asr.model.lengths import emission_window
from asr.text.tokenizer import tokenizer_from_texts
from tests.helpers.recordings import encoded
from tests.helpers.tones import noise

DEFAULT = Expectation(FeatureConfig(), TokenizerConfig(), emission_window(ModelConfig(subsampling=2)))


@pytest.fixture(autouse=True)
def _recordings(tmp_path: Path) -> None:
    for name in "abc":
        soundfile.write(tmp_path / f"{name}.wav", noise(2), 16_000)
    (tmp_path / "cut.wav").write_bytes(encoded(noise(2))[:20])
    (tmp_path / "nan.wav").write_bytes(encoded(np.full(32_000, np.nan, np.float32), subtype="FLOAT"))


def line(name: str = "a", text: str = "hello", **more: Any) -> str:
    return json.dumps({"audio_filepath": f"{name}.wav", "duration": 2, "text": text} | more)


def findings(folder: Path, *lines: str, expected: Expectation = DEFAULT) -> Findings:
    path = folder / "manifest.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return check_manifest(path, expected)


def problem(folder: Path, bad: str, expected: Expectation = DEFAULT) -> str:
    """The one problem of a manifest whose third line is bad."""
    found = findings(folder, line(), "", bad, line("b", speaker="ann"), expected=expected).problems
    assert [item.line for item in found] == [3]
    assert "\n" not in found[0].text
    return found[0].text


def test_a_good_manifest_has_no_problems(tmp_path: Path) -> None:
    found = findings(tmp_path, line(speaker="ann"), line("b", "Öl", speaker="bob"), line("c", speaker="ann"))
    assert found.problems == ()
    assert found.durations == (2.0, 2.0, 2.0)
    assert found.speakers == 2
    assert dict(found.units) == {"e": 2, "h": 2, "l": 5, "o": 2, "ö": 1}
    assert [unit for unit, _ in found.units] == sorted(unit for unit, _ in found.units)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("{", "not a JSON object"),
        ('{"audio_filepath": "a.wav"}', "missing key duration; correct the line"),
        (line("c", duration=0), "duration must be positive"),
        (line("c", ""), "the text is empty; write it, or remove the line"),
        (line("c", " \u200b "), "the text is empty"),
        (line("c", "a▁b§"), "the text 'a▁b§' holds ▁ (U+2581), which stands for the space"),
        (line("no"), "no.wav: no such file; check the path"),
        (line("cut"), "cut.wav: "),
        (line("c", duration=3), "c.wav: ends at 2.00 s, the line says 3.00 s; correct duration or offset"),
        (line("c", offset=1.5), "c.wav: ends at 2.00 s, the line says 3.50 s"),
        (line("c", duration=1), "c.wav: lasts 2.00 s, the line says 1.00 s; correct it"),
        (line("a", id="other"), "a.wav stands in line 1 already"),
        (line("c", id="a.wav"), "id 'a.wav' stands in line 1 already"),
    ],
)
def test_each_mistake_is_told_by_its_line(tmp_path: Path, bad: str, message: str) -> None:
    assert message in problem(tmp_path, bad)


def test_several_mistakes_of_one_line_are_all_told_in_order(tmp_path: Path) -> None:
    found = findings(tmp_path, line(), line("no", ""), "[]", line("b"), line("b", "")).problems
    assert [item.line for item in found] == [2, 2, 3, 5, 5]


def test_stretches_of_one_recording_are_no_duplicates(tmp_path: Path) -> None:
    halves = [line(duration=1, id="x"), line(duration=1, offset=1, id="y")]
    assert [item.text for item in findings(tmp_path, *halves).problems if "already" in item.text] == []


def test_texts_too_long_for_ctc_are_found_at_the_exact_length(tmp_path: Path) -> None:
    # 2 s have 198 frames, 99 emission frames at 2x subsampling: 99 different letters fit, 100 do not.
    assert findings(tmp_path, line(text="ab" * 49 + "a")).problems == ()
    assert "99 emission frames for 100 tokens and 0 repeats" in problem(tmp_path, line("c", "ab" * 50))
    # Each repeat needs a blank between: 50 times one letter are 50 tokens and 49 repeats.
    assert findings(tmp_path, line(text="a" * 50)).problems == ()
    assert "CTC cannot align it" in problem(tmp_path, line("c", "a" * 51))
    quarter = Expectation(FeatureConfig(), TokenizerConfig(), emission_window(ModelConfig(subsampling=4)))
    assert "50 emission frames for 51 tokens" in problem(tmp_path, line("c", "ab" * 25 + "a"), quarter)


def test_words_are_counted_where_words_are_tokens(tmp_path: Path) -> None:
    words = Expectation(FeatureConfig(), TokenizerConfig(kind="words"), DEFAULT.window)
    found = findings(tmp_path, line(text="yes no yes"), line("b", "no"), expected=words)
    assert found.units == (("no", 2), ("yes", 2))


def test_texts_are_compared_with_a_known_vocabulary(tmp_path: Path) -> None:
    known = tokenizer_from_texts(TokenizerConfig(), ["hello"])
    expected = Expectation(FeatureConfig(), TokenizerConfig(), DEFAULT.window, known)
    assert "'ß' (U+00DF) in 'heß' is not in the vocabulary" in problem(tmp_path, line("c", "Heß"), expected)


def test_damage_behind_the_header_is_found_by_decoding(tmp_path: Path) -> None:
    assert findings(tmp_path, line("nan")).problems == ()
    decoding = Expectation(FeatureConfig(), TokenizerConfig(), DEFAULT.window, decode=True)
    assert "the sample at 0.0000 s is not a finite number" in problem(tmp_path, line("nan"), decoding)


def test_progress_counts_every_utterance(tmp_path: Path) -> None:
    path = tmp_path / "manifest.jsonl"
    path.write_text("\n".join([line(), line("b"), line("no")]))
    counts: list[int] = []
    check_manifest(path, DEFAULT, counts.append)
    assert sum(counts) == 3


def test_a_manifest_of_nothing_but_bad_lines(tmp_path: Path) -> None:
    found = findings(tmp_path, "{", line("a", ""))
    assert [item.line for item in found.problems] == [1, 2]


def test_an_empty_manifest_is_told(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="the manifest is empty"):
        findings(tmp_path, "")


def test_a_missing_manifest_is_told(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such manifest"):
        check_manifest(tmp_path / "no.jsonl", DEFAULT)
