"""Settles what a run follows: a resumed one goes on with the recipe and the data it began with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from asr.errors import RunError
from asr.files import write_atomically
from asr.settings import from_dict, to_dict, with_settings

Kind = TypeVar("Kind")
"""A `Recipe`, or another config that says all that a run depends on."""

RECIPE = "recipe.json"
ENVIRONMENT = "environment.json"
_FIXED = ("features.", "tokenizer.", "model.", "training.optimizer")
_FREE = ("model.dropout", "model.path")
_MAPPINGS = ("train_weights",)
"""Keys whose values are mappings, and no groups of further keys."""


@dataclass(frozen=True, slots=True)
class Settled(Generic[Kind]):
    """The recipe that a run follows.

    Attributes:
        recipe: With all settings applied.
        settings: All settings given so far, ``training.epochs=2`` each.
    """

    recipe: Kind
    settings: tuple[str, ...]


def settle_recipe(recipe: Kind, run: Path, settings: Sequence[str], resume: bool) -> Settled[Kind]:
    """Resolves a recipe with its settings; nothing is written yet.

    Args:
        recipe: As the recipe file has it.
        run: The run folder.
        settings: ``training.epochs=2`` each.
        resume: Whether to go on with the run in `run`.

    Raises:
        RunError: If a new run would overwrite an old one, or a resumed one differs in a key that no
            new setting names, or that weights or optimiser state depend on.
        ConfigError: If a setting does not fit.
    """
    if resume:
        return _settle_resumed(recipe, run / RECIPE, settings)
    if (run / "metrics.jsonl").exists():
        raise RunError(f"{run}: holds a run already; add --resume to go on with it, or choose another --out")
    return Settled(with_settings(recipe, settings), tuple(settings))


def _settle_resumed(recipe: Kind, path: Path, settings: Sequence[str]) -> Settled[Kind]:
    stored, remembered = _read(type(recipe), path)
    everything = (*remembered, *settings)
    resolved = with_settings(recipe, everything)
    named = [setting.partition("=")[0].strip() for setting in settings]
    for key, before, now in _differences(to_dict(stored), to_dict(resolved)):
        if key.startswith(_FIXED) and key not in _FREE:
            raise RunError(
                f"{path}: the run began with {key}={before}, the recipe now says {now}, which cannot "
                "change on the way; restore it, or start a new run in another folder"
            )
        if not any(key == name or key.startswith(f"{name}.") for name in named):
            raise RunError(
                f"{path}: the run began with {key}={before}, the recipe now says {now}; "
                f"restore it, or add --set {key}={now} if you mean it"
            )
    return Settled(resolved, everything)


def settle_data(run: Path, hashes: Mapping[str, str]) -> None:
    """Makes sure that a resumed run goes on with the data it began with.

    Args:
        run: The run folder; its environment.json tells what the run began with.
        hashes: SHA-256 of each manifest as it is now, by path.

    Raises:
        RunError: If a manifest is another one than when the run began.
    """
    before = _recorded(run).get("data", {})
    for name, digest in hashes.items():
        if before.get(name, digest) != digest:
            raise RunError(
                f"{name} has changed since the run in {run} began; restore it, or start a new run elsewhere"
            )


def record(
    run: Path, settled: Settled[Any], environment: Mapping[str, Any], hashes: Mapping[str, str], resume: bool
) -> dict[str, Any]:
    """Writes recipe.json and environment.json, once everything is settled.

    Args:
        run: The run folder.
        settled: Its recipe.
        environment: Commit, versions and processor as they are now.
        hashes: SHA-256 of each manifest, by path.
        resume: Whether the run goes on: what it began with is kept, and `environment` added to a list.

    Returns:
        What environment.json says now.

    Raises:
        RunError: If they cannot be written.
    """
    content = {"recipe": to_dict(settled.recipe), "settings": list(settled.settings)}
    write_atomically(run / RECIPE, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    before = _recorded(run) if resume else {}
    facts = {**before, "resumed": [*before.get("resumed", []), dict(environment)]} if before else environment
    facts = {**facts, "data": {**before.get("data", {}), **hashes}}
    write_atomically(run / ENVIRONMENT, json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    return facts


def _recorded(run: Path) -> dict[str, Any]:
    """What environment.json says; nothing where the run stopped before it was written."""
    path = run / ENVIRONMENT
    if not path.exists():
        return {}
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        dict(facts["data"]), list(facts.get("resumed", []))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{path}: damaged ({error}); start a new run in another folder") from None
    return dict(facts)


def _read(kind: type[Kind], path: Path) -> tuple[Kind, list[str]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return from_dict(kind, content["recipe"], where=str(path)), [
            str(setting) for setting in content["settings"]
        ]
    except FileNotFoundError:
        raise RunError(f"{path.parent}: no run to resume; leave out --resume to start one") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path}: damaged ({error}); start a new run in another folder") from None


def _differences(before: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[tuple[str, str, str]]:
    found = []
    for key in before:
        if isinstance(before[key], dict) and key not in _MAPPINGS:
            found += _differences(before[key], now[key], f"{prefix}{key}.")
        elif before[key] != now[key]:
            found.append((prefix + key, json.dumps(before[key]), json.dumps(now[key])))
    return found
