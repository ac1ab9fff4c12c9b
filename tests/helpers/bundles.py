"""Small models with random weights: they hear nothing sensible, but every path runs through them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from asr.audio.normalization import Statistics
from asr.bundle import Bundle, save_bundle
from asr.config import FeatureConfig, ModelConfig, TokenizerConfig
from asr.model.acoustic import AcousticModel
from asr.recognize.recognizer import Recognizer
from asr.recognize.torch_engine import TorchEngine
from asr.text.tokenizer import tokenizer_from_texts

TEXTS = ("one two three", "four five six", "seven eight nine", "zero ja ß")
SMALL = {"layers": 1, "hidden": 8, "channels": 4}


def random_bundle(folder: Path, **changes: Any) -> Bundle:
    """Writes a bundle with a random model to `folder`; see `random_model` for the changes."""
    bundle = random_model(**changes)
    save_bundle(bundle, folder)
    return bundle


def random_model(*, seed: int = 0, texts: tuple[str, ...] = TEXTS, **changes: Any) -> Bundle:
    """A bundle with random weights that writes some letters at most frames.

    Args:
        seed: Of the weights.
        texts: The vocabulary is derived from them.
        changes: Keys of FeatureConfig, TokenizerConfig and ModelConfig that differ from a small model's.
    """
    values = SMALL | changes
    known = {field.name for kind in (FeatureConfig, TokenizerConfig, ModelConfig) for field in fields(kind)}
    assert values.keys() <= known, f"no such key: {values.keys() - known}"
    features = _config(FeatureConfig, values)
    tokenizer = _config(TokenizerConfig, values)
    model = _config(ModelConfig, values)
    vocabulary = tokenizer_from_texts(tokenizer, texts).vocabulary
    random = np.random.default_rng(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = AcousticModel(model, features.mels, len(vocabulary))
    return Bundle(
        name="random",
        features=features,
        statistics=Statistics(
            random.normal(-8, 1, features.mels).astype(np.float32),
            random.uniform(2, 4, features.mels).astype(np.float32),
        ),
        tokenizer_config=tokenizer,
        vocabulary=vocabulary,
        model=model,
        weights=_random_weights(network, random),
        card="# random\n",
        facts={"wer": 123.4},
    )


def random_recognizer(**changes: Any) -> Recognizer:
    """A recogniser with a random model that touches no file."""
    bundle = random_model(**changes)
    return Recognizer(bundle, TorchEngine.from_bundle(bundle))


def _config(kind: type[Any], values: Mapping[str, Any]) -> Any:
    return kind(**{field.name: values[field.name] for field in fields(kind) if field.name in values})


def _random_weights(model: torch.nn.Module, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Noise in every array, biases and running averages too, so that nothing cancels by being zero."""
    weights = {}
    for name, tensor in model.state_dict().items():
        array = tensor.numpy()
        if array.dtype == np.float32:
            spread = 0.3 if array.ndim < 2 else array[0].size ** -0.5
            array = array * (array.ndim < 2) + random.normal(0, spread, array.shape).astype(np.float32)
            if name.endswith("running_var"):
                array = np.abs(array) + np.float32(0.5)
        weights[name] = array * np.float32(3) if name == "head.weight" else array
    return weights
