"""How much memory training is going to need, said before the first step instead of found out in the middle.

Training keeps what each layer computes until the gradient has passed through it, so memory is linear in the
seconds of a batch, padding included. Per emission frame and direction a recurrent layer keeps its gates,
states and outputs, and four copies of its inputs (as they came, normalised, after dropout, reversed); a
convolution keeps its outputs before and after the activation. A third comes on top for what gradients need
for a moment. Measured peaks of LSTMs lay within a quarter of this. On a processor GRUs and plain cells hold
more than LSTMs, as their steps are not computed in one piece.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from asr.config import AugmentConfig, FeatureConfig, ModelConfig, TrainingConfig
from asr.errors import RunError
from asr.progress import say, warn
from asr.train.distributed import Ranks
from asr.train.precision import Precision
from asr.train.room import free_memory

_KEPT = {"lstm": 6, "gru": 12, "rnn": 6}
"""Values that a recurrent layer keeps of each unit and frame."""

_INPUT_COPIES, _ACTIVATIONS = 4, 2
_OVERHEAD = 4 / 3
_WEIGHT_BYTES = 4 * 4  # weights are there already; gradients, two averages of the optimiser, one in passing
_CERTAIN = 0.6  # of a forecast: what is needed in any case
_SPARE = 0.9  # of the free memory, for the remedy


@dataclass(frozen=True, slots=True)
class Demand:
    """What training is going to need in a process, in bytes.

    Attributes:
        per_second: For each second of a batch, padding included.
        fixed: Besides: gradients, optimiser, recordings that are still to be read.
    """

    per_second: float
    fixed: float

    def of(self, seconds: float) -> float:
        """The bytes that a batch of so many seconds needs."""
        return self.fixed + seconds * self.per_second


def bytes_per_second(model: ModelConfig, features: FeatureConfig, precision: Precision) -> float:
    """Bytes that training keeps of a second of speech; see the head of this file."""
    frames = features.sample_rate / features.hop
    bands = math.ceil(features.mels / 2), math.ceil(features.mels / 4)
    emitted = frames / model.subsampling
    values = frames * features.mels
    values += _ACTIVATIONS * model.channels * (frames / 2 * bands[0] + emitted * bands[1])
    directions = 2 if model.bidirectional else 1
    inputs = model.channels * bands[1]
    for _ in range(model.layers):
        values += emitted * (_INPUT_COPIES * inputs + directions * _KEPT[model.cell] * model.hidden)
        inputs = directions * model.hidden
    return values * (2 if precision.name == "bf16" else 4) * _OVERHEAD


def demand_of(
    model: nn.Module, config: ModelConfig, features: FeatureConfig, precision: Precision, unread: float
) -> Demand:
    """What a training is going to need.

    Args:
        model: The model.
        config: Its sizes.
        features: What it reads.
        precision: The number format of the forward pass.
        unread: Seconds of recordings that are still to be read, and kept as 16-bit integers.
    """
    parameters = sum(parameter.numel() for parameter in model.parameters())
    fixed = parameters * _WEIGHT_BYTES + 2 * features.sample_rate * unread
    return Demand(bytes_per_second(config, features, precision), fixed)


def check_memory(
    demand: Demand,
    longest: tuple[float, float],
    training: TrainingConfig,
    augment: AugmentConfig,
    device: torch.device,
    ranks: Ranks,
) -> None:
    """Says what the largest batch is going to need; warns where that is more than there is.

    Args:
        demand: What is needed in this process.
        longest: Seconds of what this process computes of the largest batch, padding included, and of the
            longest utterance; see `BatchSource.longest`.
        training: How long batches are.
        augment: By how much utterances are slowed down.
        device: Where the model is.
        ranks: The processes that share each batch.

    Raises:
        RunError: If it certainly does not fit, with the remedy.
    """
    slowest = min(augment.speeds)
    needed = demand.of(longest[0] / slowest)
    room = free_memory(device, ranks.on_machine)
    figures = f"about {_amount(needed)} for the largest batch, {_amount(room)} free"
    if needed <= room:
        say(f"memory: {figures}")
        return
    seconds = max(_SPARE * room - demand.fixed, 0) / demand.per_second * slowest
    if seconds < max(longest[1], 1):
        remedy = f"choose a smaller model, or leave out utterances longer than {seconds:.0f} s"
    else:
        wanted = min(seconds * ranks.count, 0.9 * training.batch_seconds)
        remedy = f"add --set training.batch_seconds={math.floor(wanted)}"
    if demand.of(longest[0] / slowest) * _CERTAIN > room:
        raise RunError(f"training does not fit into memory ({figures}); {remedy}")
    warn(f"training may not fit into memory ({figures}); if it does not, {remedy}")


@contextmanager
def explaining_memory(batch_seconds: float) -> Iterator[None]:
    """Around training; raises RunError with a remedy where a GPU or a machine has no memory left."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        lacking = isinstance(error, torch.OutOfMemoryError | MemoryError)
        if not lacking and "can't allocate memory" not in str(error):
            raise
        raise RunError(
            f"out of memory with batches of {batch_seconds:g} s; go on with --resume "
            f"--set training.batch_seconds={batch_seconds / 2:g}, or choose a smaller model"
        ) from None


def _amount(size: float) -> str:
    return f"{size / 2**30:.1f} GB" if size >= 2**30 else f"{size / 2**20:.0f} MB"
