"""Evaluation: the truth is the normalised reference, whatever the model can write."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from asr.audio.io import AudioSource
from asr.data.manifest import Utterance
from asr.errors import AudioError
from asr.recognize import evaluate
from asr.recognize.evaluate import recognize
from asr.recognize.recognizer import Recognizer
from asr.recognize.scoring import report
from asr.text.error_rate import ErrorCounts, word_errors
from asr.text.normalize import normalize
from tests.helpers.bundles import random_recognizer
from tests.helpers.tones import chirp

SAMPLES = chirp(100, 5_000, 3)
TEXTS = ["One  TWO", "größer\u00a0日本", "", "e\u0301te\u0301"]


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return random_recognizer()


@pytest.fixture
def utterances(tmp_path: Path) -> list[Utterance]:
    path = tmp_path / "all.wav"
    soundfile.write(path, SAMPLES, 16_000, subtype="FLOAT")
    return [
        Utterance(f"u{i}", AudioSource(path), 0.5 + 0.1 * i, text, start=0.5 * i, speaker=f"s{i % 2}")
        for i, text in enumerate(TEXTS)
    ]


def test_references_are_normalised_and_never_pass_the_vocabulary(
    recognizer: Recognizer, utterances: list[Utterance]
) -> None:
    scored = recognize(recognizer, utterances)
    assert [item.reference for item in scored] == ["one two", "größer 日本", "", "\u00e9t\u00e9"]
    assert recognizer.bundle.tokenizer.unknown("日本")
    assert scored[1].words.reference == 2
    assert scored[1].words.errors >= 1, "what the model cannot write counts as an error"


def test_each_utterance_gets_its_own_stretch(recognizer: Recognizer, utterances: list[Utterance]) -> None:
    for item, utterance in zip(recognize(recognizer, utterances), utterances, strict=True):
        first = round(utterance.start * 16_000)
        stretch = SAMPLES[first : first + round(utterance.duration * 16_000)]
        assert item.hypothesis == recognizer.transcribe_samples(stretch).text
        assert (item.id, item.speaker, item.duration) == (
            utterance.id,
            utterance.speaker,
            utterance.duration,
        )
        assert item.words == word_errors(normalize(utterance.text), item.hypothesis)


def test_corpus_counts_are_the_summed_counts(recognizer: Recognizer, utterances: list[Utterance]) -> None:
    scored = recognize(recognizer, utterances)
    assert report(scored).words == sum((item.words for item in scored), ErrorCounts.zero())
    assert report(scored).words.reference == 5


@pytest.mark.parametrize("at_once", [1, 3, 64])
def test_company_changes_nothing_and_all_are_counted(
    recognizer: Recognizer, utterances: list[Utterance], at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = recognize(recognizer, utterances)
    counts: list[int] = []
    monkeypatch.setattr(evaluate, "UTTERANCES_AT_ONCE", at_once)
    assert recognize(recognizer, utterances, counts.append) == expected
    assert recognize(recognizer, utterances[::-1]) == expected[::-1]
    assert sum(counts) == len(utterances)


def test_the_normaliser_is_the_models(utterances: list[Utterance]) -> None:
    recognizer = random_recognizer(normalizer="upper", texts=("ONE TWO",))
    assert recognize(recognizer, utterances)[0].reference == "ONE TWO"


def test_an_unreadable_recording_is_an_error_not_a_lower_count(
    recognizer: Recognizer, utterances: list[Utterance], tmp_path: Path
) -> None:
    missing = Utterance("x", AudioSource(tmp_path / "no.wav"), 1.0, "one")
    with pytest.raises(AudioError, match=r"no\.wav: no such file"):
        recognize(recognizer, [*utterances, missing])


def test_who_hears_phones_compares_phones(recognizer: Recognizer, utterances: list[Utterance]) -> None:
    phones = {"one two": "W-AH-N T-UW"}
    scored = recognize(recognizer, utterances, heard=lambda text: phones.get(text, text))
    assert scored[0].reference == "W-AH-N T-UW"
    assert scored[1].reference == "größer 日本"
