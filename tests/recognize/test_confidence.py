"""Calibrating a recogniser: which words are right, what becomes of confidences, and in which decoding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asr.config import DecodingConfig
from asr.decode.calibration import Calibration, reliability
from asr.decode.fusion import Fusion
from asr.errors import ManifestError
from asr.recognize.confidence import JudgedWords, halves, judge, judged_words
from asr.recognize.language import SOUND_ALONE, Language, fusion_for
from asr.recognize.recognizer import Recognizer
from asr.text.units import WordSpan
from tests.helpers.bundles import random_recognizer
from tests.helpers.corpora import PITCHES, write_split
from tests.helpers.language import small_lm
from tests.helpers.tones import chirp

SOUND = chirp(100, 5_000, 2)
CALIBRATION = Calibration(-0.5, 0.7)
BEAM = DecodingConfig(beam_size=8)


def words(*texts: str) -> list[WordSpan]:
    return [WordSpan(text, 0, 0) for text in texts]


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


def calibrated(recognizer: Recognizer, *decoding: DecodingConfig | Fusion | None) -> Recognizer:
    """The recogniser, calibrated for the way that it decodes."""
    name = Recognizer(recognizer.bundle, recognizer.engine, *decoding).decoding
    bundle = replace(recognizer.bundle, calibrations={name: CALIBRATION})
    return Recognizer(bundle, recognizer.engine, *decoding)


def test_a_calibration_changes_confidences_as_it_says_and_nothing_else(recognizer: Recognizer) -> None:
    plain = recognizer.transcribe_samples(SOUND)
    changed = calibrated(recognizer).transcribe_samples(SOUND)
    assert len(plain.words) > 3
    for before, after in zip(plain.words, changed.words, strict=True):
        assert after == replace(before, confidence=after.confidence)
        product = before.confidence  # of one token a word, so it is the mean, too
        assert after.confidence == pytest.approx(CALIBRATION.confidence(np.log(product)), rel=1e-6)


def test_a_calibration_is_applied_to_the_decoding_that_it_was_fitted_to_and_no_other(tmp_path: Path) -> None:
    letters = random_recognizer()
    bundle, engine = letters.bundle, letters.engine
    weak, strong = (
        fusion_for(bundle, Language(lm=small_lm(tmp_path / "lm.arpa"), alpha=alpha)) for alpha in (0.5, 0.75)
    )
    ways = [(None, None), (BEAM, None), (DecodingConfig(beam_size=9), None), (BEAM, weak), (BEAM, strong)]
    for fitted in ways:
        known = calibrated(letters, *fitted).bundle
        found = [Recognizer(known, engine, *way).calibration for way in ways]
        assert found == [CALIBRATION if way == fitted else None for way in ways]
    plain, known = (
        Recognizer(one, engine, BEAM, weak) for one in (bundle, calibrated(letters, BEAM, weak).bundle)
    )
    before, after = (one.transcribe_samples(SOUND).words for one in (plain, known))
    assert [one.text for one in before] == [one.text for one in after]
    assert [one.confidence for one in before] != [one.confidence for one in after]
    assert fusion_for(bundle, SOUND_ALONE) is None


def test_judged_words_have_the_confidences_of_transcripts(recognizer: Recognizer, tmp_path: Path) -> None:
    utterances = write_split(tmp_path, "dev", ["do re mi", "mi fa", "re re do"])
    done: list[int] = []
    judged = judged_words(recognizer, utterances, done.append)
    assert sum(done) == 3
    assert set(judged.speakers) <= {"ann", "bob", "cem"}
    for one, calibration in ((recognizer, None), (calibrated(recognizer), CALIBRATION)):
        shown = [word.confidence for u in utterances for word in one.transcribe(u.audio).words]
        assert judged.confidences(calibration) == pytest.approx(shown, rel=1e-4)  # they ran in other batches
    assert judged_words(calibrated(recognizer), utterances).fit() == judged.fit()


def test_a_model_that_knows_nothing_learns_not_to_be_sure(recognizer: Recognizer, tmp_path: Path) -> None:
    judged = judged_words(recognizer, write_split(tmp_path, "dev", ["do re mi", "mi fa", "re re do"]))
    share = judged.correct.mean()
    assert share < 0.6
    assert judged.confidences(judged.fit()).mean() == pytest.approx(share, abs=0.1)


def drawn(speakers: int, each: int, calibration: Calibration) -> JudgedWords:
    """Words that this calibration is right for."""
    random = np.random.default_rng(0)
    log_probs = -random.exponential(1, speakers * each)
    right = random.random(speakers * each) < [calibration.confidence(value) for value in log_probs]
    names = np.repeat([f"speaker {number}" for number in range(speakers)], each)
    return JudgedWords(tuple((value / 2, value / 2) for value in log_probs.tolist()), right, names)


def test_words_of_some_speakers_are_calibrated_on_others() -> None:
    judged = drawn(5, 800, CALIBRATION)
    first, second = halves(judged.speakers)
    assert first == ("speaker 0", "speaker 2", "speaker 4")
    assert second == ("speaker 1", "speaker 3")
    confidences = judged.crosswise()
    theirs = judged.of(second)
    assert len(theirs.log_probs) == len(theirs.correct) == 1600
    own = np.isin(judged.speakers, second)
    assert np.array_equal(confidences[own], theirs.confidences(judged.of(first).fit()))
    assert np.array_equal(confidences[~own], judged.of(first).confidences(theirs.fit()))
    assert reliability(confidences, judged.correct).error < 0.04 < judged.error(None)


def test_one_speaker_alone_cannot_be_tried_on_others() -> None:
    assert drawn(1, 5, CALIBRATION).crosswise() is None


def test_without_words_there_is_nothing_to_calibrate_with(recognizer: Recognizer) -> None:
    judged = judged_words(recognizer, [])
    assert judged.crosswise() is None
    with pytest.raises(ManifestError, match="no word was recognised"):
        judged.fit()
