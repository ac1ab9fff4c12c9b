"""``asr train``: train a model from a recipe."""

from __future__ import annotations

import re
import runpy
import traceback
from dataclasses import fields, is_dataclass
from pathlib import Path

import click

from asr import config
from asr.cli import run
from asr.config import Recipe, from_dict, to_dict
from asr.errors import ConfigError, did_you_mean

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


def train(
    recipe: Recipe, data: Path, out: Path, settings: tuple[str, ...], device: str, resume: bool
) -> None:
    """Runs a recipe and prints its results on stdout."""
    from asr.recognize.scoring import format_report
    from asr.train.recipe import RunOptions, run_recipe

    outcome = run_recipe(recipe, RunOptions(data, out, settings, device, resume))
    for split, report in outcome.reports.items():
        click.echo(f"{split}:\n{format_report(report)}\n")
    click.echo(f"{outcome.bundle}: asr transcribe RECORDING --model {outcome.bundle}", err=True)


_options = [
    click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of the splits."),
    click.option("--out", type=click.Path(path_type=Path), required=True, help="Run folder to write."),
    click.option(
        "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change the recipe: training.epochs=2"
    ),
    click.option(
        "--device", default="auto", show_default=True, help="cpu, cuda, or auto: a GPU if there is one."
    ),
    click.option("--resume", is_flag=True, help="Go on with the run in --out where it stopped."),
]


def _with_options(function: click.decorators.FC) -> click.decorators.FC:
    for option in reversed(_options):
        function = option(function)
    return function


@click.command("train")
@click.argument("recipe", type=click.Path(path_type=Path))
@_with_options
def command(
    recipe: Path, data: Path, out: Path, settings: tuple[str, ...], device: str, resume: bool
) -> None:
    """Train a model from RECIPE, a Python file that defines a `recipe`.

    Writes checkpoints, metrics, learning curves and the finished model (OUT/bundle). Ctrl-C stops
    after the step at hand; the same command with --resume goes on exactly there.

    \b
    asr train recipes/an4/bilstm.py --data data/an4 --out runs/an4
    asr train recipes/an4/bilstm.py --data data/an4 --out runs/try --set training.epochs=5
    """
    train(load_recipe(recipe), data, out, settings, device, resume)


def main(recipe: Recipe) -> None:
    """The command line of a recipe file: the same options as ``asr train``."""

    @click.command(help=f"Train {recipe.name}: writes checkpoints, metrics and the finished model.")
    @_with_options
    def script(data: Path, out: Path, settings: tuple[str, ...], device: str, resume: bool) -> None:
        train(recipe, data, out, settings, device, resume)

    run(script)
