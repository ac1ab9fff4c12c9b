"""Another language than English: generated, trained, evaluated, with the letters of its script."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from types import ModuleType

import pytest

from asr.bundle import load_bundle
from asr.cli.recipes import load_recipe
from asr.data.manifest import Utterance, read_manifest
from asr.text.normalize import normalize
from asr.train.recipe import RunOptions, run_recipe

FOLDER = Path(__file__).parents[2] / "recipes/german"
SMALL = ("--train", "24", "--dev", "3", "--test", "4")
SETTINGS = (
    "training.epochs=2", "training.batch_seconds=10", "training.precision=fp32", "model.hidden=24",
    "model.channels=4", "augment.spec_from_epoch=2", "features.mels=40",
)  # fmt: skip


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    specification = importlib.util.spec_from_file_location("german_generate", FOLDER / "generate.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    sys.modules["german_generate"] = module
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def corpus(generate: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("espeakng_loader", reason="needs the extra 'demo'")
    folder = tmp_path_factory.mktemp("german") / "corpus"
    assert generate.main(["--to", str(folder), *SMALL]) == 0
    return folder


def utterances(folder: Path) -> dict[str, list[Utterance]]:
    return {split: read_manifest(folder / split / "manifest.jsonl") for split in ("train", "dev", "test")}


@pytest.mark.parametrize(
    ("value", "word"),
    [(0, "null"), (1, "ein"), (12, "zwölf"), (17, "siebzehn"), (20, "zwanzig"), (21, "einundzwanzig"),
     (30, "dreißig"), (31, "einunddreißig"), (57, "siebenundfünfzig")],
)  # fmt: skip
def test_numbers_are_german(generate: ModuleType, value: int, word: str) -> None:
    assert generate.number(value) == word


def test_dates_are_german(generate: ModuleType) -> None:
    said = [generate.date(value) for value in (1, 2, 3, 5, 7, 8, 12, 16, 20, 30, 31)]
    assert said == [
        "ersten", "zweiten", "dritten", "fünften", "siebten", "achten", "zwölften", "sechzehnten",
        "zwanzigsten", "dreißigsten", "einunddreißigsten",
    ]  # fmt: skip


def test_every_blank_of_a_sentence_is_filled(generate: ModuleType) -> None:
    draw = random.Random(0)
    sentences = {generate.sentence(draw) for _ in range(400)}
    assert len(sentences) > 350
    for text in sentences:
        assert not set("{}") & set(text)
        assert text[0].isupper()
        assert text.endswith(".")
    letters = set("".join(normalize(text, "lower_words") for text in sentences))
    assert letters >= set("äöüß")


def test_no_sentence_and_no_voice_in_two_splits(generate: ModuleType) -> None:
    planned = {split: list(generate.plan(split, 200, 0)) for split in ("train", "dev", "test")}
    for one, other in (("train", "dev"), ("train", "test"), ("dev", "test")):
        assert not {said.text for said in planned[one]} & {said.text for said in planned[other]}
        assert not {said.voice for said in planned[one]} & {said.voice for said in planned[other]}
    assert {said.voice.partition("+")[0] for said in planned["train"]} == {"de"}


def test_generate_train_evaluate(corpus: Path, tmp_path: Path) -> None:
    found = utterances(corpus)
    assert {split: len(ones) for split, ones in found.items()} == {"train": 24, "dev": 3, "test": 4}
    assert all(0.05 < one.duration / len(one.text) < 0.25 for ones in found.values() for one in ones)
    recipe = load_recipe(FOLDER / "bilstm.py")
    outcome = run_recipe(recipe, RunOptions(corpus, tmp_path / "run", SETTINGS, "cpu"))
    bundle = load_bundle(outcome.bundle)
    assert set("üß") <= set(bundle.vocabulary)
    assert not set("ABCDÜ.") & set(bundle.vocabulary)
    assert bundle.facts["training"]["epochs"] == 2
    assert outcome.reports["test"].words.reference == sum(
        len(normalize(one.text, "lower_words").split()) for one in found["test"]
    )
