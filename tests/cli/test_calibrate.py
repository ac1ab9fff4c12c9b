"""``asr calibrate``: a model folder learns how sure it may be, for one way of decoding after the other."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from asr.bundle import load_bundle
from asr.config import DecodingConfig
from asr.data.manifest import read_manifest
from asr.recognize.confidence import judged_words
from asr.recognize.language import Language
from asr.recognize.recognizer import load
from tests.helpers.bundles import random_bundle
from tests.helpers.console import Shown, asr_here, one_line
from tests.helpers.corpora import PITCHES, write_split
from tests.helpers.language import small_lm

NOTE = "the confidences of words are not calibrated for these options; asr calibrate does it\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    random_bundle(folder / "model", texts=tuple(PITCHES))
    small_lm(folder / "lm.arpa", ["do re mi", "fa do", "mi mi re"])
    write_split(folder, "dev", ["do re mi", "mi fa", "re re do"])
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "place"))


def calibrate(place: Path, *options: object) -> Shown:
    return asr_here("calibrate", place / "dev" / "manifest.jsonl", "--model", place / "model", *options)


def transcribe(place: Path, *options: object) -> Shown:
    recording = place / "dev" / "dev-00.flac"
    return asr_here("transcribe", recording, "--model", place / "model", "-f", "json", *options)


def confidences(shown: Shown) -> list[float]:
    segments = json.loads(shown.out)["segments"]
    return [word["probability"] for segment in segments for word in segment["words"]]


def test_what_is_transcribed_afterwards_is_calibrated(place: Path) -> None:
    before = transcribe(place)
    judged = judged_words(load(place / "model"), read_manifest(place / "dev" / "manifest.jsonl"))
    shown = calibrate(place)
    assert shown.status == 0, shown.err
    assert shown.out.startswith(f"{len(judged.correct)} words, {100 * judged.correct.mean():.1f} % right; ")
    assert "fitted on half of the speakers and tried on the others\n" in shown.out
    assert "calibrated for best path: " in shown.err
    assert load_bundle(place / "model").calibrations == {"best path": judged.fit()}
    after = transcribe(place)
    assert json.loads(after.out)["text"] == json.loads(before.out)["text"]
    assert confidences(after) != confidences(before)
    assert before.err == after.err == ""


def test_every_way_of_decoding_has_its_own(place: Path) -> None:
    lm = ("--lm", place / "lm.arpa", "--beam-size", 10)
    plain = {way: confidences(transcribe(place, *way)) for way in ((), lm)}
    assert calibrate(place).status == 0
    other = transcribe(place, *lm)
    assert other.err == NOTE
    assert confidences(other) == plain[lm]
    greedy = confidences(transcribe(place))
    assert calibrate(place, *lm).status == 0
    known = load_bundle(place / "model").calibrations
    assert len(known) == 2
    fitted = transcribe(place, *lm)
    assert fitted.err == ""
    assert confidences(fitted) != plain[lm]
    assert confidences(transcribe(place)) == greedy != plain[()]
    assert transcribe(place, *lm, "--alpha", 0.25).err == NOTE
    assert NOTE not in transcribe(place, *lm, "--alpha", 0.25, "-f", "txt").err


def test_the_model_that_a_folder_carries_is_calibrated_with(place: Path) -> None:
    assert asr_here("lm", "attach", place / "lm.arpa", "--model", place / "model").status == 0
    assert calibrate(place).status == 0
    assert load(place / "model").calibration is not None
    assert transcribe(place, "--beam-size", 0).err == NOTE
    assert asr_here("lm", "detach", "--model", place / "model").status == 0
    assert transcribe(place).err == NOTE
    shown = asr_here("lm", "attach", place / "lm.arpa", "--model", place / "model")
    assert shown.err.endswith("the confidences of words are calibrated for this\n")
    assert load(place / "model").calibration is not None


def test_one_speaker_is_no_test(place: Path) -> None:
    manifest = place / "dev" / "manifest.jsonl"
    manifest.write_text(manifest.read_text().splitlines()[0] + "\n")
    assert "recordings of several named speakers would tell" in calibrate(place).out


def test_what_a_person_can_mend_is_one_line(place: Path) -> None:
    manifest = place / "dev" / "manifest.jsonl"
    manifest.write_text("")
    one_line(calibrate(place), "the manifest is empty")
    missing = asr_here("calibrate", manifest, "--model", place / "none")
    one_line(missing, "no such model folder")
    assert load_bundle(place / "model").calibrations == {}


def test_a_carried_model_that_knows_the_transcripts_is_calibrated_with_another(place: Path) -> None:
    other = small_lm(place / "other.arpa", ["do mi", "re fa re", "mi do"])
    numbers = {"alpha": 0.75, "beta": 0.5}
    model = ("--model", place / "model")
    assert asr_here("lm", "attach", place / "lm.arpa", *model, "--alpha", 0.75, "--beta", 0.5).status == 0
    assert calibrate(place, "--lm", other, "--carried").status == 0
    language = Language(lm=other, **numbers)
    listening = load(place / "model", decoding=DecodingConfig(), language=language)
    expected = judged_words(listening, read_manifest(place / "dev" / "manifest.jsonl")).fit()
    found = load(place / "model")
    assert load_bundle(place / "model").calibrations == {found.decoding: expected}
    assert found.calibration == expected
    assert calibrate(place, "--lm", other, "--carried", "--beam-size", 3).status == 0
    narrow = load(place / "model", decoding=DecodingConfig(beam_size=3), language=language)
    kept = load(place / "model", decoding=DecodingConfig(beam_size=3)).calibration
    assert kept == judged_words(narrow, read_manifest(place / "dev" / "manifest.jsonl")).fit()
    assert transcribe(place).err == ""


def test_what_stands_for_a_carried_model_has_to_be_named(place: Path) -> None:
    for lm, options in ((None, ("--lm", place / "lm.arpa")), (place / "lm.arpa", ())):
        if lm is not None:
            assert asr_here("lm", "attach", lm, "--model", place / "model").status == 0
        shown = calibrate(place, *options, "--carried")
        assert shown.status == 2
        assert shown.err.endswith(
            "Error: --carried: --lm names what stands for the language model in the folder\n"
        )
