"""What streams are measured with: models with graphs, and speech that goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.audio.background import background, quietest, repeated, silence, white_noise
from asr.bundle import Bundle, load_bundle, save_bundle
from asr.cli.recipes import load_recipe
from asr.config import ModelConfig
from asr.data.manifest import Utterance, read_manifest, split_path
from asr.export.bundle import export
from asr.lm.kneser_ney import Estimation, estimate
from asr.recognize.evaluate import samples_of
from asr.text.normalize import normalize

Samples = NDArray[np.float32]

REFERENCE = ModelConfig(layers=4, hidden=320, subsampling=4, channels=32, bidirectional=False, lookahead=20)
"""The model that promises are about; its weights are random."""

RECIPE = Path("recipes/an4/lstm_streaming.py")

PAUSES = (0.5, 2.0)
"""Seconds between recordings, at least and at most."""

BACKGROUND, NOISE, ZEROS = "background", "noise", "zeros"
KINDS = (BACKGROUND, NOISE, ZEROS)
"""Pauses of what was recorded around them, of white noise as loud as that, and of nothing at all."""

MIXED = "mixed"
"""Pauses of any kind that `asr.audio.background` knows."""

CLEAR, OFTEN = 12.0, (50.0, 30.0)
"""What random weights of the last layer are multiplied by, and what is added for blank and separator: the
emissions are then about as sure of themselves as trained ones, mostly blank, and have words.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One utterance: its samples (n,), and what is said, normalised."""

    samples: Samples
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A recording in a stream: its first sample there, and the pause that follows it."""

    recording: Recording
    number: int
    first: int
    pause: Samples


def exported(model: Path, folder: Path) -> Path:
    """A copy of a model folder that has graphs; the folder itself, where it has nothing else."""
    bundle = load_bundle(model)
    if not bundle.weights:
        return model
    save_bundle(export(bundle), folder)
    return folder


def reference(model: Path, folder: Path) -> Path:
    """Four LSTMs of 320 units, random weights and graphs, with the features and tokens of `model`."""
    save_bundle(export(reference_bundle(load_bundle(model), REFERENCE)), folder)
    return folder


def reference_bundle(bundle: Bundle, model: ModelConfig) -> Bundle:
    """A bundle with random weights in place of its own, which mostly hears nothing and at times a letter."""
    import torch

    from asr.model.acoustic import AcousticModel

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = AcousticModel(model, bundle.features.mels, len(bundle.vocabulary))
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    weights["head.weight"] = weights["head.weight"] * np.float32(CLEAR)
    bias = weights["head.bias"].copy()
    bias[[0, bundle.tokenizer.units.separator]] += OFTEN
    return replace(bundle, name="reference", model=model, weights=weights | {"head.bias": bias})


def recordings(data: Path, bundle: Bundle, split: str = "test") -> list[Recording]:
    """The recordings of AN4's test split, or of the speakers its recipes choose on, at the rate of a model.

    Raises:
        AsrError: If they cannot be read.
    """
    if split == "dev":
        speakers = load_recipe(RECIPE).dev_speakers
        utterances = [one for one in read_manifest(split_path(data, "train")) if one.speaker in speakers]
    else:
        utterances = read_manifest(split_path(data, split))
    return spoken(utterances, bundle)


def spoken(utterances: Sequence[Utterance], bundle: Bundle) -> list[Recording]:
    """Utterances at the rate of a model, with the texts that it should write. Raises AudioError."""
    samples = samples_of(utterances, bundle.features.sample_rate)
    normalizer = bundle.tokenizer_config.normalizer
    texts = [normalize(one.text, normalizer) for one in utterances]
    return [Recording(one, text) for one, text in zip(samples, texts, strict=True)]


def language_model(data: Path, bundle: Bundle, path: Path) -> Path:
    """A word 3-gram of the transcripts for training. Raises AsrError if they cannot be read."""
    texts = [one.text for one in read_manifest(split_path(data, "train"))]
    sentences = [normalize(text, bundle.tokenizer_config.normalizer).split() for text in texts]
    estimate(sentences, path, Estimation(3))
    return path


def endless(
    known: Sequence[Recording],
    rate: int,
    kind: str = BACKGROUND,
    seed: int = 0,
    pauses: tuple[float, float] = PAUSES,
) -> Iterator[Placed]:
    """Recordings, again and again, with pauses of random lengths between them.

    Args:
        known: The recordings.
        rate: Their sample rate in Hz.
        kind: Of the pauses, one of KINDS or MIXED; half of each is like the recording before, half like the
            next one.
        seed: Of all that is random.
        pauses: Seconds that they last, at least and at most.
    """
    random, first = np.random.default_rng(seed), 0
    quiet = [quietest(recording.samples, rate) for recording in known]
    for number, recording in cycle(enumerate(known)):
        half = round(rate * random.uniform(*pauses) / 2)
        around = quiet[number], quiet[(number + 1) % len(known)]
        pause = np.concatenate([filled(samples, half, kind, random) for samples in around])
        yield Placed(recording, number, first, pause)
        first += len(recording.samples) + len(pause)


def speech(known: Sequence[Recording], rate: int, seconds: float) -> Samples:
    """So many seconds of `endless`."""
    parts: list[Samples] = []
    count = round(seconds * rate)
    for placed in endless(known, rate):
        if placed.first >= count:
            break
        parts += [placed.recording.samples, placed.pause]
    return np.concatenate(parts)[:count]


def filled(quiet: Samples, length: int, kind: str, random: np.random.Generator) -> Samples:
    """So many samples of a pause of a kind, by what it sounds like around it."""
    if kind == MIXED:
        return background(quiet, length, random)
    if kind == ZEROS:
        return silence(length)
    return white_noise(quiet, length, random) if kind == NOISE else repeated(quiet, length)
