"""Learning without forgetting: which layers stay, and what counts as better while a model is trained."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import nn

from asr.data.batching import Batch
from asr.errors import ConfigError
from asr.model.acoustic import AcousticModel
from asr.train.choice import Rates
from asr.train.ctc import CTCObjective
from asr.train.objective import Loss, Metrics

PENALTY = 1.0
"""What a point too much that is forgotten counts in an epoch's figure, in points of the new dev set."""


def parts_from_below(model: AcousticModel) -> list[tuple[nn.Module, ...]]:
    """The parts that can stay as they are: the convolutions, then each recurrent layer with its norm."""
    return [
        (model.front_end,),
        *((norm, layer) for norm, layer in zip(model.norms, model.layers, strict=True)),
    ]


def freeze(model: AcousticModel, count: int) -> tuple[nn.Module, ...]:
    """Lets the lowest parts of a model stay as they are.

    Args:
        model: What will be trained.
        count: Parts: 1 for the convolutions, 2 for the lowest recurrent layer too, and so on.

    Returns:
        The modules, for `RetainingObjective`, which keeps their running averages still.

    Raises:
        ConfigError: If the model has fewer parts.
    """
    parts = parts_from_below(model)
    if count > len(parts):
        raise ConfigError(
            f"freeze: the model has the convolutions and {len(parts) - 1} recurrent layers, "
            f"{len(parts)} parts, of which {count} cannot stay as they are; choose {len(parts)} at most"
        )
    frozen = tuple(module for part in parts[:count] for module in part)
    for module in frozen:
        module.requires_grad_(requires_grad=False)
    return frozen


class RetainingObjective:
    """Trains on new speech, and judges by new and old speech; it begins with the weights of the base.

    Args:
        new: The objective, with the new dev set.
        old: The same with the old dev set; None where nobody watches what is forgotten.
        allowed: How much the error rate on the old dev set may rise, 0.01 for one point.
        frozen: What stays as it is.

    Attributes:
        model: What is trained.
    """

    def __init__(
        self, new: CTCObjective, old: CTCObjective | None, allowed: float, frozen: Sequence[nn.Module] = ()
    ) -> None:
        self.model = new.model
        self._new, self._old = new, old
        self._frozen = tuple(frozen)
        self._limit = self._old_rate() + allowed

    def loss(self, batch: Batch) -> Loss:
        """The loss of a batch of new and old speech."""
        for module in self._frozen:
            module.eval()
        return self._new.loss(batch)

    def validate(self) -> Metrics:
        """The new dev set, made worse by what is forgotten beyond what is allowed."""
        metrics, old = self._new.validate(), self._old_rate()
        excess = old - self._limit if old > self._limit else 0.0
        summary = metrics.summary if self._old is None else f"{metrics.summary}  old {100 * old:6.2f} %"
        parts = {**metrics.parts, "new_error_rate": metrics.error_rate, "old_error_rate": old}
        rates = Rates(metrics.error_rate, metrics.parts["dev_character_error_rate"])
        return Metrics(rates.rank + PENALTY * excess, summary, parts)

    def _old_rate(self) -> float:
        return math.nan if self._old is None else self._old.validate().error_rate
