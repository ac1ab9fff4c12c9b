"""All that is looked at, in order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from asr.doctor.findings import Finding
from asr.doctor.machine import machine, packages
from asr.doctor.processes import Trial, attempt

MOST_MODELS = 8
TRAIN = "asr train recipes/an4/bilstm.py --data DATA --out RUN  # or name one with --model"


def examine(model: Path | None = None) -> list[Finding]:
    """Looks at everything; takes some seconds.

    Args:
        model: A model folder to try; by default those that lie where models usually do.
    """
    models = [model] if model is not None else list(find_models())
    trials = [
        Trial("audio", "", _failed("audio", "reading", needed=True)),
        Trial("kernels", "", _failed("kernels", "log-mel features", needed=True)),
        Trial("onnx", "", _failed("engines", "onnx")),
        *_torch(),
        *_microphone(),
        *(Trial("model", str(one), _failed("models", str(one))) for one in models[:MOST_MODELS]),
    ]
    found = [*machine(), *packages(), *attempt(trials), *_untried()]
    if not models:
        text = "none in models/, runs/*/bundle and the package, and ASR_MODEL names none"
        found.append(Finding("models", "model", "missing", text, TRAIN))
    elif len(models) > MOST_MODELS:
        found.append(Finding("models", "others", "good", f"{len(models) - MOST_MODELS} more were not tried"))
    return sorted(found, key=lambda one: TOPICS.index(one.topic))


TOPICS = ("machine", "packages", "extras", "audio", "kernels", "engines", "microphone", "models")


def find_models() -> Iterator[Path]:
    """Model folders: that of ASR_MODEL, those of the package, of ``models/`` and of finished runs."""
    named = os.environ.get("ASR_MODEL")
    if named:
        yield Path(named)
    package = Path(__file__).parents[1] / "models"
    for folder, pattern in ((package, "*"), (Path("models"), "*"), (Path("runs"), "*/bundle")):
        try:
            yield from sorted(path for path in folder.glob(pattern) if (path / "model.json").is_file())
        except OSError:
            continue


def _failed(topic: str, name: str, *, needed: bool = False) -> Finding:
    return Finding(topic, name, "broken", "", "", needed)


def _torch() -> list[Trial]:
    return [Trial("torch", "", _failed("engines", "torch"))] if find_spec("torch") else []


def _microphone() -> list[Trial]:
    found = find_spec("sounddevice")
    return [Trial("microphone", "", _failed("microphone", "sounddevice"))] if found else []


def _untried() -> Iterator[Finding]:
    if not _torch():
        text = "torch is not installed; models with ONNX graphs need none"
        yield Finding("engines", "torch", "missing", text, "pip install 'recurrent-asr[train]'")
    if not _microphone():
        text = "the package is not installed"
        yield Finding("microphone", "sounddevice", "missing", text, "pip install 'recurrent-asr[listen]'")
