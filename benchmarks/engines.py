"""The engines against each other: whole utterances one at a time, and one step of a stream; one thread.

    python -m benchmarks.engines [--json FILE] [--rounds 15]

The reference model has two convolutions (32 channels, 4x in time) and four LSTMs of 320 units with random
weights: bidirectional over utterances of ten seconds, unidirectional over steps of 160 ms, without and with a
lookahead of 20 emission frames. Times are those of an engine, its arrays in and out included.

A step has to read all weights of its layers; "reading the weights" is the sum over as many bytes, which is
what memory allows. Where processors have instructions for dot products of bytes, int8 gains more.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import Figure, Row, Timing, Work, faster, figure  # isort: skip
from benchmarks.common import print_figures, print_rows, time_rounds, write_json  # isort: skip

import numpy as np
import torch
from numpy.typing import NDArray

from asr.audio.normalization import Statistics
from asr.bundle import Bundle
from asr.config import FeatureConfig, ModelConfig, TokenizerConfig
from asr.environment import processor
from asr.export.bundle import export
from asr.model.acoustic import AcousticModel
from asr.recognize.engine import Engine
from asr.recognize.onnx_engine import OnnxEngine
from asr.recognize.torch_engine import TorchEngine

MELS, VOCABULARY, SECONDS, BLOCK = 80, 32, 10, 16
FRAMES_PER_SECOND = 100
STEPS = 20
"""Steps that are timed together."""
REQUIRED = {"whole": 3.0, "step": 5.0}
"""How many times faster than torch int8 has to be."""


@dataclass(frozen=True, slots=True)
class Task:
    """Something that all engines do: its name, the audio in it in seconds, and what int8 has to gain."""

    name: str
    audio: float
    required: float


def make_bundle(lookahead: int | None) -> Bundle:
    """The reference model with its graphs; bidirectional where there is no lookahead, not even 0."""
    model = ModelConfig(
        layers=4,
        hidden=320,
        subsampling=4,
        channels=32,
        bidirectional=lookahead is None,
        lookahead=lookahead or 0,
    )
    torch.manual_seed(0)
    weights = AcousticModel(model, MELS, VOCABULARY).state_dict()
    return export(
        Bundle(
            name="reference",
            features=FeatureConfig(mels=MELS),
            statistics=Statistics(np.zeros(MELS, np.float32), np.ones(MELS, np.float32)),
            tokenizer_config=TokenizerConfig(),
            vocabulary=("", *map(chr, range(ord("a"), ord("a") + VOCABULARY - 1))),
            model=model,
            weights={name: tensor.numpy() for name, tensor in weights.items()},
        )
    )


def engines(bundle: Bundle) -> dict[str, Engine]:
    """All engines of a bundle, by name."""
    return {
        "torch": TorchEngine.from_bundle(bundle),
        "onnx": OnnxEngine(bundle),
        "onnx-int8": OnnxEngine(bundle, "onnx-int8"),
    }


def whole(rounds: int) -> tuple[list[Row], list[Figure]]:
    """An utterance of ten seconds, alone."""
    features, lengths = _features(SECONDS * FRAMES_PER_SECOND)[None], np.array([SECONDS * FRAMES_PER_SECOND])
    known = engines(make_bundle(None))
    timings = time_rounds(
        [Work(name, lambda engine=engine: engine.run(features, lengths)) for name, engine in known.items()],
        rounds,
    )
    task = Task(f"{SECONDS} s, bidirectional", SECONDS, REQUIRED["whole"])
    found = {name: engine.run(features, lengths).log_probs for name, engine in known.items()}
    return _rows(task, timings), _differences(task, found)


def steps(lookahead: int, rounds: int) -> tuple[list[Row], list[Figure]]:
    """Steps of a stream, one after the other."""
    bundle = make_bundle(lookahead)
    known = engines(bundle)
    features = _features(STEPS * BLOCK)
    works = [Work(name, lambda engine=engine: stream(engine, features)) for name, engine in known.items()]
    matrices = [array.size for name, array in bundle.weights.items() if ".rnn.weight" in name]
    for name, dtype in (("fp32", np.float32), ("int8", np.int64)):
        size = sum(matrices) * (4 if name == "fp32" else 1) // np.dtype(dtype).itemsize
        array = np.ones(size, dtype)
        works.append(Work(f"reading {name}", lambda array=array: [array.sum() for _ in range(STEPS)]))
    timings = time_rounds(works, rounds)
    task = Task(f"step, lookahead {lookahead}", STEPS * BLOCK / FRAMES_PER_SECOND, REQUIRED["step"])
    found = {name: stream(engine, features) for name, engine in known.items()}
    figures = [
        figure(task.name, timing.name, [1000 * value / STEPS for value in timing.seconds], "ms a step")
        for timing in timings
    ]
    return _rows(task, timings[: len(known)]), [*figures, *_differences(task, found)]


def stream(engine: Engine, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log-probabilities of features (T, F) that come in blocks of 160 ms."""
    state, parts = engine.start(), []
    for start in range(0, len(features), BLOCK):
        ((log_probs, state),) = engine.step([state], [features[start : start + BLOCK]])
        parts.append(log_probs)
    return np.concatenate(parts)


def _features(frames: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal((frames, MELS)).astype(np.float32)


def _rows(task: Task, timings: list[Timing]) -> list[Row]:
    """Seconds of each engine, and how many times faster than torch it is."""
    peer, *others = timings
    rows = [Row(task.name, peer.name, peer.median, task.audio / peer.median)]
    for timing in others:
        required = task.required if timing.name == "onnx-int8" else None
        ratio = faster(timing, peer, required)
        rows.append(Row(task.name, timing.name, timing.median, task.audio / timing.median, ratio))
    return rows


def _differences(task: Task, found: dict[str, NDArray[np.float32]]) -> list[Figure]:
    """The largest difference of probabilities from those of torch."""
    expected = np.exp(found["torch"])
    return [
        figure(task.name, f"{name}, largest difference", [float(np.abs(np.exp(given) - expected).max())], "")
        for name, given in found.items()
        if name != "torch"
    ]


def main() -> None:
    """Measures, prints tables, and writes JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the results here")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{processor()}, one thread, {arguments.rounds} rounds")
    rows: list[Row] = []
    figures: list[Figure] = []
    for more, others in (whole(arguments.rounds), *(steps(n, arguments.rounds) for n in (0, 20))):
        rows += more
        figures += others
    print_rows(rows)
    print_figures(figures)
    if arguments.json:
        write_json(arguments.json, "engines", rows, figures)


if __name__ == "__main__":
    main()
