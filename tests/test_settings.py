"""Settings survive JSON, `--set` changes them, and what is wrong with one is said in one line."""

from __future__ import annotations

import dataclasses
import json
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.config import AugmentConfig, FeatureConfig, ModelConfig, Recipe, TokenizerConfig, TrainingConfig
from asr.errors import ConfigError
from asr.settings import from_dict, to_dict, with_settings
from tests.helpers.directions import DIRECTIONS

positive = st.integers(1, 10_000)
natural = st.integers(0, 10_000)
fraction = st.floats(0, 1)
below_one = st.floats(0, 1, exclude_max=True)
above_zero = st.floats(0, 1e6, exclude_min=True)
ranges = st.tuples(st.floats(-50, 50), st.floats(-50, 50)).map(lambda pair: tuple(sorted(pair)))
names = st.lists(st.text(alphabet=string.printable + "éß日本"), max_size=3).map(tuple)

features = st.builds(
    FeatureConfig,
    window=st.integers(200, 512),
    hop=st.integers(1, 200),
    fft=st.sampled_from([512, 1024, 2048]),
    mels=positive,
    floor=above_zero,
    normalization=st.sampled_from(["corpus", "running", "utterance", "speech"]),
)
augment = st.builds(
    AugmentConfig,
    speeds=st.lists(st.floats(0.25, 4), min_size=1, max_size=3).map(tuple),
    gain_db=ranges,
    noise=fraction,
    noise_snr_db=ranges,
    time_masks=natural,
    spec_from_epoch=natural,
)
tokenizers = st.builds(TokenizerConfig, normalizer=st.text())
models = st.builds(
    lambda direction, **others: ModelConfig(**direction, **others),
    DIRECTIONS,
    cell=st.sampled_from(["lstm", "gru", "rnn"]),
    layers=positive,
    subsampling=st.sampled_from([2, 4]),
    dropout=below_one,
)
training = st.builds(
    TrainingConfig, epochs=positive, batch_seconds=above_zero, learning_rate=above_zero, seed=natural
)
fitting = st.tuples(features, models).filter(lambda pair: pair[1].bidirectional or not pair[0].by_itself)
recipes = st.builds(
    lambda pair, **others: Recipe(features=pair[0], model=pair[1], **others),
    fitting,
    name=st.text(),
    train=names,
    dev_speakers=names,
    dev_fraction=below_one,
    train_fraction=st.floats(0.01, 1),
    augment=augment,
    tokenizer=tokenizers,
    training=training,
)
RECIPE = Recipe(name="an4")


@given(st.one_of(features, augment, tokenizers, models, training, recipes))
def test_every_config_survives_json(config: Any) -> None:
    plain = json.loads(json.dumps(to_dict(config), allow_nan=False))
    assert from_dict(type(config), plain) == config


@given(recipes)
def test_no_settings_change_nothing(recipe: Recipe) -> None:
    assert with_settings(recipe, []) == recipe


@settings(max_examples=20)
@given(recipes, training)
def test_every_training_key_can_be_set(recipe: Recipe, wanted: TrainingConfig) -> None:
    chosen = [f"training.{key}={json.dumps(value)}" for key, value in to_dict(wanted).items()]
    assert with_settings(recipe, chosen) == dataclasses.replace(recipe, training=wanted)


def test_missing_keys_take_their_defaults() -> None:
    assert from_dict(Recipe, {"name": "an4", "model": {"layers": 5}}) == Recipe(
        name="an4", model=ModelConfig(layers=5)
    )


@pytest.mark.parametrize(
    ("setting", "group", "key", "value"),
    [
        ("training.epochs=2", "training", "epochs", 2),
        ("training.epochs = 2", "training", "epochs", 2),
        ("training.learning_rate=1e-3", "training", "learning_rate", 1e-3),
        ("training.clip=3", "training", "clip", 3.0),
        ("model.cell=gru", "model", "cell", "gru"),
        ('model.cell="gru"', "model", "cell", "gru"),
        ("model.bidirectional=false", "model", "bidirectional", False),
        ("augment.speeds=[0.9, 1, 1.1]", "augment", "speeds", (0.9, 1.0, 1.1)),
        ("augment.gain_db=[-6,6]", "augment", "gain_db", (-6.0, 6.0)),
        ("tokenizer.normalizer=null", "tokenizer", "normalizer", "null"),
    ],
)
def test_setting_is_read(setting: str, group: str, key: str, value: object) -> None:
    changed = with_settings(RECIPE, [setting])
    assert getattr(getattr(changed, group), key) == value
    inner = dataclasses.replace(getattr(RECIPE, group), **{key: value})
    assert changed == dataclasses.replace(RECIPE, **{group: inner})


def test_top_level_settings_and_whole_groups() -> None:
    changed = with_settings(RECIPE, ["name=2024", 'test=["a","b"]', 'model={"layers": 2}', "model.hidden=8"])
    assert changed == Recipe(name="2024", test=("a", "b"), model=ModelConfig(layers=2, hidden=8))


def test_setting_a_group_keeps_its_other_keys() -> None:
    recipe = with_settings(RECIPE, ["model.hidden=8", 'model={"layers": 2}'])
    assert recipe.model == ModelConfig(layers=2, hidden=8)


def test_later_settings_win() -> None:
    for former in ("training.epochs=2", "training.epochs=0"):
        assert with_settings(RECIPE, [former, "training.epochs=3"]).training.epochs == 3


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("training.epoch=2", "unknown key 'training.epoch'; did you mean 'training.epochs'?"),
        ("trainign.epochs=2", "unknown key 'trainign.epochs'; did you mean 'training'?"),
        ("epochs=2", "unknown key 'epochs'; did you mean 'training.epochs'?"),
        ("training.epochs.x=2", "unknown key 'training.epochs.x'; did you mean 'training.epochs'?"),
        ('model={"hiden": 3}', "unknown key 'model.hiden'; did you mean 'model.hidden'?"),
        ("training.epochs", "write it as key=value, for example training.epochs=2"),
        ("=2", "write it as key=value, for example training.epochs=2"),
        ("training.epochs=two", "training.epochs: expected int, got str"),
        ("training.epochs=1.5", "training.epochs: expected int, got float"),
        ("training.epochs=true", "training.epochs: expected int, got bool"),
        ("training.epochs=0", "training.epochs: expected int >= 1"),
        ("training.learning_rate=NaN", "training.learning_rate: expected a finite number, got nan"),
        ("training.clip=1e999", "training.clip: expected a finite number, got inf"),
        ("augment.gain_db=[NaN,1]", "augment.gain_db: expected a finite number, got nan"),
        ("model.dropout=1", "model.dropout: expected float < 1.0"),
        ("model.cell=lst", "model.cell: unknown value 'lst'; did you mean 'lstm'?"),
        ("model.subsampling=3", "model.subsampling: unknown value 3; known: 2, 4"),
        ("model=5", "model: expected an object with keys, got 5"),
        ("model=small", 'model: expected an object with keys, got "small"'),
        ("train=train", 'train: expected list, got str; write a list such as ["a", "b"]'),
        ("train=[1]", "train[0]: expected str, got int"),
        ("augment.speeds=[]", "augment.speeds: expected list of length >= 1"),
        ("augment.speeds=[1,0]", "augment.speeds[1]: expected float >= 0.25"),
        ("augment.gain_db=[1]", "augment.gain_db: expected list of length 2, got 1"),
        ("augment.gain_db=[3,1]", "gain_db: the lower end (3) comes first, then the upper (1)"),
        ("features.fft=256", "fft (256) must not be smaller than window (400)"),
    ],
)
def test_bad_setting_is_told_in_one_line(setting: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        with_settings(RECIPE, [setting])
    assert str(raised.value) == f"--set {setting}: {message}"


def test_bad_setting_with_line_breaks_still_gives_one_line() -> None:
    with pytest.raises(ConfigError) as raised:
        with_settings(RECIPE, ["training.\nepoch\n=\n2"])
    assert "\n" not in str(raised.value)


SMALL_FRAMES = Recipe("an4", features=FeatureConfig(window=100, hop=80))
LONG_FRAMES = Recipe("an4", features=FeatureConfig(window=800, fft=1024))
STREAM = Recipe("an4", model=ModelConfig(bidirectional=False, lookahead=3))
OFFLINE = Recipe("an4", features=FeatureConfig(normalization="utterance"))


@pytest.mark.parametrize(
    ("start", "first", "second", "expected"),
    [
        (RECIPE, "features.window=100", "features.hop=80", SMALL_FRAMES),
        (RECIPE, "features.window=800", "features.fft=1024", LONG_FRAMES),
        (RECIPE, "model.lookahead=3", "model.bidirectional=false", STREAM),
        (RECIPE, 'model={"lookahead": 3}', "model.bidirectional=false", STREAM),
        (OFFLINE, 'model={"bidirectional": false, "lookahead": 3}', "features.normalization=corpus", STREAM),
    ],
)
def test_settings_that_only_together_are_valid_work_in_any_order(
    start: Recipe, first: str, second: str, expected: Recipe
) -> None:
    with pytest.raises(ConfigError):
        with_settings(start, [first])
    assert with_settings(start, [first, second]) == with_settings(start, [second, first]) == expected


@pytest.mark.parametrize(
    ("chosen", "blamed", "message"),
    [
        (["training.epochs=2", "model.layers=0", "model.hidden=8"], [1], "model.layers: expected int >= 1"),
        (["training.epochs=0", "model.layers=0"], [1], "model.layers: expected int >= 1"),
        (["model.hidden=8", "training.epoch=2"], [1], "unknown key 'training.epoch'; did you mean"),
        (["model.hidden=8", 'model={"hiden": 3}'], [1], "unknown key 'model.hiden'; did you mean"),
        (["model.hidden=0", "training.epochs"], [1], "write it as key=value"),
        (["features.hop=300", "model.hidden=8", "features.window=200"], [0, 2], "hop (300) must not be"),
        (["model.layers=0", "model.layers=0", "model.hidden=8"], [0, 1, 2], "model.layers: expected int"),
    ],
)
def test_of_several_settings_those_at_fault_are_named(
    chosen: list[str], blamed: list[int], message: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        with_settings(RECIPE, chosen)
    named = " ".join(f"--set {chosen[place]}" for place in blamed)
    assert str(raised.value).startswith(f"{named}: {message}")


def test_values_of_a_recipe_written_in_python_are_checked_too() -> None:
    with pytest.raises(ConfigError, match=r"^recipe: training\.epochs: expected int >= 1$"):
        with_settings(Recipe(name="an4", training=TrainingConfig(epochs=0)), [])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "missing key name"),
        ([], "expected an object with keys, got list"),
        ({"name": "a", "model": None}, "model: expected object, got null"),
        ({"name": "a", "modle": {}}, "unknown key 'modle'; did you mean 'model'?"),
        ({"name": "a", "hidden": 3}, "unknown key 'hidden'; did you mean 'model.hidden'?"),
    ],
)
def test_bad_file_is_named(values: Any, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        from_dict(Recipe, values, where="run/recipe.json")
    assert str(raised.value) == f"run/recipe.json: {message}"
