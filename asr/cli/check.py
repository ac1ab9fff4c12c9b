"""``asr check``: look for mistakes in a manifest before training on it."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import click
import numpy as np

from asr.bundle import load_bundle
from asr.cli.recipes import load_recipe
from asr.config import FeatureConfig, ModelConfig, TokenizerConfig
from asr.data.check import Expectation, Findings, check_manifest
from asr.data.manifest import numbered_lines
from asr.model.lengths import emission_window
from asr.progress import counter
from asr.text.units import SPACE

SHOWN = 50


@click.command("check")
@click.argument("manifest", type=click.Path(path_type=Path))
@click.option("--recipe", type=click.Path(path_type=Path), help="Check against this recipe's settings.")
@click.option(
    "--model", type=click.Path(path_type=Path), help="Check against this model's vocabulary and settings."
)
@click.option(
    "--decode", is_flag=True, help="Decode every recording, which also finds damage behind the header."
)
@click.option("--all", "everything", is_flag=True, help=f"Show all problems, not only the first {SHOWN}.")
def command(manifest: Path, recipe: Path | None, model: Path | None, decode: bool, everything: bool) -> int:
    """Report what MANIFEST holds and every line that would harm training.

    Durations, speakers and characters; unreadable recordings, wrong durations, duplicates, empty
    texts, and utterances too short for CTC to write their text. Status 1 if there are problems.

    \b
    asr check data/mine/train/manifest.jsonl --recipe recipes/an4/bilstm.py
    """
    expected = _expectation(recipe, model, decode)
    lines = sum(1 for _ in numbered_lines(manifest))
    with counter("checking", lines) as advance:
        findings = check_manifest(manifest, expected, advance)
    click.echo(_summary(findings))
    problems = findings.problems if everything else findings.problems[:SHOWN]
    for problem in problems:
        click.echo(f"line {problem.line}: {problem.text}")
    if len(problems) < len(findings.problems):
        click.echo(f"… and {len(findings.problems) - len(problems)} more: --all shows them")
    return 1 if findings.problems else 0


def _expectation(recipe: Path | None, model: Path | None, decode: bool) -> Expectation:
    if model is not None:
        bundle = load_bundle(model)
        window = emission_window(bundle.model)
        return Expectation(bundle.features, bundle.tokenizer_config, window, bundle.tokenizer, decode)
    if recipe is not None:
        loaded = load_recipe(recipe)
        window = emission_window(loaded.model)
        return Expectation(
            loaded.features, loaded.tokenizer, window, None, decode, max(loaded.augment.speeds)
        )
    return Expectation(FeatureConfig(), TokenizerConfig(), emission_window(ModelConfig()), None, decode)


def _summary(findings: Findings) -> str:
    durations = np.array(findings.durations or [0.0])
    shortest, median, longest = np.quantile(durations, [0.0, 0.5, 1.0])
    units = " ".join(_shown(unit) + f"×{count}" for unit, count in findings.units[:100])
    more = f" … and {len(findings.units) - 100} more" if len(findings.units) > 100 else ""
    return "\n".join(
        [
            f"{len(findings.durations)} utterances, {durations.sum() / 3600:.2f} h, "
            f"{findings.speakers} speakers",
            f"durations: {shortest:.2f} s shortest, {median:.2f} s median, {longest:.2f} s longest",
            f"{len(findings.units)} units: {units}{more}",
            f"problems: {len(findings.problems)}" if findings.problems else "no problems",
        ]
    )


def _shown(unit: str) -> str:
    """A unit as it can be read in a terminal: combining and invisible characters get their names."""
    if unit == SPACE:
        return "space"
    if len(unit) == 1 and unicodedata.category(unit)[0] in "MCZ":
        return unicodedata.name(unit, f"U+{ord(unit):04X}").lower()
    return unit
