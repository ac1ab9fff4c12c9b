"""What a block of 160 ms takes: a session from samples to captions, and its acoustic step alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.common import Figure, Timing, Work, figure, time_rounds  # isort: skip

import numpy as np
from numpy.typing import NDArray

from asr.audio.features import log_mel
from asr.audio.normalization import advance_running, normalize, start_running
from asr.audio.resample import resample
from asr.recognize.endpoint import Endpointing
from asr.recognize.engine import Engine
from asr.recognize.language import Language
from asr.recognize.recognizer import Recognizer, load
from asr.recognize.streaming import BLOCK_FRAMES, StreamingRecognizer, StreamingSession
from benchmarks.streams.material import Samples

ENGINES = ("torch", "onnx", "onnx-int8")
BLOCK = 0.16
"""Seconds."""
RATES = (16_000, 48_000)
TIMES_THE_STEP = 2.0
"""The whole path may take so many times as long as the acoustic step."""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What is measured.

    Attributes:
        name: Of the model.
        folder: Of the model, with graphs.
        engines: That run it.
        speech: Samples (n,) at its rate.
        language_model: A word 3-gram.
        rounds: How often.
    """

    name: str
    folder: Path
    engines: Sequence[str]
    speech: Samples
    language_model: Path
    rounds: int


def measure(task: Task) -> list[Figure]:
    """Times of one block and, as multiples of the acoustic step, of the ways from samples to captions."""
    figures: list[Figure] = []
    for engine in task.engines:
        recognizer = load(task.folder, engine=engine)
        rate = recognizer.bundle.features.sample_rate
        features = normalized(recognizer, task.speech)
        works = [Work("acoustic step", partial(steps, recognizer.engine, features))]
        for name, streaming in ways(task, engine, recognizer).items():
            for to in RATES:
                samples = task.speech if to == rate else resample(task.speech, rate, to)
                works.append(Work(f"{name}, {to // 1000} kHz", partial(listen, streaming, samples, to)))
        count = len(features) // BLOCK_FRAMES
        figures += summary(f"{task.name}, {engine}", time_rounds(works, task.rounds), count)
    return figures


def ways(task: Task, engine: str, greedy: Recognizer) -> dict[str, StreamingRecognizer]:
    """The ways of listening, by name. With endpoints, what follows a cut is heard twice."""
    search = load(task.folder, engine=engine, language=Language(lm=task.language_model))
    return {
        "greedy": StreamingRecognizer(greedy),
        "3-gram": StreamingRecognizer(search),
        "greedy, endpoints": StreamingRecognizer(greedy, endpointing=Endpointing()),
    }


def summary(task: str, timings: Sequence[Timing], blocks: int) -> list[Figure]:
    """Milliseconds a block, and multiples of the first timing, which is that of the acoustic step."""
    step = timings[0]
    figures = []
    for timing in timings:
        figures.append(
            figure(task, timing.name, [1000 * one / blocks for one in timing.seconds], "ms a block")
        )
    for timing in timings[1:]:
        ratios = [whole / part for whole, part in zip(timing.seconds, step.seconds, strict=True)]
        figures.append(figure(task, f"{timing.name}, by step", ratios, "times"))
    return figures


def steps(engine: Engine, features: NDArray[np.float32]) -> None:
    """The acoustic steps of features (T, F), one block after the other."""
    state = engine.start()
    for first in range(0, len(features) - BLOCK_FRAMES + 1, BLOCK_FRAMES):
        ((_, state),) = engine.step([state], [features[first : first + BLOCK_FRAMES]])


def listen(streaming: StreamingRecognizer, samples: Samples, rate: int) -> StreamingSession:
    """Pushes samples, a block at a time, and reads the captions after each."""
    session, size = streaming.start(rate), round(BLOCK * rate)
    for first in range(0, len(samples), size):
        session.push(samples[first : first + size])
        session.take()
        captions(session)
    return session


def captions(session: StreamingSession) -> str:
    """What a stream says now."""
    return session.stable + session.tail


def normalized(recognizer: Recognizer, samples: Samples) -> NDArray[np.float32]:
    """Features (T, F) as a stream has them."""
    config, statistics = recognizer.bundle.features, recognizer.bundle.statistics
    features = log_mel(samples, config)
    if config.normalization == "running":
        return advance_running(start_running(config), features, statistics)[0]
    return normalize(features, config, statistics)
