"""A run follows one recipe from beginning to end; a change on the way has to be meant."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from asr.config import ModelConfig, Recipe, TrainingConfig
from asr.errors import AsrError, ConfigError, RunError
from asr.train.settle import record, settle_data, settle_recipe

RECIPE = Recipe(name="r", training=TrainingConfig(epochs=5), model=ModelConfig(hidden=8))


def refused(recipe: Recipe, run: Path, *settings: str, resume: bool = True) -> str:
    before = (run / "recipe.json").read_bytes() if (run / "recipe.json").exists() else b""
    with pytest.raises(AsrError) as caught:
        settle_recipe(recipe, run, settings, resume)
    assert "\n" not in str(caught.value)
    after = (run / "recipe.json").read_bytes() if (run / "recipe.json").exists() else b""
    assert before == after, "a refused recipe was written"
    return str(caught.value)


def begun(recipe: Recipe, run: Path, settings: Sequence[str] = (), resume: bool = False) -> Recipe:
    """Settles a recipe and writes it down, as a run does when it begins or goes on."""
    settled = settle_recipe(recipe, run, settings, resume)
    record(run, settled, {"commit": "abc"}, {}, resume)
    return settled.recipe


def changed(**values: object) -> Recipe:
    return replace(RECIPE, training=replace(RECIPE.training, **values))  # type: ignore[arg-type]


def test_a_new_run_writes_the_resolved_recipe(tmp_path: Path) -> None:
    resolved = begun(RECIPE, tmp_path / "run", ["training.epochs=2"], resume=False)
    assert resolved.training.epochs == 2
    written = json.loads((tmp_path / "run" / "recipe.json").read_text())["recipe"]
    assert written["training"]["epochs"] == 2
    assert written["model"]["hidden"] == 8


def test_a_new_run_does_not_overwrite_an_old_one(tmp_path: Path) -> None:
    begun(RECIPE, tmp_path, [], resume=False)
    (tmp_path / "metrics.jsonl").write_text("")
    message = refused(RECIPE, tmp_path, resume=False)
    assert str(tmp_path) in message
    assert "--resume" in message
    assert "--out" in message


def test_a_run_that_failed_before_it_began_does_not_block_its_folder(tmp_path: Path) -> None:
    begun(RECIPE, tmp_path, [], resume=False)
    assert begun(changed(epochs=9), tmp_path, [], resume=False).training.epochs == 9


def test_resume_goes_on_with_settings_of_the_beginning(tmp_path: Path) -> None:
    begun(RECIPE, tmp_path, ["training.epochs=2", "name=short"], resume=False)
    for _ in range(2):
        resolved = begun(RECIPE, tmp_path, [], resume=True)
        assert (resolved.training.epochs, resolved.name) == (2, "short")


def test_a_changed_recipe_names_key_values_and_remedy(tmp_path: Path) -> None:
    begun(RECIPE, tmp_path, [], resume=False)
    message = refused(changed(learning_rate=0.5), tmp_path)
    for part in ("recipe.json", "training.learning_rate=0.002", "0.5", "--set training.learning_rate=0.5"):
        assert part in message
    assert refused(changed(learning_rate=0.5), tmp_path, "training.epochs=7")


def test_the_remedy_of_the_message_works_and_is_remembered(tmp_path: Path) -> None:
    begun(RECIPE, tmp_path, [], resume=False)
    recipe = replace(changed(learning_rate=0.5), dev_speakers=("ann", "bob"))
    settings: list[str] = []
    for _ in range(3):
        try:
            resolved = begun(recipe, tmp_path, settings, resume=True)
            break
        except RunError as error:
            settings.append(str(error).partition("--set ")[2].partition(" if you mean it")[0])
    assert resolved == recipe
    assert begun(recipe, tmp_path, [], resume=True) == recipe


def test_a_setting_of_a_whole_group_names_all_its_keys(tmp_path: Path) -> None:
    begun(RECIPE, tmp_path, [], resume=False)
    resolved = begun(RECIPE, tmp_path, ['training={"epochs": 9, "clip": 1.0}'], resume=True)
    assert (resolved.training.epochs, resolved.training.clip) == (9, 1.0)


@pytest.mark.parametrize(
    "setting",
    [
        "model.hidden=9",
        "model.cell=gru",
        "features.mels=40",
        "tokenizer.kind=words",
        "training.optimizer=sgd",
    ],
)
def test_what_the_weights_depend_on_cannot_change_on_the_way(tmp_path: Path, setting: str) -> None:
    begun(RECIPE, tmp_path, [], resume=False)
    message = refused(RECIPE, tmp_path, setting)
    assert setting.partition("=")[0] in message
    assert "cannot change" in message


@pytest.mark.parametrize("setting", ["model.dropout=0.5", "model.path=packed"])
def test_dropout_and_path_may_change(tmp_path: Path, setting: str) -> None:
    begun(RECIPE, tmp_path, [], resume=False)
    begun(RECIPE, tmp_path, [setting], resume=True)


def test_resume_without_a_run_is_refused(tmp_path: Path) -> None:
    assert "no run to resume" in refused(RECIPE, tmp_path / "nowhere")


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"7", b"{}", b"\xff\xfe", b'{"recipe": {}}', b'{"recipe": {"name": "r"}}',
        b'{"recipe": [], "settings": []}', b'{"recipe": {"name": "r"}, "settings": 5}',
        b'{"recipe": {"name": "r"}, "settings": [5]}', b'{"recipe": {"nam": "r"}, "settings": []}',
    ],
)  # fmt: skip
def test_a_damaged_recipe_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "recipe.json").write_bytes(content)
    refused(RECIPE, tmp_path)


def test_an_unknown_setting_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="epochs"):
        settle_recipe(RECIPE, tmp_path / "run", ["training.epoch=2"], resume=False)
    assert not (tmp_path / "run").exists()


def test_changed_manifests_are_refused_on_resume(tmp_path: Path) -> None:
    settle_data(tmp_path, {"train/manifest.jsonl": "1"})
    (tmp_path / "environment.json").write_text(json.dumps({"data": {"train/manifest.jsonl": "1"}}))
    settle_data(tmp_path, {"train/manifest.jsonl": "1", "more/manifest.jsonl": "2"})
    with pytest.raises(RunError, match=r"train/manifest\.jsonl has changed") as caught:
        settle_data(tmp_path, {"train/manifest.jsonl": "2"})
    assert "\n" not in str(caught.value)
    (tmp_path / "environment.json").write_text("[")
    with pytest.raises(RunError, match=r"environment\.json: damaged"):
        settle_data(tmp_path, {})


def test_settling_writes_nothing(tmp_path: Path) -> None:
    settle_recipe(RECIPE, tmp_path, ["training.epochs=2"], resume=False)
    assert not list(tmp_path.iterdir())


def test_a_resumed_run_keeps_what_it_began_with_and_adds_where_it_went_on(tmp_path: Path) -> None:
    settled = settle_recipe(RECIPE, tmp_path, [], resume=False)
    record(tmp_path, settled, {"commit": "first"}, {"train": "1"}, resume=False)
    for commit in ("second", "third"):
        facts = record(tmp_path, settled, {"commit": commit}, {"train": "1", "more": "2"}, resume=True)
    assert facts == json.loads((tmp_path / "environment.json").read_text())
    assert facts == {
        "commit": "first",
        "data": {"train": "1", "more": "2"},
        "resumed": [{"commit": "second"}, {"commit": "third"}],
    }
