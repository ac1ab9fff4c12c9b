"""``asr evaluate``: rates as Kaldi prints them, all results as JSON, and manifests as people have them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import soundfile

from asr.config import DecodingConfig
from asr.recognize.recognizer import load
from asr.text.error_rate import ErrorCounts, character_errors, word_errors
from tests.helpers.bundles import random_bundle
from tests.helpers.console import LIMITED, MAIN, Shown, asr, asr_here, one_line
from tests.helpers.tones import chirp

TEXTS = ["One two", "three", "größe 日本", "four five six", "", "seven", "eight nine"]
REMEDY = "free some space"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "random"
    random_bundle(folder)
    return folder


def lines(**changes: Any) -> list[str]:
    return [
        json.dumps(
            {"audio_filepath": f"{i}.wav", "duration": 0.5 + 0.1 * i, "text": text, "speaker": f"s{i % 5}"}
            | changes
        )
        for i, text in enumerate(TEXTS)
    ]


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    for i in range(len(TEXTS)):
        soundfile.write(tmp_path / f"{i}.wav", chirp(100, 1_000 * (i + 1), 0.5 + 0.1 * i), 16_000)
    path = tmp_path / "manifest.jsonl"
    path.write_text("\n".join(lines()), encoding="utf-8")
    return path


def evaluated(manifest: Path, model: Path, *options: object) -> tuple[Shown, dict[str, Any]]:
    path = manifest.parent / "results" / "all.json"
    shown = asr_here("evaluate", manifest, "--model", model, "--json", path, *options)
    assert shown.status == 0, shown.err
    return shown, json.loads(path.read_text(encoding="utf-8"))


def counts(values: dict[str, Any]) -> ErrorCounts:
    return ErrorCounts(*(values[name] for name in ("substitutions", "deletions", "insertions", "reference")))


def test_a_beam_can_be_asked_for(manifest: Path, model: Path) -> None:
    _, values = evaluated(manifest, model, "--beam-size", 10)
    recognizer = load(model, decoding=DecodingConfig(beam_size=10))
    for number, scored in enumerate(values["scored"]):
        assert scored["hypothesis"] == recognizer.transcribe(manifest.parent / f"{number}.wav").text


def test_rates_are_printed_as_kaldi_does(manifest: Path, model: Path) -> None:
    shown, values = evaluated(manifest, model)
    wer, cer, ser, interval, *_ = shown.out.splitlines()
    words = counts(values["words"])
    assert wer == (
        f"%WER {100 * words.rate:.2f} [ {words.errors} / {words.reference}, {words.insertions} ins, "
        f"{words.deletions} del, {words.substitutions} sub ]"
    )
    assert words.reference == 11
    assert re.fullmatch(r"%CER [\d.]+ \[ \d+ / \d+, \d+ ins, \d+ del, \d+ sub \]", cer)
    assert re.fullmatch(r"%SER [\d.]+ \[ \d / 7 \]", ser)
    assert re.fullmatch(r"95 % interval [\d.]+ … [\d.]+ \(bootstrap over 5 speakers\)", interval)


def test_law_8_corpus_counts_are_the_summed_counts_of_its_utterances(manifest: Path, model: Path) -> None:
    _, values = evaluated(manifest, model)
    for unit, count in (("words", word_errors), ("characters", character_errors)):
        each = [counts(item[unit]) for item in values["scored"]]
        assert counts(values[unit]) == sum(each, ErrorCounts.zero())
        assert each == [count(item["reference"], item["hypothesis"]) for item in values["scored"]]
        assert values[unit]["rate"] == counts(values[unit]).rate
    assert [item["reference"] for item in values["scored"]] == [text.lower() for text in TEXTS]


def test_utterances_are_drawn_where_speakers_are_few(manifest: Path, model: Path) -> None:
    manifest.write_text("\n".join(lines(speaker="ann")), encoding="utf-8")
    shown, _ = evaluated(manifest, model)
    assert "(bootstrap over 7 utterances)" in shown.out


def test_words_that_a_closed_vocabulary_lacks_are_a_note(manifest: Path, model: Path, tmp_path: Path) -> None:
    said = sorted({word for text in TEXTS for word in text.lower().split() if word.isascii()})
    (tmp_path / "grammar.txt").write_text("\n".join(said[:-1]))
    shown = asr_here("evaluate", manifest, "--model", model, "--grammar", tmp_path / "grammar.txt")
    assert repr(said[-1]) in shown.err
    assert repr(said[0]) not in shown.err


def test_characters_that_the_model_cannot_write_are_errors_and_a_note(manifest: Path, model: Path) -> None:
    shown, values = evaluated(manifest, model)
    assert shown.err == "note: the model cannot write 3 units of the references: 'ö' '日' '本'\n"
    item = values["scored"][2]
    assert item["reference"] == "größe 日本"
    assert item["words"]["errors"] >= 2


def test_worst_utterances_are_shown_aligned(manifest: Path, model: Path) -> None:
    shown, _ = evaluated(manifest, model, "--worst", 2)
    assert shown.out.count("\nREF:") == shown.out.count("\nHYP:") == 2
    assert "REF:" not in evaluated(manifest, model, "--worst", 0)[0].out


def test_byte_order_marks_and_crlf_change_nothing(manifest: Path, model: Path) -> None:
    expected, values = evaluated(manifest, model)
    manifest.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*lines(), "", ""]).encode())
    assert evaluated(manifest, model) == (expected, values)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ('{"audio_filepath": "0.wav", "duration": 1', "line 8: not a JSON object"),
        ('{"audio_filepath": "0.wav", "text": "a"}', "line 8: missing key duration; correct the line"),
        ('{"audio_filepath": "0.wav", "duration": -1, "text": "a"}', "line 8: duration must be positive"),
        ('{"audio_filepath": "no.wav", "duration": 1, "text": "a"}', "no.wav: no such file; check the path"),
    ],
)
def test_a_bad_line_is_told(manifest: Path, model: Path, bad: str, message: str) -> None:
    manifest.write_text("\n".join([*lines(text="one"), bad]), encoding="utf-8")
    shown = asr_here("evaluate", manifest, "--model", model)
    one_line(shown, message)


def test_manifests_that_cannot_be_read_are_told(tmp_path: Path, model: Path) -> None:
    one_line(asr_here("evaluate", tmp_path / "no.jsonl", "--model", model), "no.jsonl: no such manifest")
    one_line(asr_here("evaluate", tmp_path, "--model", model), "Is a directory")
    (tmp_path / "empty.jsonl").touch()
    one_line(asr_here("evaluate", tmp_path / "empty.jsonl", "--model", model), "the manifest is empty")


def test_results_cannot_be_written_over_a_folder(manifest: Path, model: Path) -> None:
    shown = asr_here("evaluate", manifest, "--model", model, "--json", manifest.parent)
    assert (shown.status, shown.out) == (2, "")
    assert "is a directory" in shown.err


def test_a_full_disk_keeps_the_old_results(manifest: Path, model: Path) -> None:
    path = manifest.parent / "all.json"
    path.write_text("old")
    manifest.write_text("\n".join(lines(text="one")), encoding="utf-8")
    code = LIMITED.format(100) + MAIN
    shown = asr("evaluate", manifest, "--model", model, "--json", path, code=code)
    assert shown.status == 2
    assert shown.err == f"error: {path}: cannot be written: File too large; {REMEDY}\n"
    assert path.read_text() == "old"
    assert [file.name for file in manifest.parent.iterdir() if file.name.endswith(".tmp")] == []
