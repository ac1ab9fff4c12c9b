"""Language models, hotwords, lexicons and grammars of ``asr transcribe`` and ``asr evaluate``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile

from asr.config import DecodingConfig
from asr.recognize.language import Language
from asr.recognize.recognizer import load
from tests.helpers.bundles import TEXTS, random_bundle
from tests.helpers.console import Shown, asr_here, one_line
from tests.helpers.language import letter_lm, small_lm
from tests.helpers.tones import chirp

VOCABULARY = {word for text in TEXTS for word in text.split()}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, a recording, and things to know about the language."""
    folder = tmp_path_factory.mktemp("place")
    random_bundle(folder / "model")
    soundfile.write(folder / "a.wav", chirp(100, 5_000, 2), 16_000)
    line = {"audio_filepath": "a.wav", "duration": 2.0, "text": "One two"}
    (folder / "manifest.jsonl").write_text(json.dumps(line) + "\n")
    small_lm(folder / "lm.arpa")
    letter_lm(folder / "letters.lm")
    (folder / "words.txt").write_text("ei e i\nohne o n e\n")
    (folder / "hot.txt").write_text("Seven\t30\nzero\n")
    (folder / "commands.txt").write_text("one two\nnine\n")
    return folder


def transcribed(place: Path, *options: object) -> Shown:
    shown = asr_here("transcribe", place / "a.wav", "--model", place / "model", *options)
    assert shown.status == 0, shown.err
    return shown


def expected(place: Path, **language: object) -> str:
    known = Language(**language)
    return load(place / "model", language=known).transcribe(place / "a.wav").text + "\n"


def test_a_language_model_searches_with_a_beam_of_its_own_accord(place: Path) -> None:
    lm = place / "lm.arpa"
    shown = transcribed(place, "--lm", lm)
    assert shown.out == expected(place, lm=lm) != transcribed(place).out
    assert transcribed(place, "--lm", lm, "--beam-size", 100).out == shown.out
    numbers = ("--alpha", 2, "--beta", 6, "--unknown-score", -30)
    changed = transcribed(place, "--lm", lm, *numbers)
    assert changed.out == expected(place, lm=lm, alpha=2.0, beta=6.0, unknown_score=-30.0) != shown.out
    cheap = transcribed(place, "--lm", lm, "--unknown-letter", 0)
    assert cheap.out == expected(place, lm=lm, unknown_letter=0.0) != shown.out


def test_every_option_reaches_the_search(place: Path) -> None:
    for name in ("lexicon", "grammar", "hotwords", "token_lm"):
        file = {"lexicon": "words.txt", "grammar": "commands.txt", "hotwords": "hot.txt"}.get(name)
        path = place / (file or "letters.lm")
        assert transcribed(place, f"--{name}", path).out == expected(place, **{name: path})
    lm = place / "lm.arpa"
    closed = transcribed(place, "--lm", lm, "--closed").out
    assert closed == expected(place, lm=lm, closed=True)
    assert set(closed.split()) <= VOCABULARY
    letters = ("--token-lm", place / "letters.lm", "--token-alpha", 0.9)
    assert transcribed(place, *letters).out == expected(place, token_lm=letters[1], token_alpha=0.9)


def test_hotwords_are_heard_where_they_were_not(place: Path) -> None:
    assert "seven" not in transcribed(place).out
    assert "seven" in transcribed(place, "--hotwords", place / "hot.txt").out


def test_evaluate_takes_the_same_options(place: Path) -> None:
    path = place / "results.json"
    options = ("--model", place / "model", "--json", path, "--lm", place / "lm.arpa", "--closed")
    assert asr_here("evaluate", place / "manifest.jsonl", *options).status == 0
    scored = json.loads(path.read_text())["scored"]
    assert scored[0]["hypothesis"] == expected(place, lm=place / "lm.arpa", closed=True).strip()


def test_alternatives_are_written_best_first(place: Path) -> None:
    options = ("--lm", place / "lm.arpa", "--nbest", 3)
    rows = [line.split("\t") for line in transcribed(place, *options).out.splitlines()]
    assert len(rows) == 3
    assert [float(total) for total, _ in rows] == sorted((float(total) for total, _ in rows), reverse=True)
    assert rows[0][1] + "\n" == transcribed(place, "--lm", place / "lm.arpa").out
    content = json.loads(transcribed(place, *options, "-f", "json").out)
    assert [one["text"] for one in content["alternatives"]] == [text for _, text in rows]
    for one, (total, _) in zip(content["alternatives"], rows, strict=True):
        assert one["total"] == pytest.approx(float(total), abs=1e-4)
        parts = sum(one[part] for part in ("acoustic", "language", "bonus", "hotwords"))
        assert one["total"] == pytest.approx(parts, abs=1e-3)
        assert " ".join(word["word"] for word in one["words"]) == one["text"]
    assert "alternatives" not in json.loads(transcribed(place, "-f", "json").out)


def test_alternatives_of_several_files_name_the_file(place: Path) -> None:
    shown = asr_here("transcribe", *[place / "a.wav"] * 2, "--model", place / "model", "--nbest", 2)
    assert shown.out.count(f"{place / 'a.wav'}: ") == 4


def test_alternatives_need_no_more_than_the_option(place: Path) -> None:
    plain = load(place / "model", decoding=DecodingConfig()).transcribe(place / "a.wav", nbest=4)
    rows = transcribed(place, "--nbest", 4).out.splitlines()
    assert rows == [f"{one.total:.4f}\t{one.text}" for one in plain.alternatives]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--lm", "no.arpa"], "no.arpa: no such file; check the path"),
        (["--lm", "{0}/words.txt"], "words.txt: not an ARPA file"),
        (["--alpha", 1], "alpha changes nothing here; leave it out, or name a language model of words"),
        (["--lm", "{0}/lm.arpa", "--grammar", "{0}/commands.txt"], "a grammar and a language model of words"),
        (["--token-lm", "{0}/lm.arpa"], "make one of tokens with asr lm build --characters"),
        (["--lm", "{0}/letters.lm", "--lexicon", "{0}/words.txt"], "the language model knows none of its"),
        (["--hotwords", "{0}"], "cannot be read: Is a directory"),
    ],
)
def test_what_does_not_go_together_is_one_line(place: Path, options: list, message: str) -> None:
    given = [str(option).format(place) for option in options]
    one_line(asr_here("transcribe", place / "a.wav", "--model", place / "model", *given), message)
    one_line(asr_here("evaluate", place / "manifest.jsonl", "--model", place / "model", *given), message)


@pytest.mark.parametrize("options", [["--lm", "lm.arpa"], ["--nbest", 2], ["--hotwords", "hot.txt"]])
def test_the_best_path_takes_nothing_else(place: Path, options: list) -> None:
    shown = asr_here("transcribe", "a.wav", "--model", place / "model", "--beam-size", 0, *options)
    assert (shown.status, shown.out) == (2, "")
    assert "--beam-size 0 takes the best path and listens to the sound alone; leave it out" in shown.err


def test_numbers_out_of_range_are_usage_errors(place: Path) -> None:
    for option in (
        ["--alpha", -1],
        ["--token-alpha", -1],
        ["--unknown-letter", 1],
        ["--nbest", 0],
        ["--beta", "x"],
    ):
        shown = asr_here("transcribe", "a.wav", "--model", place / "model", *option)
        assert shown.status == 2
        assert option[0] in shown.err


@pytest.mark.parametrize("command", ["transcribe", "evaluate"])
def test_help_says_what_happens_by_default(command: str) -> None:
    text = " ".join(asr_here(command, "--help").out.split())
    for part in ("--lm", "the one that the model folder carries", "asr lm tune finds it", "after a tab"):
        assert part in text
