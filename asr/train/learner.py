"""One step of learning: the losses of a group of batches, one gradient, one update.

With several processes each computes its share of every batch. Gradients are sums over utterances; they are
added up over all processes and divided by the number of utterances that count in all of them, never averaged
over means of unequal numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from asr.config import TrainingConfig
from asr.data.batching import Batch
from asr.progress import warn
from asr.train.distributed import ALONE, Ranks
from asr.train.monitor import gradient_norms
from asr.train.objective import Objective
from asr.train.optimizer import make_optimizer, set_learning_rate
from asr.train.precision import Precision


@dataclass(frozen=True, slots=True)
class Step:
    """What a step did, over all processes.

    Attributes:
        total, count: Sum and number of the losses.
        skipped: Utterances left out.
        applied: Whether the weights were changed: only where the gradient was finite.
        figures: To watch: gradient norms before clipping, and the parts of the last loss here.
    """

    total: float
    count: int
    skipped: int
    applied: bool
    figures: Mapping[str, float]


class Learner:
    """A model, its objective and its optimiser.

    Args:
        objective: What to minimise, and the model.
        config: Of the optimiser.
        precision: The number format of the forward pass.
        ranks: The processes that learn together.
    """

    def __init__(
        self, objective: Objective, config: TrainingConfig, precision: Precision, ranks: Ranks = ALONE
    ) -> None:
        self.objective = objective
        self.config = config
        self.precision = precision
        self.ranks = ranks
        self.optimizer = make_optimizer(objective.model, config)
        self._device = next(objective.model.parameters()).device

    def step(self, group: Sequence[Batch], number: int, rate: float, *, layers: bool = False) -> Step:
        """Learns from a group of batches.

        Args:
            group: This process's shares of the batches.
            number: Of the step, counted from 0; dropout is drawn for it where there are several processes.
            rate: The learning rate.
            layers: Whether to measure the gradient of every layer too.
        """
        set_learning_rate(self.optimizer, rate)
        self.optimizer.zero_grad(set_to_none=True)
        self.ranks.seed(self.config.seed, number)
        total, count, skipped = 0.0, 0, 0
        parts: Mapping[str, float] = {}
        for batch in group:
            with self.precision.autocast(self._device):
                loss = self.objective.loss(batch)
            if loss.count:
                torch.autograd.backward(loss.total)
            total += float(loss.total.detach())
            count += loss.count
            skipped += loss.skipped
            parts = loss.parts
            if loss.advice:
                warn(loss.advice)
        total, *counts = self.ranks.sum([total, count, skipped])
        count, skipped = (int(number) for number in counts)
        applied, norms = self._apply_gradients(count, layers=layers)
        return Step(total, count, skipped, applied, {**norms, **parts})

    def _apply_gradients(self, count: int, *, layers: bool) -> tuple[bool, dict[str, float]]:
        """Scales by the number of utterances, clips, and updates.

        Returns:
            Whether it did, and gradient norms before clipping: of everything and, if wanted, of every layer.
        """
        model = self.objective.model
        parameters = [parameter for parameter in model.parameters() if parameter.grad is not None]
        if self.ranks.count > 1:
            parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
            self.ranks.add_up([_gradient(parameter) for parameter in parameters])
            self.ranks.average(buffer for buffer in model.buffers() if buffer.is_floating_point())
        for parameter in parameters:
            _gradient(parameter).div_(max(count, 1))
        norms = {}
        if layers:
            norms = {f"gradient_norm/{part}": norm for part, norm in gradient_norms(model).items()}
        norms["gradient_norm"] = float(torch.nn.utils.clip_grad_norm_(parameters, self.config.clip))
        if not count or not math.isfinite(norms["gradient_norm"]):
            return False, norms
        self.optimizer.step()
        return True, norms


def _gradient(parameter: Tensor) -> Tensor:
    """The gradient of a parameter; zeros where nothing here depends on it."""
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad
