"""Long recordings: what is short stays as it is, what is long is heard piece by piece at constant memory."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from asr.audio import cutting as cutting_module
from asr.audio.cutting import Cutting, cut
from asr.audio.io import AudioSource, load_audio
from asr.recognize.long import AT_ONCE, joined, parts
from asr.recognize.recognizer import Recognizer, load
from asr.text.error_rate import word_errors
from asr.transcript import Transcript
from benchmarks.streams.material import endless, recordings
from tests.helpers.bundles import random_recognizer
from tests.helpers.recordings import encoded, saved
from tests.helpers.tones import chirp, noise

RATE = 16_000
CUTTING = Cutting(6)


@cache
def spoken(seconds: float, pause: float = 0.4) -> np.ndarray:
    """Something that goes up and down, with breath in it, and a pause every two seconds or so."""
    random, known, count = np.random.default_rng(0), [], 0
    while count < seconds * RATE:
        low, high = random.uniform(100, 4_000, 2)
        voice = chirp(low, high, random.uniform(1.5, 2.5))
        breath = 0.1 * random.standard_normal(len(voice)).astype(np.float32)
        known += [voice + breath, np.zeros(round(pause * RATE), np.float32)]
        count += len(known[-1]) + len(known[-2])
    samples = np.concatenate(known)[: round(seconds * RATE)]
    return samples + noise(seconds, amplitude=1e-3)[: len(samples)]


def blocks(samples: np.ndarray, size: int = 50_000) -> Iterator[np.ndarray]:
    for first in range(0, len(samples), size):
        yield samples[first : first + size]


def transcribed(recognizer: Recognizer, samples: np.ndarray, cutting: Cutting = CUTTING) -> Transcript:
    return joined(parts(recognizer, blocks(samples), cutting))


def test_a_segment_moved_is_the_same_later() -> None:
    (segment,) = random_recognizer().transcribe_samples(spoken(2)).segments
    moved = segment.later(10)
    assert (moved.text, moved.start, moved.end) == (segment.text, 10, 12)
    assert [word.start - 10 for word in moved.words] == pytest.approx([word.start for word in segment.words])


@settings(max_examples=40)
@given(
    st.integers(0, 6 * RATE),
    st.sampled_from(["corpus", "running", "utterance", "speech"]),
    st.sampled_from([2, 4]),
    st.booleans(),
)
def test_what_is_not_longer_than_a_segment_is_transcribed_as_ever(
    count: int, normalization: str, subsampling: int, bidirectional: bool
) -> None:
    recognizer = random_recognizer(
        normalization=normalization, subsampling=subsampling, bidirectional=bidirectional
    )
    samples = spoken(6)[:count]
    assert transcribed(recognizer, samples) == recognizer.transcribe_samples(samples)


@pytest.mark.parametrize("normalization", ["corpus", "utterance", "speech"])
@pytest.mark.parametrize("subsampling", [2, 4])
def test_pieces_get_the_words_that_their_samples_get_alone(normalization: str, subsampling: int) -> None:
    recognizer = random_recognizer(normalization=normalization, subsampling=subsampling)
    samples = spoken(200)
    pieces = list(cut(blocks(samples), recognizer.bundle.features, CUTTING, recognizer.window.stride))
    assert not any(piece.shared for piece in pieces)
    assert sum(len(piece.samples) for piece in pieces) / RATE > 1.5 * AT_ONCE
    transcript = transcribed(recognizer, samples)
    assert len(transcript.segments) == len(pieces) > 30
    for segment, piece in zip(transcript.segments, pieces, strict=True):
        (alone,) = recognizer.transcribe_samples(piece.samples).segments
        expected = alone.later(piece.start / RATE)
        assert (segment.text, segment.start, segment.end) == (
            expected.text,
            piece.start / RATE,
            piece.end / RATE,
        )
        assert [(word.start, word.end) for word in segment.words] == [
            (word.start, word.end) for word in expected.words
        ]


@pytest.mark.parametrize("longest", [6, 20])
def test_a_segment_begins_after_every_long_pause(longest: int) -> None:
    samples = spoken(60, pause=1.0)
    loud = np.flatnonzero(np.abs(samples) > 0.02) / RATE
    pauses = [(begin, end) for begin, end in pairwise(loud) if end - begin > 0.5]
    assert len(pauses) > 15
    segments = transcribed(random_recognizer(), samples, Cutting(longest)).segments
    assert len(segments) == len(pauses) + 1
    for (begin, end), (left, right) in zip(pauses, pairwise(segments), strict=True):
        assert begin < left.end == right.start < end


@settings(max_examples=8)
@example(20.0, 3.0, 2, 2.0, 50_000)
@given(
    st.one_of(st.floats(0, 6), st.floats(10, 30)),
    st.sampled_from([0.0, 0.4, 3.0]),
    st.sampled_from([2, 4]),
    st.sampled_from([2.0, np.inf]),
    st.integers(1_000, 200_000),
)
def test_segments_are_in_order_and_do_not_depend_on_blocks(
    seconds: float, pause: float, subsampling: int, silence: float, size: int
) -> None:
    recognizer = random_recognizer(subsampling=subsampling)
    samples, cutting = spoken(45, pause)[: round(seconds * RATE)], Cutting(6, silence)
    found = list(parts(recognizer, blocks(samples, size), cutting))
    transcript = joined(found)
    assert transcript == transcribed(recognizer, samples, cutting)
    assert transcript.duration == len(samples) / RATE
    assert [part.end for part in found] == sorted({part.end for part in found})
    edges = [edge for segment in transcript.segments for edge in (segment.start, segment.end)]
    times = [edge for word in transcript.words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert (np.diff([0, *times, transcript.duration]) >= -1e-9).all()
    skipped = sum(part.skipped for part in found)
    heard = sum(segment.end - segment.start for segment in transcript.segments)
    assert heard + skipped <= transcript.duration + 1e-9
    assert not skipped or (silence < pause and seconds > 8)
    assert skipped or silence > pause or seconds < 14


def test_a_file_is_cut_unless_that_is_not_wanted(tmp_path: Path) -> None:
    recognizer = random_recognizer()
    source = saved(tmp_path, encoded(spoken(40, 1.0)[::2], 8_000))
    samples = load_audio(source)
    transcript = recognizer.transcribe(source)
    assert transcript == transcribed(recognizer, samples, Cutting())
    assert len(transcript.segments) > 1
    whole = recognizer.transcribe_samples(samples)
    assert recognizer.transcribe(source, cutting=None) == whole != transcript
    assert recognizer.transcribe(source, nbest=2).text == whole.text
    assert recognizer.transcribe(source, cutting=Cutting(41)) == whole


def peak(recognizer: Recognizer, seconds: int) -> int:
    """Bytes that are allocated at most while noise and pauses are transcribed."""
    half = np.concatenate([noise(3), 1e-3 * noise(0.5), noise(26.5)])
    gc.collect()
    tracemalloc.start()
    words = 0
    for part in parts(recognizer, (half for _ in range(seconds // 30)), Cutting()):
        words += len(part.segments)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert words
    return most


def test_memory_does_not_grow_with_length() -> None:
    recognizer = random_recognizer(subsampling=4)
    peak(recognizer, 60)
    short, long = peak(recognizer, 600), peak(recognizer, 1_200)
    assert long < 1.05 * short < 100e6


@pytest.fixture(scope="module")
def an4(data_folder: Path) -> tuple[Recognizer, np.ndarray, str, int]:
    """A model, a recording joined of utterances, what is said, and how many errors they have alone."""
    recognizer = load("models/an4-bilstm", engine="torch")
    known = recordings(data_folder / "an4", recognizer.bundle)
    placed, samples = [], 0
    for one in endless(known, RATE):
        placed.append(one)
        samples += len(one.recording.samples) + len(one.pause)
        if samples > 100 * RATE:
            break
    joint = np.concatenate([part for one in placed for part in (one.recording.samples, one.pause)])
    texts = [one.recording.text for one in placed]
    heard = recognizer.transcribe_batch([one.recording.samples for one in placed])
    alone = sum(word_errors(text, one.text).errors for text, one in zip(texts, heard, strict=True))
    return recognizer, joint, " ".join(texts), alone


@pytest.mark.data
@pytest.mark.parametrize("shift", [0.0, 3.7])
@pytest.mark.parametrize("windows", [False, True])
def test_a_long_recording_is_heard_as_its_utterances_are_alone(
    an4: tuple[Recognizer, np.ndarray, str, int],
    shift: float,
    windows: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recognizer, samples, text, alone = an4
    if windows:
        monkeypatch.setattr(cutting_module, "SHORTEST_PAUSE", 1e9)
    samples = np.concatenate([1e-4 * noise(shift), samples])
    errors = word_errors(text, transcribed(recognizer, samples, Cutting(15)).text)
    assert errors.reference > 100
    assert errors.errors <= alone + 0.05 * errors.reference
    assert abs(errors.insertions - errors.deletions) <= 5


@pytest.mark.data
def test_a_real_recording_from_a_file(data_folder: Path, tmp_path: Path) -> None:
    recognizer = load("models/an4-bilstm", engine="torch")
    known = recordings(data_folder / "an4", recognizer.bundle)[:3]
    for one in known:
        source = AudioSource(saved(tmp_path, encoded(one.samples, subtype="FLOAT")).path)
        assert recognizer.transcribe(source) == recognizer.transcribe_samples(one.samples)
