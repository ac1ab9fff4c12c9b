"""Streams as they are used: what is refused, what is stored, what they cost in time, and real recordings."""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import asr
from asr.audio.io import AudioSource, load_audio
from asr.config import DecodingConfig
from asr.decode.fusion import Fusion
from asr.errors import AsrError, StreamError
from asr.recognize.endpoint import Endpointing
from asr.recognize.recognizer import Recognizer
from asr.recognize.streaming import StreamingRecognizer
from asr.recognize.torch_engine import TorchEngine
from tests.helpers.bundles import random_model, random_recognizer
from tests.helpers.streams import (
    assert_same,
    assert_same_words,
    listen,
    moved,
    recognizer_of,
    signal,
    streaming_model,
)
from tests.helpers.tones import silence

BUNDLE = Path(__file__).parent.parent.parent / "models" / "an4-lstm-streaming"
SOUND = signal(2, 16_000)


@pytest.fixture(scope="module")
def streaming() -> StreamingRecognizer:
    return StreamingRecognizer(recognizer_of(streaming_model()))


def refused(function, *parts: str) -> None:
    with pytest.raises(StreamError) as caught:
        function()
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize("normalization", ["utterance", "speech"])
def test_models_that_cannot_stream_are_refused(normalization: str) -> None:
    refused(lambda: StreamingRecognizer(random_recognizer()), "random: a bidirectional model")
    utterance = random_model(bidirectional=False, normalization=normalization)
    recognizer = Recognizer(utterance, TorchEngine.from_bundle(utterance))
    refused(lambda: StreamingRecognizer(recognizer), "normalised by the whole utterance")
    refused(lambda: random_recognizer().engine.start(), "bidirectional")
    assert not random_recognizer().engine.streams


def test_blocks_and_rates_that_make_no_sense_are_refused(streaming: StreamingRecognizer) -> None:
    refused(lambda: StreamingRecognizer(streaming.recognizer, block_frames=0), "block_frames (0)")
    refused(lambda: streaming.start(0), "a sample rate of 0 Hz")


@pytest.mark.parametrize(
    "samples",
    [np.zeros((2, 3), np.float32), np.array([0.0, np.nan]), np.array([1, 2]), "text", np.array([np.inf])],
)
def test_what_is_no_sound_is_refused_and_changes_nothing(streaming: StreamingRecognizer, samples) -> None:
    one, other = streaming.start(), streaming.start()
    refused(lambda: streaming.push([one, other], [SOUND, samples]), "a stream takes")
    assert one.seconds == other.seconds == 0


def test_what_has_ended_is_over(streaming: StreamingRecognizer) -> None:
    session = streaming.start()
    session.push(SOUND)
    text = session.finish().text
    assert (session.stable, session.tail) == (text, "")
    for function in (session.finish, session.save, lambda: session.push(SOUND)):
        refused(function, "the stream has ended")


def test_streams_of_others_and_twins_are_refused(streaming: StreamingRecognizer) -> None:
    other = StreamingRecognizer(streaming.recognizer).start()
    refused(lambda: streaming.push([other], [SOUND]), "another recogniser")
    session = streaming.start()
    refused(lambda: streaming.push([session, session], [SOUND, SOUND]), "named twice")


def test_pcm16_is_taken_as_it_is(streaming: StreamingRecognizer) -> None:
    pcm = np.round(SOUND * 20_000).astype(np.int16)
    one, other = streaming.start(), streaming.start()
    assert listen(one, pcm, [3_000]) == listen(other, (pcm / 32_768).astype(np.float32), [999])


def test_the_array_that_was_pushed_may_be_used_again(streaming: StreamingRecognizer) -> None:
    buffer, session = np.zeros(1_000, np.float32), streaming.start()
    for first in range(0, len(SOUND), 1_000):
        buffer[:] = SOUND[first : first + 1_000]
        session.push(buffer)
        buffer[:] = np.nan
    assert_same(session.finish(), streaming.recognizer.transcribe_samples(SOUND))


@pytest.mark.parametrize("ends", [None, Endpointing()])
@pytest.mark.parametrize("count", [0, 100, 400])
def test_hardly_any_sound(ends: Endpointing | None, count: int) -> None:
    recognizer = recognizer_of(streaming_model(quiet=9.0, lookahead=2))
    session = StreamingRecognizer(recognizer, endpointing=ends).start()
    session.push(SOUND[:count])
    assert_same(session.finish(), recognizer.transcribe_samples(SOUND[:count]))


def test_silence_is_one_empty_segment() -> None:
    recognizer = recognizer_of(streaming_model(quiet=30.0))
    session = StreamingRecognizer(recognizer, endpointing=Endpointing()).start()
    transcript = listen(session, silence(8), [1_600])
    assert [(segment.text, segment.end) for segment in transcript.segments] == [("", 8.0)]


def test_segments_may_be_taken_out() -> None:
    recognizer = recognizer_of(streaming_model())
    streaming = StreamingRecognizer(recognizer, endpointing=Endpointing(longest=1.0))
    whole, session = streaming.start(), streaming.start()
    samples, taken = signal(6, 16_000), []
    for first in range(0, len(samples), 4_000):
        session.push(samples[first : first + 4_000])
        taken += session.take()
        assert session.segments == ()
    rest = session.finish()
    assert len(taken) > 3
    whole.push(samples)
    assert (*taken, *rest.segments) == whole.finish().segments


def test_latency_is_that_of_the_windows() -> None:
    model = streaming_model(lookahead=20)
    streaming = StreamingRecognizer(recognizer_of(model))
    parts = streaming.latency_parts(48_000)
    assert parts.resampler == pytest.approx(64 * 3 / 48_000)
    assert parts.frame == pytest.approx(199.5 / 16_000)
    assert (parts.convolutions, parts.lookahead, parts.block) == pytest.approx((0.03, 0.4, 0.16))
    assert parts.total == pytest.approx(sum([0.004, 0.01246875, 0.03, 0.4, 0.16]))
    assert streaming.latency == pytest.approx(parts.total - 0.004)
    assert str(parts) == "606 ms (resampler 4, frame 12, convolutions 30, lookahead 400, block 160)"


LATENCIES = [(0, 2, 16_000), (3, 4, 44_100), (7, 2, 8_000)]


@pytest.mark.parametrize(("lookahead", "subsampling", "rate"), LATENCIES)
def test_no_emission_comes_later_than_the_latency_says(lookahead, subsampling, rate) -> None:
    recognizer = recognizer_of(streaming_model(lookahead=lookahead, subsampling=subsampling))
    streaming = StreamingRecognizer(recognizer, block_frames=4)
    session, latest = streaming.start(rate), 0.0
    window = recognizer.window
    for _ in range(rate):
        session.push(np.zeros(rate // 1_000, np.float32))
        if session.seconds > 1.5:
            break
        assert session.state.segment is not None
        waiting = window.center(session.state.segment.emissions) / 16_000
        latest = max(latest, session.seconds - waiting)
    early = 0.01 * (subsampling + 1)  # blocks and emission frames begin together
    assert session.latency.total - early < latest <= session.latency.total


def test_a_stored_stream_fits_only_where_it_came_from(streaming: StreamingRecognizer) -> None:
    recognizer = streaming.recognizer
    session = streaming.start()
    session.push(SOUND)
    data = session.save()
    beam = Recognizer(recognizer.bundle, recognizer.engine, DecodingConfig())
    for other, part in (
        (StreamingRecognizer(recognizer_of(streaming_model(seed=1))), "another model"),
        (StreamingRecognizer(beam), "another decoding"),
        (StreamingRecognizer(recognizer, endpointing=Endpointing()), "another endpointing"),
        (StreamingRecognizer(recognizer, block_frames=8), "another block"),
    ):
        refused(lambda other=other: other.load(data), part, "go on with it where it came from")


def test_damaged_streams_are_refused(streaming: StreamingRecognizer) -> None:
    session = streaming.start()
    session.push(SOUND)
    data = session.save()
    random = np.random.default_rng(0)
    for place in random.integers(0, len(data), 200).tolist():
        broken = bytearray(data)
        broken[place] ^= 1 << int(random.integers(8))
        try:
            again = streaming.load(bytes(broken))
        except StreamError as error:
            assert "\n" not in str(error)
        else:  # a name in the header that nothing depends on
            assert again.save() == data
    for broken in (b"", b"text", data[:-1], data[:100], b"\xff" * 100, data + b"x"):
        refused(lambda broken=broken: streaming.load(broken), "damaged")


class Even:
    """A scorer to whom all words are equal."""

    reads = "words"

    def start(self) -> Hashable:
        return 0

    def knows(self, word: str) -> bool:
        return True

    def advance(self, states: Sequence[Hashable], words: Sequence[str]) -> tuple[np.ndarray, list[Hashable]]:
        return np.full(len(states), -1.0), [0] * len(states)

    def finish(self, states: Sequence[Hashable]) -> np.ndarray:
        return np.zeros(len(states))


def test_a_model_from_outside_can_stream_but_not_be_stored() -> None:
    bundle = streaming_model()
    fusion = Fusion(units=bundle.tokenizer.units, scorer=Even())  # type: ignore[arg-type]
    recognizer = Recognizer(bundle, TorchEngine.from_bundle(bundle), DecodingConfig(beam_size=4), fusion)
    streaming = StreamingRecognizer(recognizer)
    session = streaming.start()
    session.push(SOUND[:9_000])
    refused(session.save, "language model from outside", "cannot be stored")
    assert_same(listen(session, SOUND[9_000:], [500]), recognizer.transcribe_samples(SOUND))


@pytest.fixture(scope="module")
def an4(data_folder: Path) -> list[np.ndarray]:
    lines = (data_folder / "an4" / "test" / "manifest.jsonl").read_text(encoding="utf-8").splitlines()[:6]
    names = [json.loads(line)["audio_filepath"] for line in lines]
    folder = data_folder / "an4" / "test"
    return [load_audio(AudioSource(folder / name), sample_rate=16_000) for name in names]


@pytest.mark.data
@pytest.mark.parametrize("decoding", [None, DecodingConfig(beam_size=20)])
def test_real_recordings(an4: list[np.ndarray], decoding: DecodingConfig | None) -> None:
    recognizer = asr.load(BUNDLE, decoding=decoding)
    streaming = StreamingRecognizer(recognizer)
    for samples in an4:
        assert_same(
            listen(streaming.start(), samples, [777, 20, 3_000]), recognizer.transcribe_samples(samples)
        )


@pytest.mark.data
def test_no_word_is_lost_at_an_endpoint(an4: list[np.ndarray]) -> None:
    recognizer = asr.load(BUNDLE)
    faint = 0.0003 * np.random.default_rng(0).standard_normal(24_000).astype(np.float32)
    samples = np.concatenate([part for one in an4 for part in (one, faint)])
    session = StreamingRecognizer(recognizer, endpointing=Endpointing()).start()
    transcript = listen(session, samples, [1_600])
    assert len(transcript.segments) >= len(an4)
    for segment in transcript.segments:
        first, last = round(segment.start * 16_000), round(segment.end * 16_000)
        alone = recognizer.transcribe_samples(samples[first:last]).segments[0]
        assert segment.text == alone.text
        assert_same_words(segment.words, moved(alone, segment.start), 1e-9)
    spoken = sum(len(recognizer.transcribe_samples(one).words) for one in an4)
    assert abs(len(transcript.words) - spoken) <= 1


def test_errors_are_for_people() -> None:
    assert issubclass(StreamError, AsrError)
    assert replace(Endpointing(), longest=30.0).longest == 30
