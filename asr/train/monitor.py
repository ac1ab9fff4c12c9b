"""Is training healthy? Gradient norms per layer, and advice when the loss is stuck."""

from __future__ import annotations

import math
from collections import deque

from torch import nn

WINDOW_STEPS = 200
ALL_BLANK = 0.999


def gradient_norms(model: nn.Module) -> dict[str, float]:
    """The norm of the gradients of each top-level part; layers of a list count separately."""
    squares: dict[str, float] = {}
    for name, parameter in model.named_parameters():
        if parameter.grad is None:
            continue
        parts = name.split(".")
        part = ".".join(parts[:2]) if len(parts) > 1 and parts[1].isdigit() else parts[0]
        squares[part] = squares.get(part, 0.0) + float(parameter.grad.pow(2).sum())
    return {part: math.sqrt(square) for part, square in squares.items()}


class StuckLoss:
    """Notices when a model writes only blanks and its loss no longer falls, and says what helps.

    CTC models first learn to write blanks everywhere; most leave that state after some hundred
    steps. One that stays there has too small or too large a learning rate, too strong augmentation,
    too short emissions, or texts that do not belong to the recordings.
    """

    def __init__(self) -> None:
        self._losses: deque[float] = deque(maxlen=2 * WINDOW_STEPS)
        self._blanks: deque[float] = deque(maxlen=WINDOW_STEPS)
        self._told = False

    def update(self, loss: float, blank_ratio: float) -> str:
        """Takes the figures of one step; returns advice once, else an empty text."""
        self._losses.append(loss)
        self._blanks.append(blank_ratio)
        if self._told or len(self._losses) < 2 * WINDOW_STEPS:
            return ""
        losses = list(self._losses)
        before, now = sum(losses[:WINDOW_STEPS]), sum(losses[WINDOW_STEPS:])
        if min(self._blanks) < ALL_BLANK or now < 0.97 * before:
            return ""
        self._told = True
        return (
            f"only blanks for {WINDOW_STEPS} steps, and the loss stays at {now / WINDOW_STEPS:.1f}: "
            "check that texts belong to their recordings (asr check), lower or raise training.learning_rate "
            "three-fold, begin SpecAugment later (augment.spec_from_epoch), or use model.subsampling=2"
        )
