"""The models that come with the package: small, documented, and what is used where nobody names another."""

from __future__ import annotations

from pathlib import Path

import pytest

from asr.bundle import load_bundle
from asr.data.manifest import read_manifest, split_path
from asr.errors import BundleError
from asr.models import OFFLINE, shipped
from tests.helpers.console import asr_here

MODELS = [folder for folder in sorted(shipped(OFFLINE).parent.iterdir()) if (folder / "model.json").exists()]
MEGABYTES = 25
KINDS = {".json", ".onnx", ".safetensors", ".txt", ".l2s", ".ngrams", ".md"}


def test_together_they_are_small() -> None:
    sizes = [path.stat().st_size for folder in MODELS for path in folder.iterdir()]
    assert sum(sizes) <= MEGABYTES * 1e6


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_they_run_without_torch_and_hold_no_code(folder: Path) -> None:
    bundle = load_bundle(folder)
    assert bundle.graphs.engines
    assert not bundle.weights
    assert bundle.language is not None and bundle.language.tuning.alpha > 0
    assert bundle.language.tuning.closed
    assert {"lexicon.txt", "lexicon.l2s"} <= bundle.words.keys()
    assert {path.suffix for path in folder.iterdir()} <= KINDS


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_their_cards_name_sources_licences_and_error_rates(folder: Path) -> None:
    card = (folder / "README.md").read_text(encoding="utf-8")
    for wanted in ("AN4", "LibriSpeech", "CC BY 4.0", "speechocean762", "Common Voice", "CMUdict", "Tatoeba"):
        assert wanted in card
    assert "Redistribution and use" in card
    assert "Redistribution and use" in load_bundle(folder).words["lexicon.txt"].read().decode()
    assert "%WER" in card
    assert "not good at" in card


def test_a_name_that_no_model_has_is_one_line() -> None:
    with pytest.raises(BundleError, match="'klingon' is not in this installation; name a model folder"):
        shipped("klingon")


@pytest.mark.data
def test_without_a_name_the_english_one_listens(data_folder: Path, tmp_path: Path) -> None:
    one = read_manifest(split_path(data_folder / "an4", "test"))[0]
    shown = asr_here("transcribe", one.audio.path, "-f", "json", "-o", tmp_path)
    assert shown.status == 0
    said = (tmp_path / f"{one.audio.path.stem}.json").read_text(encoding="utf-8")
    assert any(word in said for word in one.text.lower().split())
