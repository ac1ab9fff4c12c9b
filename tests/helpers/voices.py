"""A model that knows one voice of `tests.helpers.corpora`, and recordings of another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from asr.bundle import load_bundle, save_bundle
from asr.config import FeatureConfig, ModelConfig, Recipe, TrainingConfig
from asr.decode.calibration import Calibration
from asr.train.recipe import RunOptions, run_recipe
from tests.helpers.corpora import random_texts, write_split

OTHER = 1.25
"""The pitch of the new voice."""

RECIPE = Recipe(
    name="tones",
    dev=("dev",),
    features=FeatureConfig(mels=40),
    model=ModelConfig(cell="lstm", layers=2, hidden=24, channels=4, dropout=0.0, norm="batch"),
    training=TrainingConfig(
        epochs=20, batch_seconds=10, learning_rate=0.01, precision="fp32", validate_every=10
    ),
)


@dataclass(frozen=True, slots=True)
class Voices:
    """A model folder, and manifests of the voice that it knows and of the other one."""

    model: Path
    old_train: Path
    old_dev: Path
    new_train: Path
    new_dev: Path
    new_test: Path


def write_voices(folder: Path) -> Voices:
    """Writes the recordings, and trains the model; it takes a few seconds."""
    for number, (split, count) in enumerate({"train": 24, "dev": 8, "test": 1}.items()):
        write_split(folder / "old", split, random_texts(count, seed=number), seed=number)
        texts = random_texts(max(count, 6), seed=10 + number)
        write_split(folder / "new", split, texts, seed=10 + number, voice=OTHER)
    outcome = run_recipe(RECIPE, RunOptions(folder / "old", folder / "run", device="cpu"))
    calibrated = replace(load_bundle(outcome.bundle), calibrations={"greedy": Calibration(0.1, 0.9)})
    save_bundle(calibrated, outcome.bundle)
    paths = [
        folder / side / split / "manifest.jsonl" for side in ("old", "new") for split in ("train", "dev")
    ]
    old_train, old_dev, new_train, new_dev = paths
    return Voices(
        outcome.bundle, old_train, old_dev, new_train, new_dev, folder / "new" / "test" / "manifest.jsonl"
    )
