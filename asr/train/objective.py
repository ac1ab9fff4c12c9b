"""What is minimised, and how a model is judged. The loop knows no more of it than this Protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from asr.data.batching import Batch


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss of a batch.

    Attributes:
        total: Sum over the utterances that count, a scalar that can be differentiated.
        count: How many they are.
        skipped: Utterances left out because no alignment exists or their loss is not finite.
        parts: Figures to watch, already averaged.
        advice: What to tell the user about them, mostly nothing.
    """

    total: Tensor
    count: int
    skipped: int
    parts: Mapping[str, float]
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Metrics:
    """How good a model is on the dev set.

    Attributes:
        error_rate: What keep-best and early stopping compare; lower is better.
        summary: The same in words and figures for the line of the epoch.
        parts: Further figures for the journal.
    """

    error_rate: float
    summary: str
    parts: Mapping[str, float]


class Objective(Protocol):
    """Something to train for."""

    @property
    def model(self) -> nn.Module:
        """The model whose parameters are trained."""

    def loss(self, batch: Batch) -> Loss:
        """The loss of a batch."""

    def validate(self) -> Metrics:
        """Judges the model as it is now."""
