"""A bidirectional model in chunks, and two passes: what docs/streaming.md guarantees of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.bundle import Bundle
from asr.decode.calibration import Calibration
from asr.errors import StreamError
from asr.recognize.endpoint import Endpointing
from asr.recognize.recognizer import Recognizer
from asr.recognize.streaming import StreamingRecognizer
from asr.recognize.torch_engine import TorchEngine
from tests.helpers.bundles import random_model
from tests.helpers.streams import (
    SIZES,
    assert_same,
    assert_same_words,
    listen,
    moved,
    recognizer_of,
    signal,
    streaming_model,
)

BOTH_WAYS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "cell": st.sampled_from(["lstm", "gru", "rnn"]),
        "norm": st.sampled_from(["layer", "batch", "none"]),
        "normalization": st.sampled_from(["corpus", "running"]),
        "subsampling": st.sampled_from([2, 4]),
        "layers": st.integers(1, 2),
        "seed": st.integers(0, 9),
    }
)


def in_chunks(bundle: Bundle, chunk: int, context: int) -> Recognizer:
    return Recognizer(bundle, TorchEngine.from_bundle(bundle, chunks=(chunk, context)))


@settings(max_examples=15)
@given(BOTH_WAYS, st.integers(1, 20), st.integers(0, 20), SIZES, st.integers(0, 9))
def test_chunks_do_not_depend_on_how_samples_come_in(changes, chunk, context, sizes, seed):
    recognizer = in_chunks(random_model(bidirectional=True, **changes), chunk, context)
    samples = signal(1.0, 16_000, seed)
    transcript = listen(StreamingRecognizer(recognizer).start(), samples, sizes)
    assert_same(transcript, recognizer.transcribe_samples(samples))


@settings(max_examples=15)
@given(
    BOTH_WAYS, st.integers(1, 20), st.integers(0, 20), SIZES, st.integers(0, 99), st.sampled_from([0.0, 3.0])
)
def test_segments_are_recordings_in_chunks_too(changes, chunk, context, sizes, seed, quiet):
    bundle = random_model(bidirectional=True, **changes)
    bias = bundle.weights["head.bias"] + np.array([quiet, *[0] * (len(bundle.vocabulary) - 1)], np.float32)
    recognizer = in_chunks(replace(bundle, weights={**bundle.weights, "head.bias": bias}), chunk, context)
    ends = Endpointing(nothing_heard=0.4, after_words=0.2, longest=1.5)
    samples = signal(3, 16_000, seed)
    segments = listen(StreamingRecognizer(recognizer, endpointing=ends).start(), samples, sizes).segments
    for segment in segments:
        if not segment.text:  # it stands for all segments of a stream, in none of which anything was said
            assert len(segments) == 1
            continue
        begin, end = round(segment.start * 16_000), round(segment.end * 16_000)
        alone = recognizer.transcribe_samples(samples[begin:end]).segments[0]
        assert segment.text == alone.text
        assert_same_words(segment.words, moved(alone, segment.start), 1e-9)


@settings(max_examples=15)
@given(BOTH_WAYS, st.integers(1, 99), st.integers(0, 9))
def test_a_short_recording_is_that_of_the_whole_model(changes, chunk, seed):
    bundle = random_model(bidirectional=True, **changes)
    whole = TorchEngine.from_bundle(bundle)
    features = np.random.default_rng(seed).standard_normal((1, 120, bundle.features.mels)).astype(np.float32)
    lengths = np.array([120])
    frames = int(whole.window.output_length(lengths)[0])
    chunk = min(chunk, frames)
    expected = whole.run(features, lengths).log_probs
    alike = TorchEngine.from_bundle(bundle, chunks=(chunk, frames - chunk)).run(features, lengths)
    assert np.abs(alike.log_probs - expected).max() < 1e-5 * np.abs(expected).max()
    other = TorchEngine.from_bundle(bundle, chunks=(1, 0)).run(features, lengths)
    assert np.abs(other.log_probs - expected).max() > 1e-3


def test_a_longer_context_is_nearer_to_the_whole_model():
    bundle = random_model(bidirectional=True, layers=2)
    features = np.random.default_rng(0).standard_normal((1, 400, bundle.features.mels)).astype(np.float32)
    lengths = np.array([400])
    expected = TorchEngine.from_bundle(bundle).run(features, lengths).log_probs
    engines = [TorchEngine.from_bundle(bundle, chunks=(10, context)) for context in (0, 8, 20, 60)]
    away = [np.abs(engine.run(features, lengths).log_probs - expected).mean() for engine in engines]
    assert all(one > 2 * other for one, other in pairwise(away))


def test_the_latency_counts_chunk_and_context():
    bundle = random_model(bidirectional=True, normalization="running", subsampling=2)
    latency = StreamingRecognizer(in_chunks(bundle, 32, 16)).latency_parts()
    assert latency.lookahead == pytest.approx(47 * 0.02)
    engine = TorchEngine.from_bundle(bundle, chunks=(32, 16))
    blocks = [np.zeros((frames, bundle.features.mels), np.float32) for frames in (97, 98, 161, 162)]
    given = [len(engine.step([engine.start()], [block])[0][0]) for block in blocks]
    assert given == [0, 32, 32, 64]


def test_what_belongs_to_other_chunks_is_not_used():
    bundle = random_model(bidirectional=True, normalization="running")
    calibrated = replace(bundle, calibrations={"best path": Calibration(1.0, 2.0)})
    assert Recognizer(calibrated, TorchEngine.from_bundle(calibrated)).calibration is not None
    assert in_chunks(calibrated, 10, 5).calibration is None
    session = StreamingRecognizer(in_chunks(bundle, 10, 5)).start()
    session.push(signal(1, 16_000))
    assert StreamingRecognizer(in_chunks(bundle, 10, 5)).load(session.save()).seconds == 1
    with pytest.raises(StreamError, match="another decoding"):
        StreamingRecognizer(in_chunks(bundle, 12, 5)).load(session.save())


def test_only_bidirectional_models_listen_in_chunks():
    with pytest.raises(StreamError, match="without chunks"):
        in_chunks(streaming_model(), 10, 5)


@settings(max_examples=10)
@given(BOTH_WAYS, SIZES, st.integers(0, 99), st.sampled_from([0.0, 3.0]))
def test_the_second_pass_reads_every_segment_as_a_recording(changes, sizes, seed, quiet):
    first = recognizer_of(streaming_model(quiet=quiet, normalization="running", seed=seed % 9))
    final = recognizer_of(random_model(bidirectional=True, **{**changes, "normalization": "utterance"}))
    ends = Endpointing(nothing_heard=0.4, after_words=0.2, longest=1.5)
    session = StreamingRecognizer(first, endpointing=ends, final=final).start()
    samples = signal(4, 16_000, seed)
    transcript = listen(session, samples, sizes)
    assert transcript.text
    for segment in transcript.segments:
        begin, end = round(segment.start * 16_000), round(segment.end * 16_000)
        alone = final.transcribe_samples(samples[begin:end]).segments[0]
        assert segment.text == alone.text
        assert_same_words(segment.words, moved(alone, segment.start), 1e-9)


def test_a_second_pass_that_cannot_be_is_refused():
    first, final = recognizer_of(streaming_model()), recognizer_of(random_model(bidirectional=True))
    with pytest.raises(StreamError, match="endpoints"):
        StreamingRecognizer(first, final=final)
    other = recognizer_of(random_model(bidirectional=True, sample_rate=8_000, window=200, hop=80, fft=256))
    with pytest.raises(StreamError, match="one rate"):
        StreamingRecognizer(first, endpointing=Endpointing(), final=other)
