"""Several processes train one model. This file alone knows of ranks.

A rank is one of the processes that ``torchrun`` starts, on one machine or many. All go through the same
batches; each computes the loss of its share of the utterances of every batch, and the gradients are summed
(gloo between CPUs, nccl between GPUs). So a run follows the plan of its batches, however many ranks there
are: the same recipe gives the same model, to rounding and the draws of dropout, and a run may be resumed
with another number of ranks. (Masked batch norm measures each share by itself.)

The first rank alone reads and writes the run folder and speaks; the others need the data folder, not the
run folder. What ends one rank ends all, and one of them says why. The threads of the group end with it:
one that still let go of a tensor while Python ends would abort the process.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed.nn.functional  # now: default arguments in it keep the group that they find
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.distributed_c10d import Store
from torch.distributed.rendezvous import rendezvous

from asr.data.batching import WHOLE, Share
from asr.errors import AsrError, RunError
from asr.model.device import choose_device
from asr.progress import console
from asr.train.checkpoint import Checkpoint

Value = TypeVar("Value")

PATIENCE = timedelta(minutes=30)
"""How long a rank waits for another one that neither answers nor ends."""

_NEEDED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_TOLD, _FINISHED = "asr/told", "asr/finished"


class RankLost(RunError):
    """Another process of the training ended, or is out of reach."""


class ToldElsewhere(RunError):
    """This process ends because of what another one has said already; it has to be silent."""

    def __init__(self, status: int) -> None:
        super().__init__("ended with the other processes of the training")
        self.status = status


@dataclass(frozen=True, slots=True)
class Ranks:
    """One process among those that train a model; the plain default is a process by itself.

    Attributes:
        number: Of this process, counted from 0.
        count: How many there are.
        local: Number of this process on its machine.
        on_machine: How many processes its machine has.
        store: Where they leave notes for each other; None for a process by itself.
    """

    number: int = 0
    count: int = 1
    local: int = 0
    on_machine: int = 1
    store: Store | None = None

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.number == 0

    @property
    def share(self) -> Share:
        """The share of every batch that this process computes."""
        return Share(self.number, self.count) if self.count > 1 else WHOLE

    def device(self, name: str) -> torch.device:
        """The device of this process: `auto` and `cuda` are a GPU of its own.

        Raises:
            RunError: If there is no such device, or the machine has fewer GPUs than processes.
        """
        if self.count == 1 or name not in ("auto", "cuda") or not torch.cuda.is_available():
            return choose_device(name)
        if self.on_machine > torch.cuda.device_count():
            raise RunError(
                f"{self.on_machine} processes on a machine with {torch.cuda.device_count()} GPUs; "
                f"start torchrun with --nproc-per-node={torch.cuda.device_count()}, or add --device cpu"
            )
        device = choose_device(f"cuda:{self.local}")
        torch.cuda.set_device(device)
        return device

    def seed(self, *numbers: int) -> None:
        """Lets dropout draw differently on every rank, as a function of these numbers.

        A process by itself draws on: its random numbers are in the checkpoint.
        """
        if self.count > 1:
            drawn = np.random.SeedSequence([*numbers, self.number]).generate_state(1, np.uint64)
            torch.manual_seed(int(drawn[0]))

    def sum(self, values: Sequence[float]) -> list[float]:
        """The sums of values over all ranks, the same on each."""
        if self.count == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64)
        with _reaching_others():
            dist.all_reduce(total)
        return total.tolist()

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """For each flag, whether any rank has set it."""
        return tuple(number > 0 for number in self.sum([float(flag) for flag in flags]))

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replaces tensors by their sums over all ranks, the same bits on each."""
        if self.count == 1 or not tensors:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        with _reaching_others():
            dist.all_reduce(flat)
        pieces = torch.split(flat, [tensor.numel() for tensor in tensors])
        for tensor, piece in zip(tensors, pieces, strict=True):
            tensor.copy_(piece.view_as(tensor))

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replaces tensors by their means over all ranks."""
        tensors = list(tensors)
        self.add_up(tensors)
        for tensor in tensors:
            tensor.div_(self.count)

    def share_value(self, value: Value) -> Value:
        """The first rank's value, on every rank; anything that JSON can hold."""
        if self.count == 1:
            return value
        text = json.dumps(value).encode() if self.first else b""
        size = int(self.sum([float(len(text))])[0])
        content = torch.zeros(size, dtype=torch.uint8)
        if self.first:
            content.copy_(torch.frombuffer(bytearray(text), dtype=torch.uint8))
        with _reaching_others():
            dist.broadcast(content, 0)
        shared: Value = json.loads(content.numpy().tobytes())
        return shared

    def share_checkpoint(self, checkpoint: Checkpoint | None) -> Checkpoint | None:
        """The first rank's checkpoint, on every rank."""
        if self.count == 1:
            return checkpoint
        known: Any = None
        if checkpoint:
            shapes = [(name, str(one.dtype), list(one.shape)) for name, one in checkpoint.tensors.items()]
            known = (dict(checkpoint.values), shapes)
        known = self.share_value(known)
        if known is None:
            return None
        values, shapes = known
        tensors: dict[str, Tensor] = {}
        for name, kind, shape in shapes:
            empty = torch.empty(shape, dtype=getattr(torch, kind.removeprefix("torch.")))
            tensors[name] = checkpoint.tensors[name] if checkpoint else empty
            with _reaching_others():
                dist.broadcast(tensors[name], 0)
        return Checkpoint(tensors, values)

    def copy_first(self, model: nn.Module) -> None:
        """Gives every rank the weights of the first one."""
        if self.count > 1:
            with torch.no_grad(), _reaching_others():
                for tensor in model.state_dict().values():
                    dist.broadcast(tensor, 0)

    def agree(self, hashes: Mapping[str, str]) -> None:
        """Makes sure that all ranks read the same files.

        Raises:
            RunError: If a file is another one here than on the first rank.
        """
        for name, digest in self.share_value(dict(hashes)).items():
            if hashes.get(name) != digest:
                raise RunError(f"{name} is not the same on all machines; copy the data of the first one")

    def meet(self) -> None:
        """Waits until all ranks are here."""
        self.sum([0.0])

    def tells(self) -> bool:
        """Whether it is for this rank to say why all end: the first that asks."""
        with suppress(RuntimeError):  # a store that is out of reach: better said twice than not at all
            return self.store is None or self.store.add(_TOLD, 1) == 1
        return True

    def leave(self) -> None:
        """Ends together, though the first rank may have more to do than the others."""
        if self.store is None:
            return
        with _reaching_others():
            if self.first:
                self.store.set(_FINISHED, "")
            while not self.store.check([_FINISHED]):
                if self.store.check([_TOLD]):
                    raise RankLost("the first process ended")
                time.sleep(0.1)
        self.meet()


ALONE = Ranks()


@contextmanager
def joined() -> Iterator[Ranks]:
    """Meets the other processes that torchrun has started; by itself where it has started none.

    Raises:
        RunError: If they cannot be reached.
        RankLost: If one of them ended.
        ToldElsewhere: If all end, and another one says why.
    """
    if os.environ.get("WORLD_SIZE", "1") == "1" or not all(name in os.environ for name in _NEEDED):
        yield ALONE
        return
    ranks = _meet()
    quiet, console.quiet = console.quiet, not ranks.first
    try:
        yield ranks
        ranks.leave()
    except BaseException as error:
        tells = ranks.tells()
        if not tells and isinstance(error, AsrError | KeyboardInterrupt):
            raise ToldElsewhere(getattr(error, "status", 130)) from None
        raise
    finally:
        console.quiet = quiet
        dist.destroy_process_group()


def _meet() -> Ranks:
    """Meets the others at the address that the environment names."""
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo"
    place = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
    try:
        store, number, count = next(rendezvous("env://", timeout=PATIENCE))
        dist.init_process_group(backend, store=store, rank=number, world_size=count, timeout=PATIENCE)
        local, on_machine = (int(os.environ.get(f"LOCAL_{name}", "0")) for name in _NEEDED[:2])
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise RunError(
            f"{place}: the other processes cannot be met ({reason}); see torchrun --help"
        ) from None
    return Ranks(number, count, local, max(on_machine, 1), store)


@contextmanager
def _reaching_others() -> Iterator[None]:
    """Around what needs the other ranks; raises RankLost where they do not answer."""
    try:
        yield
    except RuntimeError as error:
        raise RankLost(
            "another process of this training ended, or no longer answers; go on with --resume"
        ) from error
