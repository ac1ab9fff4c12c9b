"""Settles which recipe a run follows: a resumed run goes on with the recipe it began with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from asr.config import Recipe, from_dict, to_dict, with_settings
from asr.errors import RunError
from asr.files import write_atomically

_FIXED = ("features.", "tokenizer.", "model.", "training.optimizer")
_FREE = ("model.dropout", "model.path")


def settle_recipe(recipe: Recipe, run: Path, settings: Sequence[str], resume: bool) -> Recipe:
    """Resolves a recipe with its settings and writes it to the run folder.

    Args:
        recipe: As the recipe file has it.
        run: The run folder.
        settings: ``training.epochs=2`` each.
        resume: Whether to go on with the run in `run`.

    Returns:
        The resolved recipe.

    Raises:
        RunError: If a new run would overwrite an old one, or a resumed one differs in a key that no
            new setting names, or that weights or optimiser state depend on.
        ConfigError: If a setting does not fit.
    """
    path = run / "recipe.json"
    if not resume:
        if (run / "metrics.jsonl").exists():
            raise RunError(
                f"{run}: holds a run already; add --resume to go on with it, or choose another --out"
            )
        resolved, remembered = with_settings(recipe, settings), list(settings)
    else:
        stored, remembered = _read(path)
        remembered = [*remembered, *settings]
        resolved = with_settings(recipe, remembered)
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
    content = {"recipe": to_dict(resolved), "settings": remembered}
    write_atomically(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return resolved


def settle_data(run: Path, hashes: Mapping[str, str]) -> None:
    """Makes sure that a resumed run goes on with the data it began with.

    Args:
        run: The run folder; its environment.json tells what the run began with.
        hashes: SHA-256 of each manifest as it is now, by path.

    Raises:
        RunError: If a manifest is another one than when the run began.
    """
    path = run / "environment.json"
    if not path.exists():
        return
    try:
        before = dict(json.loads(path.read_text(encoding="utf-8"))["data"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path}: damaged ({error}); start a new run in another folder") from None
    for name, digest in hashes.items():
        if before.get(name, digest) != digest:
            raise RunError(
                f"{name} has changed since the run in {run} began; restore it, or start a new run elsewhere"
            )


def _read(path: Path) -> tuple[Recipe, list[str]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return from_dict(Recipe, content["recipe"], where=str(path)), [
            str(setting) for setting in content["settings"]
        ]
    except FileNotFoundError:
        raise RunError(f"{path.parent}: no run to resume; leave out --resume to start one") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path}: damaged ({error}); start a new run in another folder") from None


def _differences(before: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[tuple[str, str, str]]:
    found = []
    for key in before:
        if isinstance(before[key], dict):
            found += _differences(before[key], now[key], f"{prefix}{key}.")
        elif before[key] != now[key]:
            found.append((prefix + key, json.dumps(before[key]), json.dumps(now[key])))
    return found
