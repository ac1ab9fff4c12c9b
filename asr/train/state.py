"""Where a run stands, and where it keeps its files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Kept:
    """Weights worth keeping: the epoch after which they were taken, and their dev error rate."""

    epoch: int
    error_rate: float


@dataclass(slots=True)
class TrainState:
    """Where a run stands; with the tensors of model, optimiser and random numbers it is all there is.

    Attributes:
        epoch, batch: The next batch to train on.
        step: Optimiser steps done.
        loss_total, loss_count: Sum and number of the losses of this epoch.
        skipped: Utterances left out so far because they cannot be aligned or gave no finite loss.
        skipped_steps: Optimiser steps left out because the gradient was not finite.
        improved: Whether a validation was ever better than one before. Models may need
            epochs before they say anything; until then no validation counts as a stall.
        stalls: Validations since the best one.
        halvings: How often the `plateau` schedule has halved the learning rate.
        cpu_seconds: Processor time spent training, of all processes.
        kept: The best weights so far, best first.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    loss_total: float = 0.0
    loss_count: int = 0
    skipped: int = 0
    skipped_steps: int = 0
    improved: bool = False
    stalls: int = 0
    halvings: int = 0
    cpu_seconds: float = 0.0
    kept: list[Kept] = field(default_factory=list)


def checkpoint_path(run: Path) -> Path:
    """Where a run keeps its checkpoint."""
    return run / "checkpoint.safetensors"


def kept_path(run: Path, epoch: int) -> Path:
    """Where a run keeps the weights after an epoch."""
    return run / "best" / f"epoch-{epoch:03d}.safetensors"
