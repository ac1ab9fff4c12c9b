"""Words are found once, where they are spoken, and exchanged from the epoch that the recipe names."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest

from asr.data.batching import Batch, BatchSource, Position
from asr.data.dataset import Dataset, Recordings
from asr.data.manifest import Utterance, read_manifest
from asr.data.splice import SpokenWord
from asr.errors import RunError
from asr.recognize.torch_engine import TorchEngine
from asr.train.recipe import RunOptions, run_recipe
from asr.train.words import SplicingSource, WordFinder
from tests.helpers.bundles import random_model
from tests.helpers.corpora import PITCHES, write_short_corpus
from tests.helpers.runs import FEATURES, as_they_are, tiny_recipe


@pytest.fixture(scope="module")
def utterances(tmp_path_factory: pytest.TempPathFactory) -> list[Utterance]:
    data = write_short_corpus(tmp_path_factory.mktemp("data"))
    return read_manifest(data / "train" / "manifest.jsonl")


def finder(utterances: list[Utterance]) -> WordFinder:
    """A finder with a model that knows nothing; what it finds is in order all the same."""
    bundle = random_model(texts=(" ".join(PITCHES),), mels=FEATURES.mels, kind="words")
    tokenizer = bundle.tokenizer
    tokens = [tokenizer.encode(utterance.text) for utterance in utterances]
    engine = TorchEngine.from_bundle(bundle)
    return WordFinder(
        engine, Recordings(utterances, FEATURES.sample_rate), tokens, tokenizer, FEATURES, as_they_are()
    )


def source(utterances: list[Utterance], path: Path) -> SplicingSource:
    """Batches of single utterances, spliced from the third epoch on."""
    known = finder(utterances)
    augment = replace(tiny_recipe().augment, speeds=(1.0,), noise=0.0, non_speech=0.0, splice=1.0)
    dataset = Dataset(known.recordings, known.tokens, FEATURES, as_they_are(), augment)
    return SplicingSource(BatchSource(dataset, 0.1, seed=0), dataset, known, 2, path)


def texts(batches: SplicingSource, epoch: int) -> dict[str, tuple[int, ...]]:
    drawn: list[Batch] = list(batches.epoch(Position(epoch, 0)))
    return {batch.ids[0]: tuple(batch.tokens[0]) for batch in drawn}


def test_the_words_of_an_utterance_are_those_of_its_text_one_behind_the_other(
    utterances: list[Utterance],
) -> None:
    found = finder(utterances).find()
    assert any(found)
    for index, (words, utterance) in enumerate(zip(found, utterances, strict=True)):
        if not words:
            continue
        assert " ".join(word.text for word in words) == utterance.text
        assert all(word.utterance == index for word in words)
        assert all(before.end == after.start for before, after in pairwise(words))
        assert words[-1].end <= round(utterance.duration * FEATURES.sample_rate)


def test_words_are_exchanged_from_the_epoch_on_that_is_named(
    utterances: list[Utterance], tmp_path: Path
) -> None:
    batches = source(utterances, tmp_path / "words.json")
    plain = texts(batches, 0)
    assert texts(batches, 1) == plain
    assert not (tmp_path / "words.json").exists()
    spliced = texts(batches, 2)
    assert spliced.keys() == plain.keys()
    assert spliced != plain
    assert texts(batches, 3) != spliced


def test_a_resumed_run_reads_the_words_that_were_found(utterances: list[Utterance], tmp_path: Path) -> None:
    path = tmp_path / "words.json"
    first = texts(source(utterances, path), 3)
    before = path.read_bytes()
    assert texts(source(utterances, path), 3) == first
    assert path.read_bytes() == before
    words = msgspec.json.decode(before, type=list[list[SpokenWord]])
    path.write_bytes(msgspec.json.encode([[] for _ in words]))
    assert texts(source(utterances, path), 3) == texts(source(utterances, tmp_path / "new.json"), 0)


@pytest.mark.parametrize("content", [b"", b"[[1]]", b'[[{"utterance": 0}]]', b"[[]", b"[]"])
def test_a_damaged_file_of_words_is_named(
    utterances: list[Utterance], tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "words.json"
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"words\.json: damaged .*; start a new run") as caught:
        texts(source(utterances, path), 2)
    assert "\n" not in str(caught.value)


def test_a_recipe_can_ask_for_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_short_corpus(tmp_path)
    recipe = tiny_recipe(epochs=3)
    recipe = replace(recipe, augment=replace(recipe.augment, splice=1.0, splice_from_epoch=1))
    run_recipe(recipe, RunOptions(data, tmp_path / "run", device="cpu"))
    assert "words are exchanged from now on" in capsys.readouterr().err
    words = msgspec.json.decode((tmp_path / "run" / "words.json").read_bytes(), type=list[list[SpokenWord]])
    assert len(words) == len(read_manifest(data / "train" / "manifest.jsonl"))
    assert np.mean([bool(spoken) for spoken in words]) > 0.5
