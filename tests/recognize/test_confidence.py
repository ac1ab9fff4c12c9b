"""Calibrating a recogniser: which words are right, and what becomes of confidences."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asr.decode.calibration import Calibration
from asr.errors import ManifestError
from asr.recognize.confidence import UNCALIBRATED, calibrate, judge, judged_words, probabilities, uncalibrated
from asr.recognize.recognizer import Recognizer
from asr.transcript import Word
from tests.helpers.bundles import random_recognizer
from tests.helpers.corpora import PITCHES, write_split
from tests.helpers.tones import chirp

SOUND = chirp(100, 5_000, 2)


def words(*texts: str) -> list[Word]:
    return [Word(text, 0.0, 0.0, 0.5) for text in texts]


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return random_recognizer(texts=tuple(PITCHES), kind="words")


@pytest.mark.parametrize(
    ("reference", "said", "right"),
    [
        ("one two three", ["one", "two", "three"], [True, True, True]),
        ("one two three", ["one", "too", "three"], [True, False, True]),
        ("one three", ["one", "two", "three"], [True, False, True]),
        ("one two three", ["one", "three"], [True, True]),
        ("", ["one"], [False]),
        ("one", [], []),
        ("turn the light on now", ["turn the light on", "no"], [True, False]),  # a phrase as one word
        ("turn the lights on now", ["turn the light on", "now"], [False, True]),
    ],
)
def test_a_word_is_right_opposite_the_same_word(reference: str, said: list[str], right: list[bool]) -> None:
    assert judge(reference, words(*said)) == right


def test_a_calibration_changes_confidences_as_it_says_and_nothing_else(recognizer: Recognizer) -> None:
    calibration = Calibration(-0.5, 0.7)
    plain = recognizer.with_calibration(UNCALIBRATED).transcribe_samples(SOUND)
    changed = recognizer.with_calibration(calibration).transcribe_samples(SOUND)
    assert len(plain.words) > 3
    for before, after in zip(plain.words, changed.words, strict=True):
        assert after == replace(before, confidence=after.confidence)
        assert after.confidence == pytest.approx(calibration.confidence(np.log(before.confidence)), rel=1e-6)
    assert recognizer.bundle.calibration is None


def test_a_bundle_with_a_calibration_is_calibrated(recognizer: Recognizer) -> None:
    calibration = Calibration(-2.0, 0.1)
    bundle = replace(recognizer.bundle, calibration=calibration)
    expected = recognizer.with_calibration(calibration).transcribe_samples(SOUND)
    assert Recognizer(bundle, recognizer.engine).transcribe_samples(SOUND) == expected
    assert expected != recognizer.transcribe_samples(SOUND)


def test_a_model_that_knows_nothing_learns_not_to_be_sure(recognizer: Recognizer, tmp_path: Path) -> None:
    utterances = write_split(tmp_path, "dev", ["do re mi", "mi fa", "re re do"])
    done: list[int] = []
    judged = judged_words(recognizer, utterances, done.append)
    assert sum(done) == 3
    assert {item.speaker for item in judged} <= {"ann", "bob", "cem"}
    calibration = calibrate(recognizer, utterances)
    calibrated = judged_words(recognizer.with_calibration(calibration), utterances)
    share = np.mean([item.correct for item in calibrated])
    assert share < 0.6
    assert np.mean([item.word.confidence for item in calibrated]) == pytest.approx(share, abs=0.1)
    assert calibrate(recognizer.with_calibration(calibration), utterances) == calibration
    log_probs, right = probabilities(judged_words(uncalibrated(recognizer), utterances))
    assert right == [item.correct for item in judged]
    assert max(log_probs) <= 0


def test_without_words_there_is_nothing_to_calibrate_with(recognizer: Recognizer) -> None:
    with pytest.raises(ManifestError, match="no word was recognised"):
        calibrate(recognizer, [])
