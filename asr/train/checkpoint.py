"""Checkpoints: everything a run needs to go on, in one safetensors file, replaced in one rename.

Tensors are model parameters, optimiser state and random-number state; the plain rest is JSON in the
file's metadata. Nothing is pickled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from asr.errors import RunError
from asr.files import write_atomically

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Tensors by name, and plain values that JSON can hold."""

    tensors: Mapping[str, Tensor]
    values: Mapping[str, Any]


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint aside and renames it; raises RunError if it cannot."""
    values = {"format_version": FORMAT_VERSION, **checkpoint.values}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
    write_atomically(path, save(tensors, metadata={"values": json.dumps(values)}))


def read_checkpoint(path: Path, *needed: str) -> Checkpoint:
    """Reads a checkpoint.

    Args:
        path: As `write_checkpoint` wrote it.
        needed: Names that must be among its values.

    Raises:
        RunError: If it is missing, damaged, of another format version, or lacks what is needed.
    """
    try:
        with safe_open(path, framework="pt") as file:
            values = dict(json.loads((file.metadata() or {})["values"]))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise RunError(f"{path}: no such checkpoint; start the run without --resume") from None
    except (SafetensorError, KeyError, ValueError, TypeError, OSError) as error:
        problem = " ".join(str(error).split())
        raise RunError(f"{path}: damaged checkpoint ({problem}); start again in an empty folder") from None
    if values.pop("format_version", None) != FORMAT_VERSION:
        raise RunError(f"{path}: written by another version of asr; resume with that one, or start again")
    missing = set(needed) - set(values)
    if missing:
        raise RunError(
            f"{path}: not the checkpoint of a run (it lacks {min(missing)!r}); start again in an empty folder"
        )
    return Checkpoint(tensors, values)


def pack_training(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Collects the tensors of model, optimiser and random generators under unique names."""
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {
            f"optimizer.{index}.{key}": torch.as_tensor(value)
            for key, value in state.items()
            if value is not None
        }
    tensors["random.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    return tensors


def unpack_training(
    tensors: Mapping[str, Tensor], model: nn.Module, optimizer: torch.optim.Optimizer
) -> None:
    """Puts back what `pack_training` collected.

    Raises:
        RunError: If the tensors are of another model.
    """
    weights = {
        name.removeprefix("model."): tensor for name, tensor in tensors.items() if name.startswith("model.")
    }
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        problem = " ".join(str(error).split())[:200]
        raise RunError(
            f"the checkpoint is of another model ({problem}); start a new run in another folder"
        ) from None
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".", 2)
            state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    torch.set_rng_state(tensors["random.cpu"])
    if "random.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random.cuda"])


def average(checkpoints: list[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of several sets of weights; counters (integers) are taken from the first.

    Averaging the best checkpoints of one run lowers the variance of its end (Polyak and Juditsky, 1992).
    """
    first = checkpoints[0]
    return {
        name: torch.stack([weights[name].double() for weights in checkpoints]).mean(0).to(tensor.dtype)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in first.items()
    }
