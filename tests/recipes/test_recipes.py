"""Every recipe file is a recipe, says how to run it, and chooses on the agreed development speakers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from asr.cli.recipes import load_recipe
from asr.config import Recipe
from asr.settings import from_dict, to_dict

ROOT = Path(__file__).parent.parent.parent
RECIPES = sorted(
    path.relative_to(ROOT)
    for path in (ROOT / "recipes").glob("*/*.py")
    if re.search(r"^recipe = ", path.read_text(encoding="utf-8"), re.MULTILINE)
)


def test_there_are_recipes() -> None:
    assert {path.parent.name for path in RECIPES} >= {"an4", "digits", "yesno"}


@pytest.mark.parametrize("path", RECIPES, ids=str)
def test_a_recipe_loads_and_survives_json(path: Path) -> None:
    recipe = load_recipe(ROOT / path)
    assert from_dict(Recipe, to_dict(recipe)) == recipe
    assert f"python {path.as_posix()} --data" in (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", RECIPES, ids=str)
def test_the_readme_beside_a_recipe_shows_how_to_run_one(path: Path) -> None:
    text = (ROOT / path.parent / "README.md").read_text(encoding="utf-8")
    assert f"python recipes/{path.parent.name}/" in text


def test_names_of_recipes_differ() -> None:
    names = [load_recipe(ROOT / path).name for path in RECIPES]
    assert len(set(names)) == len(names)


@pytest.mark.data
@pytest.mark.parametrize("path", [path for path in RECIPES if path.parent.name == "an4"], ids=str)
def test_an4_chooses_on_the_agreed_speakers(path: Path, data_folder: Path) -> None:
    agreed = json.loads((data_folder / "dev_speakers.json").read_text(encoding="utf-8"))
    assert list(load_recipe(ROOT / path).dev_speakers) == agreed["an4"]["speakers"]
