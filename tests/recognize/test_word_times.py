"""Words of a stream that is never cut: their times are those of the recording, and memory stays bounded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.audio import activity
from asr.audio.mel import framing
from asr.config import DecodingConfig, FeatureConfig
from asr.decode.pauses import fit_to_levels
from asr.recognize import word_times
from asr.recognize.streaming import StreamingRecognizer
from asr.recognize.word_times import WordTimes
from asr.transcript import Segment, Word
from tests.helpers.streams import assert_same, listen, recognizer_of, signal, streaming_model

FRAMES = framing(FeatureConfig())
RATE = 16_000


@pytest.fixture(autouse=True)
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes half a minute takes two seconds here."""
    for module in (activity, word_times):
        monkeypatch.setattr(module, "PART", 200)


def levels_of(seed: int, frames: int) -> np.ndarray:
    """Levels that stay loud or quiet for some frames."""
    random = np.random.default_rng(seed)
    runs = np.repeat(random.choice([0.0, 0.2, 1.0, 3.0], frames), random.integers(1, 40, frames))[:frames]
    return runs + random.normal(0, 0.05, frames) + np.linspace(0, random.choice([0.0, 5.0]), frames)


def words_of(seed: int, seconds: float) -> tuple[Word, ...]:
    random = np.random.default_rng(seed)
    edges = np.sort(random.uniform(0, seconds, 2 * random.integers(0, 30))).reshape(-1, 2)
    return tuple(Word(f"w{n}", start, end, 1.0) for n, (start, end) in enumerate(edges.tolist()))


@settings(max_examples=100)
@given(st.integers(0, 2**32), st.integers(0, 2_000), st.lists(st.integers(0, 300), min_size=1), st.data())
def test_words_get_the_times_that_they_have_in_the_recording(seed, frames, sizes, data) -> None:
    levels, seconds = levels_of(seed, frames), (frames + 2) / 100
    words = words_of(seed, seconds)
    whole = fit_to_levels(Segment(words, "", 0.0, seconds), levels, FRAMES, RATE)
    times, first, given_words = WordTimes(), 0, 0
    for size in [*sizes * 20, frames]:
        times = times.heard(levels[first : first + size])
        first = min(first + size, frames)
        until = given_words + sum(word.end < first / 100 for word in words[given_words:])
        until = data.draw(st.integers(given_words, until))
        times = times.with_words(words[given_words:until])
        given_words = until
        since = words[given_words].start if given_words < len(words) else first / 100
        times = times.fitted(FRAMES, RATE, since)
        assert len(times.levels) < 400
    assert len(times.done) + len(times.waiting) == given_words
    times = times.with_words(words[given_words:])
    assert times.finish(FRAMES, RATE, seconds) == whole.words


def test_times_become_final_as_the_stream_goes_on() -> None:
    levels, words = levels_of(3, 4_000), words_of(3, 40.0)
    times = WordTimes().heard(levels).with_words(words).fitted(FRAMES, RATE, 40.0)
    assert len(times.waiting) <= 3 < len(times.done)
    assert len(times.quiet) < 10


@pytest.mark.parametrize("decoding", [None, DecodingConfig(beam_size=4, commit_frames=60)])
@pytest.mark.parametrize("quiet", [0.0, 30.0], ids=["words", "silence"])
def test_an_endless_stream_needs_no_more_memory_but_for_its_words(decoding, quiet) -> None:
    recognizer = recognizer_of(streaming_model(quiet=quiet), decoding)
    streaming, session = StreamingRecognizer(recognizer, block_frames=50), None
    session = streaming.start()
    samples, sizes = signal(30, RATE), []
    for first in range(0, len(samples), RATE):
        session.push(samples[first : first + RATE])
        segment = session.state.segment
        assert segment is not None
        words = len(segment.settled) + 200 * (len(segment.times.done) + len(segment.times.waiting))
        sizes.append(len(session.save()) - 2 * words)
    assert max(sizes[-10:]) < 1.3 * max(sizes[5:15])
    assert_same(session.finish(), recognizer.transcribe_samples(samples))


def test_half_a_minute_is_judged_as_one_recording() -> None:
    recognizer = recognizer_of(streaming_model())
    samples = signal(7, RATE, 5)
    transcript = listen(StreamingRecognizer(recognizer).start(), samples, [1_000])
    assert_same(transcript, recognizer.transcribe_samples(samples))
