"""Learning without forgetting: which layers stay, what counts as better, and which weights are kept."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from asr.data.batching import Batch
from asr.errors import ConfigError
from asr.model.acoustic import AcousticModel
from asr.train.checkpoint import average, read_checkpoint
from asr.train.ctc import CTCObjective
from asr.train.finish import Chosen, stored
from asr.train.objective import Loss, Metrics

PENALTY = 10.0
"""What a point too much that is forgotten counts in an epoch's figure, in points of the new dev set."""

TIE = 1e-3
"""What the error rate of characters counts beside that of words, which is often equal on little speech."""

SHARES = (0.25, 0.5, 0.75, 1.0)
"""How much of the way from the base to the trained weights is tried out."""


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


@dataclass(frozen=True, slots=True)
class Rates:
    """Greedy error rates.

    Attributes:
        new, characters: Of words and characters on what is learnt.
        old: Of words on what is not to be forgotten; nan where nobody watches it.
    """

    new: float
    characters: float
    old: float

    @property
    def rank(self) -> float:
        """How bad the model is at what is learnt; among equal word error rates, characters tell."""
        return self.new + TIE * self.characters


class RetainingObjective:
    """Trains on new speech, and judges by new and old speech; it begins with the weights of the base.

    Args:
        new: The objective, with the new dev set.
        old: The same with the old dev set; None where nobody watches what is forgotten.
        allowed: How much the error rate on the old dev set may rise, 0.01 for one point.
        frozen: What stays as it is.

    Attributes:
        model: What is trained.
        before: The error rates of the base.
    """

    def __init__(
        self, new: CTCObjective, old: CTCObjective | None, allowed: float, frozen: Sequence[nn.Module] = ()
    ) -> None:
        self.model = new.model
        self._new, self._old = new, old
        self._frozen = tuple(frozen)
        self.before = replace(self.new_rates(), old=self.old_rate())
        self._limit = self.before.old + allowed

    def loss(self, batch: Batch) -> Loss:
        """The loss of a batch of new and old speech."""
        for module in self._frozen:
            module.eval()
        return self._new.loss(batch)

    def validate(self) -> Metrics:
        """The new dev set, made worse by what is forgotten beyond what is allowed."""
        metrics, old = self._new.validate(), self.old_rate()
        excess = 0.0 if self.remembers(old) else old - self._limit
        summary = metrics.summary if self._old is None else f"{metrics.summary}  old {100 * old:6.2f} %"
        parts = {**metrics.parts, "new_error_rate": metrics.error_rate, "old_error_rate": old}
        return Metrics(_rates(metrics).rank + PENALTY * excess, summary, parts)

    def new_rates(self) -> Rates:
        """The error rates on the new dev set alone."""
        return _rates(self._new.validate())

    def old_rate(self) -> float:
        """The error rate on the old dev set; nan without one."""
        return math.nan if self._old is None else self._old.validate().error_rate

    def remembers(self, old: float) -> bool:
        """Whether an error rate on the old dev set is within what is allowed; so it is without one."""
        return not old > self._limit


def choose_retaining(
    objective: RetainingObjective, base: Mapping[str, Tensor], kept: Sequence[Path]
) -> Chosen:
    """Takes the weights that are best on the new dev set, of those that forget no more than is allowed.

    Besides the best epoch and the mean of the best ones, weights between the base and these are tried: on
    the way there, what is learnt and what is kept often add up (Wortsman et al., "Robust fine-tuning of
    zero-shot models", CVPR 2022). The base itself stays where nothing is better.

    Args:
        objective: Judges weights; its model is left with some of them.
        base: The weights before training.
        kept: Weights of the best epochs, best first.
    """
    judged: list[tuple[float, float, str, Rates, dict[str, Tensor]]] = []
    for name, trained in _trained(kept):
        for share in SHARES:
            weights = mixed(base, trained, share)
            objective.model.load_state_dict(weights)
            rates = objective.new_rates()
            judged.append((rates.rank, share, name, rates, weights))
    before = objective.before
    for rank, share, name, rates, weights in sorted(judged, key=lambda one: one[:2]):
        if rank >= before.rank:
            break
        objective.model.load_state_dict(weights)
        rates = replace(rates, old=objective.old_rate())
        if objective.remembers(rates.old):
            way = "" if share == 1 else f", {100 * share:.0f} % of the way from the base to it"
            return Chosen(stored(weights), f"{name}{way}; {_change(before, rates)}")
    reason = "nothing was better on the new dev set without forgetting more than is allowed"
    return Chosen(stored(base), f"those of the base, as {reason}; {_change(before, before)}")


def mixed(base: Mapping[str, Tensor], trained: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Weights between two sets of them: 0 is the base; counters (integers) are those of the trained."""
    return {
        name: torch.lerp(base[name].cpu(), tensor.cpu(), share) if tensor.is_floating_point() else tensor
        for name, tensor in trained.items()
    }


def _trained(kept: Sequence[Path]) -> Iterator[tuple[str, Mapping[str, Tensor]]]:
    """The weights that training led to: the best epoch, and the mean of the best ones."""
    checkpoints = [read_checkpoint(path) for path in kept]
    for checkpoint in checkpoints[:1]:
        yield f"epoch {checkpoint.values['epoch']}", checkpoint.tensors
    if len(checkpoints) > 1:
        epochs = sorted(int(checkpoint.values["epoch"]) for checkpoint in checkpoints)
        yield f"mean of epochs {epochs}", average([checkpoint.tensors for checkpoint in checkpoints])


def _rates(metrics: Metrics) -> Rates:
    return Rates(metrics.error_rate, metrics.parts["dev_character_error_rate"], math.nan)


def _change(before: Rates, after: Rates) -> str:
    text = f"new dev WER {100 * before.new:.2f} → {100 * after.new:.2f} %"
    if not math.isnan(after.old):
        text += f", old dev WER {100 * before.old:.2f} → {100 * after.old:.2f} %"
    return text
