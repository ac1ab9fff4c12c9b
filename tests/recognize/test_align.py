"""Recordings with known texts: spelling, times, what fits badly, what is refused; and real speech."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.audio.io import load_audio
from asr.data.manifest import Utterance, read_manifest
from asr.errors import AudioError, TextError
from asr.recognize.align import AlignedText, align_recording, align_samples
from asr.recognize.recognizer import Recognizer, load
from asr.text.normalize import normalize
from tests.helpers.bundles import random_recognizer
from tests.helpers.tones import chirp, noise

MODEL = Path(__file__).parents[2] / "models" / "an4-bilstm"
SOUND = noise(3) + chirp(100, 5_000, 3)


def aligned(recognizer: Recognizer, text: str, samples: np.ndarray = SOUND) -> AlignedText:
    (result,) = align_samples(recognizer, [samples], [text])
    if isinstance(result, TextError):
        raise result
    return result


def words_of(result: AlignedText) -> list[str]:
    return [word.text for word in result.transcript.words]


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return random_recognizer(normalizer="lower_words", texts=("one two three", "e g it's new-york ß"))


@pytest.fixture(scope="module")
def whole_words() -> Recognizer:
    return random_recognizer(kind="words")


def test_words_are_shown_as_the_user_writes_them(recognizer: Recognizer) -> None:
    result = aligned(recognizer, "\ufeffOne,\n  TWO — (three)! It’s New-York…")
    assert words_of(result) == ["One,", "TWO", "(three)!", "It’s", "New-York…"]
    assert result.transcript.text == "One, TWO (three)! It’s New-York…"
    assert "".join(token.text for token in result.tokens) == "one▁two▁three▁it's▁new-york"
    assert len(result.matches) == 5


def test_a_word_that_becomes_two_is_shown_as_these(recognizer: Recognizer) -> None:
    assert words_of(aligned(recognizer, "ONE, e.g. Two")) == ["ONE,", "e", "g", "Two"]


def test_where_spaces_do_not_divide_words_the_model_decides(whole_words: Recognizer) -> None:
    recognizer = random_recognizer(texts=("日本 語",), normalizer="verbatim")
    assert words_of(aligned(recognizer, "日本 語日")) == ["日本", "語日"]
    assert [token.text for token in aligned(whole_words, "Two SIX").tokens] == ["two", "six"]


def test_tokens_lie_inside_their_words(recognizer: Recognizer) -> None:
    result = aligned(recognizer, "one two")
    first, second = result.transcript.words
    assert first.start <= result.tokens[0].start < result.tokens[2].end <= first.end
    assert first.end <= second.start <= result.tokens[4].start < result.tokens[-1].end <= second.end


def test_a_text_that_the_model_would_write_itself_matches_perfectly(whole_words: Recognizer) -> None:
    transcript = whole_words.transcribe_samples(SOUND)
    result = aligned(whole_words, transcript.text)
    assert len(transcript.words) > 5
    assert result.transcript == transcript
    assert set(result.matches) == {0.0}
    assert result.doubtful == ()


@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from(["one", "two two", "none"]), st.floats(0.1, 2)), max_size=4))
def test_each_recording_is_aligned_as_if_it_were_alone(
    whole_words: Recognizer, cases: list[tuple[str, float]]
) -> None:
    recordings = [SOUND[: round(seconds * 16_000)] for _, seconds in cases]
    together = align_samples(whole_words, recordings, [text for text, _ in cases])
    for (text, _), samples, result in zip(cases, recordings, together, strict=True):
        (alone,) = align_samples(whole_words, [samples], [text])
        if isinstance(alone, TextError):
            assert str(alone) == str(result)
        else:
            assert isinstance(result, AlignedText)
            assert result.transcript.words[0].start == alone.transcript.words[0].start
            assert result.matches == pytest.approx(alone.matches, abs=1e-4)


@pytest.mark.parametrize(
    ("text", "seconds", "message"),
    [
        ("", 1, "the text is empty once the normaliser lower_words is applied"),
        ("…!", 1, "the text is empty once"),
        ("one Ünd quux", 1, "cannot write 'ü' (U+00FC), 'd' (U+0064), 'q' (U+0071), 'u' (U+0075)"),
        (
            "one two " * 20,
            0.5,
            "too long for the recording: 159 tokens need 159 emission frames, and its 0.50 s",
        ),
        ("three", 0.05, "need 6 emission frames, and its 0.05 s have"),
        ("one", 0.001, "its 0.00 s have 0; check"),
    ],
)
def test_texts_that_cannot_be_aligned(
    recognizer: Recognizer, text: str, seconds: float, message: str
) -> None:
    with pytest.raises(TextError) as caught:
        aligned(recognizer, text, SOUND[: round(seconds * 16_000)])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_and_channels(recognizer: Recognizer, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([noise(3), SOUND], axis=1), 16_000, subtype="FLOAT")
    result = align_recording(recognizer, tmp_path / "a.wav", "One two", channel=1)
    assert result == aligned(recognizer, "One two")
    with pytest.raises(TextError, match="cannot write"):
        align_recording(recognizer, str(tmp_path / "a.wav"), "xxx")
    with pytest.raises(AudioError, match="no such file"):
        align_recording(recognizer, tmp_path / "b.wav", "one")


@pytest.fixture(scope="module")
def an4() -> Recognizer:
    return load(MODEL)


def real_speech(folder: Path, count: int) -> tuple[list[Utterance], list[np.ndarray]]:
    utterances = read_manifest(folder / "an4" / "test" / "manifest.jsonl")[:: 130 // count][:count]
    return utterances, [load_audio(utterance.audio) for utterance in utterances]


@pytest.mark.data
def test_real_words_are_found_and_wrong_ones_noticed(an4: Recognizer, data_folder: Path) -> None:
    utterances, recordings = real_speech(data_folder, 24)
    texts = [utterance.text.split() for utterance in utterances]
    known = sorted({word for text in texts for word in text})
    places, wrong = [], []
    for number, text in enumerate(texts):
        choice = random.Random(number)
        place = choice.randrange(len(text))
        other = choice.choice([word for word in known if len(word) > 2 and word != text[place]])
        places.append(place)
        wrong.append([*text[:place], other, *text[place + 1 :]])
    right = align_samples(an4, recordings, [" ".join(text) for text in texts])
    changed = align_samples(an4, recordings, [" ".join(text) for text in wrong])
    noticed = doubted = 0
    for result, other, text, place, samples in zip(right, changed, texts, places, recordings, strict=True):
        assert isinstance(result, AlignedText)
        assert isinstance(other, AlignedText)
        assert words_of(result) == text
        edges = [edge for word in result.transcript.words for edge in (word.start, word.end)]
        assert edges == sorted(edges)
        assert 0 <= edges[0] < edges[-1] <= len(samples) / 16_000
        doubted += len(result.doubtful)
        noticed += other.transcript.words[place] in other.doubtful
    said = sum(map(len, texts))
    sys.stdout.write(
        f"noticed {noticed} of {len(texts)} wrong words; doubted {doubted} of {said} right ones\n"
    )
    assert noticed >= 0.8 * len(texts)
    assert doubted <= 0.1 * said


@pytest.mark.data
def test_where_greedy_decoding_is_right_the_words_are_where_it_heard_them(
    an4: Recognizer, data_folder: Path
) -> None:
    utterances, recordings = real_speech(data_folder, 8)
    compared = 0
    for utterance, samples in zip(utterances, recordings, strict=True):
        transcript = an4.transcribe_samples(samples)
        if transcript.text == normalize(utterance.text):
            result = aligned(an4, utterance.text, samples)
            for ours, heard in zip(result.transcript.words, transcript.words, strict=True):
                assert (ours.start, ours.end) == pytest.approx((heard.start, heard.end), abs=0.041)
            compared += 1
    assert compared >= 3
