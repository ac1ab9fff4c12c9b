"""Recipe files: Python files that define a value `recipe`."""

from __future__ import annotations

import re
import runpy
import traceback
from dataclasses import fields, is_dataclass
from pathlib import Path

from asr import config
from asr.config import Recipe
from asr.errors import ConfigError, did_you_mean
from asr.settings import from_dict, to_dict

_MISTAKES = (SyntaxError, NameError, AttributeError, TypeError, ValueError, ImportError, ConfigError)
"""What a slip in a recipe raises; anything else is no slip and keeps its traceback."""


def load_recipe(path: Path) -> Recipe:
    """Reads the value `recipe` of a recipe file.

    Raises:
        ConfigError: If there is no such file, it cannot be run, it defines no `recipe`, or the recipe
            has an unknown key or a value that does not fit.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: no such recipe; see recipes/ for examples")
    try:
        recipe = runpy.run_path(str(path)).get("recipe")
    except _MISTAKES as error:
        raise ConfigError(f"{path}{_line(path, error)}: {_mistake(error)}; correct the recipe") from None
    if not isinstance(recipe, Recipe):
        raise ConfigError(
            f"{path}: defines no recipe; write recipe = Recipe(name=…), as in recipes/an4/bilstm.py"
        )
    return from_dict(Recipe, to_dict(recipe), where=str(path))


def _line(path: Path, error: Exception) -> str:
    """Says which line of the recipe raised an error, as far as it is known."""
    frames = traceback.extract_tb(error.__traceback__)
    numbers = [frame.lineno for frame in frames if frame.filename == str(path)]
    number = error.lineno if isinstance(error, SyntaxError) else next(reversed(numbers), None)
    return f", line {number}" if number else ""


def _mistake(error: Exception) -> str:
    text = " ".join(str(getattr(error, "msg", error)).split())
    unknown = re.match(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'", text)
    kind = getattr(config, unknown[1], None) if unknown else None
    if unknown and is_dataclass(kind):
        return f"unknown key {unknown[2]!r}{did_you_mean(unknown[2], [field.name for field in fields(kind)])}"
    return text
