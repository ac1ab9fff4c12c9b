"""The benchmark of streams: what it computes, on small models, and the figures that are promised."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from asr.bundle import save_bundle
from asr.config import ModelConfig
from asr.export.bundle import export
from asr.recognize.recognizer import Recognizer
from asr.recognize.streaming import StreamingRecognizer
from asr.recognize.torch_engine import TorchEngine
from asr.transcript import Word
from benchmarks.common import Timing
from benchmarks.streams import batches, blocks, hours
from benchmarks.streams.clients import Live, speak
from benchmarks.streams.delay import Since, follow
from benchmarks.streams.material import KINDS, Recording, endless, reference_bundle, speech
from benchmarks.streams.memory import sessions
from benchmarks.streams.queueing import cpu_seconds, in_time, running, summary
from benchmarks.word_times import Timed
from recipes.digits.generate import FLOOR
from tests.helpers.streams import signal, streaming_model

ROOT = Path(__file__).parents[2]
RATE = 16_000
QUIET = 0.01 * signal(0.3, RATE, 2)
KNOWN = [
    Recording(np.concatenate([signal(0.5, RATE, seed), QUIET]), text)
    for seed, text in enumerate(("one two", "four"))
]


def write_model(folder: Path) -> Path:
    save_bundle(export(streaming_model(normalization="running")), folder)
    return folder


def test_recordings_follow_each_other_with_pauses_between() -> None:
    for kind in KINDS:
        stream = endless(KNOWN, RATE, kind)
        placed = [next(stream) for _ in range(5)]
        assert [one.number for one in placed] == [0, 1, 0, 1, 0]
        for one, other in pairwise(placed):
            assert 0.5 * RATE - 2 <= len(one.pause) <= 2 * RATE + 2
            assert other.first == one.first + len(one.recording.samples) + len(one.pause)
        loudness = [np.abs(one.pause).max() for one in placed]
        assert max(loudness) < 0.1
        assert (min(loudness) > 0) == (kind != "zeros")
    assert len(speech(KNOWN, RATE, 3.0)) == 3 * RATE


def test_random_weights_mostly_hear_nothing_and_at_times_a_word() -> None:
    model = ModelConfig(layers=2, hidden=32, subsampling=4, channels=4, bidirectional=False)
    bundle = reference_bundle(streaming_model(), model)
    recognizer = Recognizer(bundle, TorchEngine.from_bundle(bundle))
    features = recognizer.features(signal(5, RATE))
    best = recognizer.engine.run(features[None], np.array([len(features)])).log_probs[0].argmax(1)
    assert (best == 0).mean() > 0.3
    assert set(best.tolist()) > {0}


def test_a_block_is_given_as_a_multiple_of_its_acoustic_step() -> None:
    timings = [Timing("acoustic step", (1.0, 2.0, 1.0)), Timing("greedy", (2.0, 3.0, 4.0))]
    found = {one.name: one for one in blocks.summary("model", timings, blocks=100)}
    assert found["acoustic step"].median == 10.0
    assert found["greedy"].median == 30.0
    assert (found["greedy, by step"].median, found["greedy, by step"].greatest) == (2.0, 4.0)


def test_all_blocks_are_heard_alone_and_together() -> None:
    bundle = streaming_model(normalization="running")
    recognizer = Recognizer(bundle, TorchEngine.from_bundle(bundle))
    samples = signal(1.0, RATE)
    streaming = StreamingRecognizer(recognizer)
    session = blocks.listen(streaming, samples, RATE)
    assert session.seconds == pytest.approx(1.0)
    heard = blocks.captions(blocks.listen(streaming, samples[: 6 * 2560], RATE))
    assert batches.together(streaming, samples, 3, 6)[0] == heard != ""
    assert len(blocks.normalized(recognizer, samples)) == 98
    blocks.steps(recognizer.engine, blocks.normalized(recognizer, samples))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells")
def test_sessions_take_memory(tmp_path: Path) -> None:
    process, _, allocated, stored = sessions(write_model(tmp_path / "model"), "onnx", signal(0.5, RATE), 3)
    assert process > 20e6
    assert 1e3 < allocated < 1e6
    assert 1e3 < stored < 1e6


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells")
def test_a_long_stream_hears_every_recording(tmp_path: Path) -> None:
    run = hours.listen(write_model(tmp_path / "model"), "onnx", KNOWN, 6.0, "background")
    assert run.seconds >= 6.0
    assert len(run.resident) == len(run.stored) == 3
    assert [place.number for place in run.places] == [number % 2 for number in range(len(run.places))]
    assert run.places[-1].end <= run.seconds


def test_words_of_a_long_stream_belong_to_the_recording_they_lie_in() -> None:
    words = (("one", 0.1, 0.3), ("too", 0.4, 0.7), ("for", 1.4, 1.6), ("four", 1.8, 2.0))
    run = hours.Run(
        seconds=3.0,
        cpu=1.0,
        resident=(1.0, 1.0, 1.0),
        stored=(1.0, 1.0, 1.0),
        places=(hours.Place(0, 1.2), hours.Place(1, 3.0)),
        words=tuple(Word(text, start, end, 1.0) for text, start, end in words),
        cuts=(1.0, 2.9),
    )
    found = hours.seams(run, KNOWN, ["one two", "four"])
    assert (found.stream.errors, found.alone.errors, found.stream.reference) == (2, 0, 3)
    assert (found.recordings, found.different) == (2, 2)
    assert (found.first, found.last, found.inner) == (1, 1, 0)


def test_a_word_is_shown_once_it_stands_for_good() -> None:
    since = Since()
    for now, caption in enumerate(("", "one", "one for", "one four", "won four", "one four", "one four six")):
        since.see(caption, float(now))
    assert (since.words, since.times) == (["one", "four", "six"], [5.0, 5.0, 6.0])


def test_the_delay_of_a_word_is_counted_from_its_end() -> None:
    bundle = streaming_model()
    recognizer = Recognizer(bundle, TorchEngine.from_bundle(bundle))
    samples, random = signal(1.0, RATE), np.random.default_rng(0)
    session = StreamingRecognizer(recognizer).start()
    session.push(np.concatenate([samples, FLOOR * random.standard_normal(2 * RATE, np.float32)]))
    heard = (session.stable + session.tail).split()
    ends = tuple((0.01 * number, 0.01 * number + 0.01) for number in range(len(heard)))
    utterance = Timed(samples, " ".join(heard), ends)
    found = follow(StreamingRecognizer(recognizer), utterance, np.random.default_rng(0))
    assert found.spoken == len(found.shown) == len(heard) > 0
    assert all(0 < delay <= 3 for delay in found.shown)
    later = replace(utterance, words=tuple((begin, end + 0.5) for begin, end in ends))
    moved = follow(StreamingRecognizer(recognizer), later, np.random.default_rng(0))
    assert moved.shown == pytest.approx([delay - 0.5 for delay in found.shown])


def test_answers_must_come_in_time() -> None:
    assert in_time(Live((0.05,) * 19 + (0.5,) * 1, (0.0,), 0, 0))
    assert not in_time(Live((0.05,) * 18 + (0.5,) * 2, (0.0,), 0, 0))
    assert not in_time(Live((0.05,), (0.0,), 1, 0))
    assert not in_time(Live((), (), 0, 1))
    names = [one.name for one in summary("live", Live((), (), 3, 1), 0.5)]
    assert names[-2:] == ["unanswered pieces", "clients sent away"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells")
def test_live_clients_are_answered_by_a_server(tmp_path: Path) -> None:
    with running(write_model(tmp_path / "model"), "onnx", 2) as server:
        found = speak(server.address, signal(1.0, RATE), RATE, 2, 2.5)
        assert cpu_seconds(server.process) > 0
    assert (found.missing, found.refused) == (0, 0)
    assert len(found.answers) == len(found.late) == 2 * 5
    assert all(0 < seconds < 5 for seconds in found.answers)


@pytest.mark.data
@pytest.mark.slow
def test_a_session_takes_at_most_twice_its_acoustic_step(data_folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.streaming", "--only", "blocks", "--engines", "onnx"]
    path = tmp_path / "streaming.json"
    done = subprocess.run(
        [*command, "--data", data_folder, "--json", path],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    figures = {(one["task"], one["name"]): one["median"] for one in json.loads(path.read_text())["figures"]}
    assert figures["4x320, onnx", "greedy, 16 kHz, by step"] <= blocks.TIMES_THE_STEP
