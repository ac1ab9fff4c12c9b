"""What two values of a config must agree on is checked wherever the config is made, in one line."""

from __future__ import annotations

from typing import Any

import pytest

from asr.config import AugmentConfig, FeatureConfig, ModelConfig, Recipe
from asr.errors import ConfigError
from asr.settings import from_dict, with_settings

ONE_DIRECTION = ModelConfig(bidirectional=False)
UTTERANCE = FeatureConfig(normalization="utterance")


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (FeatureConfig, {"fft": 500}, "fft (500) must be a power of two, such as 512"),
        (FeatureConfig, {"fft": 256}, "fft (256) must not be smaller than window (400)"),
        (FeatureConfig, {"hop": 401}, "hop (401) must not be greater than window (400)"),
        (AugmentConfig, {"gain_db": (3, 1)}, "gain_db: the lower end (3) comes first, then the upper (1)"),
        (
            ModelConfig,
            {"lookahead": 3},
            "lookahead (3) is for unidirectional models, a bidirectional one sees all that follows; "
            "set lookahead to 0, or bidirectional to false",
        ),
    ],
)
def test_values_that_do_not_fit_each_other(kind: type[Any], values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        kind(**values)
    assert str(raised.value) == message
    with pytest.raises(ConfigError) as raised:
        from_dict(kind, values, where="model.json")
    assert str(raised.value) == f"model.json: {message}"


def test_a_stream_has_no_mean_of_the_whole_utterance() -> None:
    with pytest.raises(ConfigError) as raised:
        Recipe(name="an4", features=UTTERANCE, model=ONE_DIRECTION)
    assert str(raised.value) == (
        "features.normalization 'utterance' does not suit a unidirectional model, as a stream has no mean "
        "of the whole utterance; set it to 'running' or 'corpus'"
    )
    with pytest.raises(ConfigError, match=r"^--set model\.bidirectional=false: features\.normalization "):
        with_settings(Recipe(name="an4", features=UTTERANCE), ["model.bidirectional=false"])


@pytest.mark.parametrize("normalization", ["corpus", "running"])
def test_a_unidirectional_model_may_look_ahead(normalization: Any) -> None:
    model = ModelConfig(bidirectional=False, lookahead=3)
    assert Recipe("an4", features=FeatureConfig(normalization=normalization), model=model).model == model


def test_what_a_bidirectional_model_may_combine() -> None:
    recipe = Recipe("an4", features=UTTERANCE)
    assert (recipe.model.bidirectional, recipe.model.lookahead) == (True, 0)
