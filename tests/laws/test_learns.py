"""Law 11: eight utterances are learnt by heart; a toolkit that cannot do that cannot do anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from asr.config import AugmentConfig, FeatureConfig, ModelConfig, Recipe, TrainingConfig
from asr.data.manifest import read_manifest, write_manifest
from tests.helpers.corpora import write_corpus
from tests.helpers.runs import trained

RECIPE = Recipe(
    name="eight",
    dev=("train",),
    features=FeatureConfig(mels=40, normalization="corpus"),
    augment=AugmentConfig(),
    model=ModelConfig(cell="lstm", layers=1, hidden=48, channels=8, dropout=0.0),
    training=TrainingConfig(
        epochs=60, batch_seconds=1000, learning_rate=0.01, precision="fp32", validate_every=60
    ),
)


def test_eight_utterances_of_tones_are_learnt_to_no_error(tmp_path: Path) -> None:
    write_corpus(tmp_path, {"train": 8})
    state, _ = trained(RECIPE, tmp_path, tmp_path / "run")
    assert state.kept[0].error_rate == 0.0


@pytest.mark.data
def test_eight_real_utterances_are_learnt_to_no_error(data_folder: Path, tmp_path: Path) -> None:
    utterances = read_manifest(data_folder / "an4" / "train" / "manifest.jsonl")
    short = sorted(utterances, key=lambda utterance: (utterance.duration, utterance.id))
    chosen = [utterance for utterance in short if 1.0 < utterance.duration < 2.0 and utterance.text][:40:5]
    assert len(chosen) == 8
    (tmp_path / "train").mkdir()
    write_manifest(tmp_path / "train" / "manifest.jsonl", chosen)
    state, _ = trained(RECIPE, tmp_path, tmp_path / "run")
    assert state.kept[0].error_rate == 0.0
