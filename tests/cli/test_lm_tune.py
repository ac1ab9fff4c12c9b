"""``asr lm tune``, ``attach`` and ``detach``: a language model finds its weight and its place."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from asr.bundle import load_bundle
from asr.decode.tuning import Tuning
from asr.recognize.recognizer import Recognizer, load
from asr.recognize.tuned import read_tuned
from tests.helpers.bundles import random_bundle
from tests.helpers.console import asr_here, one_line
from tests.helpers.language import SENTENCES, small_lm
from tests.helpers.tones import chirp


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    random_bundle(folder / "model")
    small_lm(folder / "lm.arpa")
    lines = []
    for index, text in enumerate(("one two", "three")):
        soundfile.write(folder / f"{index}.wav", chirp(100, 3_000 * (index + 1), 0.5), 16_000)
        lines.append({"audio_filepath": f"{index}.wav", "duration": 0.5, "text": text})
    (folder / "dev.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "place"))


def tuning(place: Path, *options: object) -> list[object]:
    return [
        "lm",
        "tune",
        place / "dev.jsonl",
        "--model",
        place / "model",
        "--lm",
        place / "lm.arpa",
        *options,
    ]


def test_the_best_numbers_are_options_and_a_file(place: Path) -> None:
    shown = asr_here(*tuning(place, "--beam-size", 5, "-o", place / "tuned.json"))
    assert shown.status == 0, shown.err
    content = json.loads((place / "tuned.json").read_text())
    best = Tuning(**content["tuning"])
    assert shown.out == (
        f"--alpha {best.alpha:g} --beta {best.beta:g} --unknown-score {best.unknown_score:g} "
        f"--unknown-letter {best.unknown_letter:g} --beam-size 5\n"
    )
    assert shown.err.count("alpha") == len(content["trials"]) + 1
    assert shown.err.splitlines()[-1].startswith("best: alpha")
    errors = [trial["words"] for trial in content["trials"]]
    least = min(sum(one[name] for name in ("substitutions", "deletions", "insertions")) for one in errors)
    options = ("--lm", place / "lm.arpa", *shown.out.split())
    report = asr_here("evaluate", place / "dev.jsonl", "--model", place / "model", *options)
    assert f"[ {least} / 3, " in report.out


def test_what_was_heard_is_kept(place: Path) -> None:
    options = ("--beam-size", 3, "--closed", "--emissions", place / "heard.safetensors")
    first = asr_here(*tuning(place, *options))
    for file in place.glob("*.wav"):
        file.unlink()
    second = asr_here(*tuning(place, *options))
    assert second.out == first.out
    assert second.out.endswith(" --closed\n")
    assert "what the model heard is known already" in second.err


def test_an_interruption_gives_the_best_so_far(place: Path) -> None:
    line = json.loads((place / "dev.jsonl").read_text().splitlines()[0])
    (place / "dev.jsonl").write_text((json.dumps(line) + "\n") * 10)
    command = [sys.executable, "-m", "asr", *map(str, tuning(place, "-o", place / "tuned.json"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ) as process:
        assert process.stderr
        assert process.stdout
        while not process.stderr.readline().startswith(b"alpha"):
            pass
        process.send_signal(signal.SIGINT)
        assert process.stdout.read().startswith(b"--alpha ")
    assert process.returncode == 130
    assert len(json.loads((place / "tuned.json").read_text())["trials"]) >= 1


def test_an_attached_model_is_used_until_it_is_detached(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (place / "tuned.json").write_text('{"tuning": {"alpha": 0.75, "beta": 2, "beam_size": 20}}')
    command = ["lm", "attach", place / "lm.arpa", "--model", place / "model"]
    shown = asr_here(*command, "--tuned", place / "tuned.json", "--beta", 3, "--unknown-letter", -2)
    assert shown.status == 0, shown.err
    assert "carries" in shown.err
    assert "--alpha 0.75 --beta 3 --unknown-score -2 --unknown-letter -2 --beam-size 20\n" in shown.err
    assert load_bundle(place / "model").language.tuning == Tuning(
        0.75, 3.0, unknown_letter=-2.0, beam_size=20
    )

    def transcribed(*options: object) -> tuple[str, str]:
        caplog.clear()
        shown = asr_here("transcribe", place / "1.wav", "--model", place / "model", *options)
        return shown.out, caplog.text

    carried = transcribed()
    numbers = ("--alpha", 0.75, "--beta", 3, "--unknown-letter", -2, "--beam-size", 20)
    assert carried[0] == transcribed("--lm", place / "lm.arpa", *numbers)[0]
    assert f"decoding with the language model that {place / 'model'} carries" in carried[1]
    greedy, beam = transcribed("--beam-size", 0), transcribed("--lm", "none", "--beam-size", 20)
    assert "decoding" not in greedy[1] + beam[1]
    assert carried[0] not in (greedy[0], beam[0])
    assert asr_here("lm", "detach", "--model", place / "model").status == 0
    assert transcribed()[0] == greedy[0]
    one_line(asr_here("lm", "detach", "--model", place / "model"), "carries no language model")


def attaching(place: Path, *options: object, lm: str = "lm.arpa") -> tuple[Recognizer, str]:
    """Attaches to a copy of the model; how that decodes then, and the last line that was shown."""
    copy = Path(shutil.copytree(place / "model", place / "copy", dirs_exist_ok=True))
    shown = asr_here("lm", "attach", place / lm, "--model", copy, "--tuned", place / "tuned.json", *options)
    assert shown.status == 0, shown.err
    return load(copy), shown.err.splitlines()[-1]


def test_a_tuning_brings_its_calibration_along_unless_it_is_for_something_else(place: Path) -> None:
    assert asr_here(*tuning(place, "--beam-size", 5, "-o", place / "tuned.json")).status == 0
    tuned = read_tuned(place / "tuned.json")
    assert tuned.calibration is not None
    recognizer, told = attaching(place)
    assert recognizer.calibration == tuned.calibration
    assert told == "the confidences of words are calibrated for this"
    small_lm(place / "more.arpa", [*SENTENCES, "five nine"])
    recognizer, told = attaching(place, lm="more.arpa")
    assert recognizer.calibration == tuned.calibration
    assert told.endswith("calibrated as with the language model that was tuned, which is another one")
    for change in (("--beta", 9), ("--beam-size", 6), ("--closed",)):
        recognizer, told = attaching(place, *change)
        assert recognizer.calibration is None
        assert told == "the confidences of words are not calibrated for this; asr calibrate does it"
    random_bundle(place / "model", seed=1)
    recognizer, told = attaching(place)
    assert recognizer.calibration is None
    assert "not calibrated" in told


def test_a_tuning_with_a_lexicon_has_no_calibration_as_no_lexicon_is_attached(place: Path) -> None:
    (place / "words.txt").write_text("one o n e\ntwo t w o\n")
    options = ("--beam-size", 2, "--lexicon", place / "words.txt", "-o", place / "tuned.json")
    assert asr_here(*tuning(place, *options)).status == 0
    assert read_tuned(place / "tuned.json").calibration is None


def test_too_few_unknown_words_are_told(place: Path) -> None:
    shown = asr_here(*tuning(place, "--beam-size", 2))
    assert "dev.jsonl holds 0, and fewer than 10 cannot tell" in shown.err
    assert shown.err.count("cannot tell") == 1
    assert "cannot tell" not in asr_here(*tuning(place, "--beam-size", 2, "--closed")).err


def test_what_cannot_be_attached_is_one_line(place: Path) -> None:
    command = ["lm", "attach", place / "lm.arpa", "--model", place / "model", "--tuned"]
    one_line(asr_here(*command, place / "no.json"), "no.json: no such file; asr lm tune -o writes one")
    one_line(asr_here(*command, place / "dev.jsonl"), "dev.jsonl: not what asr lm tune -o writes")
    (place / "tuned.json").write_text('{"tuning": {"alhpa": 1}}')
    one_line(asr_here(*command, place / "tuned.json"), "unknown key 'alhpa'; did you mean 'alpha'?")
    (place / "tuned.json").write_text('{"tuning": {}, "calibration": {"offset": 1}}')
    one_line(asr_here(*command, place / "tuned.json"), "tuned.json, calibration: missing key slope")
    upper = small_lm(place / "upper.arpa", ["ONE TWO", "THREE"])
    shown = asr_here("lm", "attach", upper, "--model", place / "model")
    one_line(shown, "3 of its 3 words cannot be written in the tokens of the model", "--normalizer lower")
    one_line(asr_here("lm", "attach", place / "no.arpa", "--model", place / "model"), "no such file")
    assert load_bundle(place / "model").language is None


def test_nothing_to_tune_on_is_one_line(place: Path) -> None:
    (place / "dev.jsonl").write_text("")
    one_line(asr_here(*tuning(place)), "the manifest is empty")
    (place / "other").write_text("text")
    arguments = tuning(place, "--emissions", place / "other")
    (place / "dev.jsonl").write_text('{"audio_filepath": "0.wav", "duration": 0.5, "text": "one"}')
    one_line(asr_here(*arguments), "other: damaged, or no emissions")


@pytest.mark.parametrize("command", ["tune", "attach", "detach"])
def test_help_teaches(command: str) -> None:
    shown = asr_here("lm", command, "--help")
    assert shown.status == 0
    assert command in asr_here("lm", "--help").out
