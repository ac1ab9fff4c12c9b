"""Weights of splits: how often utterances are drawn, evenly, and differently each time."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.config import AugmentConfig, Recipe
from asr.data.batching import BatchSource, Position
from asr.data.draws import draw
from asr.data.manifest import read_manifest
from asr.data.weighted import Weighted
from asr.errors import ConfigError, RunError
from asr.settings import with_settings
from asr.train.corpus import prepare_corpus
from asr.train.settle import settle_recipe
from tests.helpers.corpora import write_short_corpus, write_split
from tests.helpers.runs import dataset, tiny_recipe

SEEDS = st.integers(0, 2**31)


@given(st.lists(st.floats(0.01, 5), min_size=1, max_size=30).map(np.array), SEEDS, st.integers(1, 12))
def test_an_example_is_drawn_as_often_as_its_weight_says(weights: np.ndarray, seed: int, epochs: int) -> None:
    counts = np.zeros(len(weights))
    for epoch in range(epochs):
        draws = draw(weights, seed, epoch)
        np.add.at(counts, draws.indices, 1)
        once = np.bincount(draws.indices, minlength=len(weights))
        assert all(
            sorted(draws.again[draws.indices == one]) == list(range(once[one])) for one in range(len(once))
        )
    assert (np.floor(weights * epochs) <= counts).all() and (counts <= np.ceil(weights * epochs + 1e-9)).all()


@given(st.floats(0.05, 3), st.integers(1, 200), SEEDS, st.integers(0, 9))
def test_all_epochs_are_about_as_long(weight: float, count: int, seed: int, epoch: int) -> None:
    assert abs(len(draw(np.full(count, weight), seed, epoch).indices) - weight * count) <= 1 + 1e-6


@given(st.integers(0, 50), SEEDS, st.integers(0, 99))
def test_without_weights_everything_is_drawn_once(count: int, seed: int, epoch: int) -> None:
    draws = draw(np.ones(count), seed, epoch)
    assert draws.indices.tolist() == list(range(count))
    assert not draws.again.any()


def test_a_half_is_every_other_epoch() -> None:
    first, second, third = (set(draw(np.full(10, 0.5), 3, epoch).indices.tolist()) for epoch in range(3))
    assert first | second == set(range(10)) and not first & second
    assert first == third


def test_the_second_time_sounds_different_and_can_be_repeated(tmp_path: Path) -> None:
    utterances = read_manifest(write_short_corpus(tmp_path) / "train" / "manifest.jsonl")
    augment = AugmentConfig(noise=1.0, stream=1.0, stream_pause=1.0, non_speech=0.5)
    plain = dataset(utterances, augment, 1)
    weighted = Weighted(plain, [2.0, *[1.0] * 5], 1)
    seconds = weighted.seconds(4)
    assert len(seconds) == len(plain) + 1
    once, again = (weighted.views(n, 4, 1)[0] for n in (0, 1))
    assert once.id == again.id == utterances[0].id
    assert once.features.shape != again.features.shape or (once.features != again.features).any()
    np.testing.assert_array_equal(once.features, plain.example(0, 4).features)
    for index in range(len(seconds)):
        assert abs(len(weighted.views(index, 4, 1)[0].features) * 0.01 - seconds[index]) < 0.05
    whole = [batch.ids for batch in BatchSource(weighted, 3.0, 1).epoch(Position(4))]
    assert [batch.ids for batch in BatchSource(weighted, 3.0, 1).epoch(Position(4, 2))] == whole[2:]
    assert sum(name == utterances[0].id for ids in whole for name in ids) == 2


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_short_corpus(tmp_path)
    write_split(tmp_path, "more", ["fa", "re mi", "do"], seed=5)
    return tmp_path


def recipe(*settings: str) -> Recipe:
    return with_settings(tiny_recipe(), ['train=["train", "more"]', "test=[]", *settings])


def test_a_corpus_knows_the_weights_of_what_is_left_to_train_on(data: Path) -> None:
    corpus = prepare_corpus(recipe('train_weights={"more": 1.5}', "dev=[]", "dev_fraction=0.3"), data)
    expected = [1.5 if one.id.startswith("more") else 1.0 for one in corpus.train]
    assert list(corpus.weights) == expected and 0 < expected.count(1.5) <= 3


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('{"mroe": 2}', "train_weights: 'mroe' is no split of train; did you mean 'more'?"),
        ('{"more": 0}', "train_weights"),
        ('{"more": "twice"}', "train_weights"),
        ("2", "train_weights"),
        ('{"more": NaN}', "train_weights: expected a finite number"),
    ],
)
def test_weights_that_mean_nothing_are_refused(value: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        recipe(f"train_weights={value}")
    assert message in str(caught.value)


def test_a_run_from_before_there_were_weights_goes_on_and_a_change_has_to_be_meant(tmp_path: Path) -> None:
    def store(run: Path, *, forget: bool) -> None:
        content = {"recipe": json.loads(json.dumps(stored)), "settings": []}
        if forget:
            del content["recipe"]["train_weights"]
        (run / "recipe.json").write_text(json.dumps(content))

    from asr.settings import to_dict

    stored = to_dict(recipe())
    store(tmp_path, forget=True)
    assert settle_recipe(recipe(), tmp_path, [], True).recipe == recipe()
    changed = recipe('train_weights={"more": 2}')
    with pytest.raises(RunError, match=r"train_weights=\{\}, the recipe now says"):
        settle_recipe(changed, tmp_path, [], True)
    meant = 'train_weights={"more": 2.0}'
    assert settle_recipe(changed, tmp_path, [meant], True).recipe == changed
    assert math.isclose(changed.train_weights["more"], 2)
