"""The AN4 task: emissions of the AN4 bundle, and a 3-gram of the training transcripts.

Tuned on the development speakers, whose transcripts are not in the model; measured on the test speakers.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from asr.audio.io import load_audio
from asr.bundle import load_bundle
from asr.data.manifest import Utterance, read_manifest
from asr.recognize.batches import emissions
from asr.recognize.recognizer import Recognizer, load
from asr.text.normalize import normalize
from benchmarks.decoders.task import Spoken, Task, build_model, write_task

BUNDLE = Path("models/an4-bilstm")


def an4_task(data: Path, folder: Path, most: int) -> Task:
    """Makes the task from the data folder, with so many utterances at most to tune on and to test."""
    recognizer = load(BUNDLE)
    bundle = load_bundle(BUNDLE)
    held = set(json.loads((data / "dev_speakers.json").read_text(encoding="utf-8"))["an4"]["speakers"])
    train = read_manifest(data / "an4/train/manifest.jsonl")
    dev = [utterance for utterance in train if utterance.speaker in held]
    rest = [_text(utterance, recognizer) for utterance in train if utterance.speaker not in held]
    model = build_model(rest, folder / "train.arpa")
    spellings = {word: tuple(word) for word in sorted({word for text in rest for word in text.split()})}
    test = read_manifest(data / "an4/test/manifest.jsonl")
    return write_task(
        name="AN4",
        folder=folder,
        units=bundle.tokenizer.units,
        spoken=(_spoken(dev[:most], recognizer), _spoken(test[:most], recognizer)),
        model=model,
        spellings=spellings,
    )


def _spoken(utterances: list[Utterance], recognizer: Recognizer) -> Spoken:
    rate = recognizer.bundle.features.sample_rate
    features = [
        recognizer.features(
            load_audio(utterance.audio, sample_rate=rate, start=utterance.start, duration=utterance.duration)
        )
        for utterance in utterances
    ]
    found = dict(emissions(recognizer.engine, features))
    said = tuple(_text(utterance, recognizer) for utterance in utterances)
    return Spoken(tuple(np.ascontiguousarray(found[index]) for index in range(len(said))), said)


def _text(utterance: Utterance, recognizer: Recognizer) -> str:
    return normalize(utterance.text, recognizer.bundle.tokenizer_config.normalizer)
