"""``asr train``: train a model from a recipe."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from asr.cli import run
from asr.cli.recipes import load_recipe
from asr.config import Recipe


def train(
    recipe: Recipe, data: Path, out: Path, settings: tuple[str, ...], device: str, resume: bool
) -> None:
    """Runs a recipe and prints its results on stdout."""
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # torch would tell of every connection that ended
    from asr.recognize.report_formats import format_report
    from asr.train.distributed import ToldElsewhere
    from asr.train.recipe import RunOptions, run_recipe

    try:
        outcome = run_recipe(recipe, RunOptions(data, out, settings, device, resume))
    except ToldElsewhere as silent:
        sys.exit(silent.status)
    if not outcome.reports:
        return
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
    torchrun --nproc-per-node=2 -m asr train recipes/an4/bilstm.py --data data/an4 --out runs/an4
    """
    train(load_recipe(recipe), data, out, settings, device, resume)


def main(recipe: Recipe) -> None:
    """The command line of a recipe file: the same options as ``asr train``."""

    @click.command(help=f"Train {recipe.name}: writes checkpoints, metrics and the finished model.")
    @_with_options
    def script(data: Path, out: Path, settings: tuple[str, ...], device: str, resume: bool) -> None:
        train(recipe, data, out, settings, device, resume)

    run(script)
