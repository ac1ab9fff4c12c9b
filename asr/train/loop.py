"""The training loop. It knows an Objective and a source of batches, and nothing of speech.

A step is: losses of `accumulate` batches, gradients scaled by the number of utterances that count,
clipped, applied. After each epoch the objective judges the model; the best weights are kept. A
checkpoint holds everything, so a run that was stopped anywhere goes on as if it had not been.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from asr.config import TrainingConfig
from asr.data.batching import Batch, BatchSource, Position
from asr.errors import RunError
from asr.progress import warn
from asr.train.checkpoint import Checkpoint, pack_training, unpack_training, write_checkpoint
from asr.train.journal import Journal
from asr.train.memory import keep_freed_memory
from asr.train.monitor import gradient_norms
from asr.train.objective import Objective
from asr.train.optimizer import learning_rate, make_optimizer, set_learning_rate
from asr.train.precision import Precision

LOG_STEPS = 20
PLATEAU_STALLS = 2


class Interrupted(RunError):
    """Training was asked to stop, wrote a checkpoint, and did."""

    status = 130


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
        cpu_seconds: Processor time spent training.
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


class Trainer:
    """One training run as a session: model, optimiser, state.

    Args:
        objective: What to minimise, and the model.
        source: The batches.
        config: Optimiser, schedule, length.
        precision: The number format of the forward pass.
        journal: Where progress is reported.
        run: The folder of checkpoints.
    """

    def __init__(
        self,
        objective: Objective,
        source: BatchSource,
        config: TrainingConfig,
        precision: Precision,
        journal: Journal,
        run: Path,
    ) -> None:
        self.objective = objective
        self.source = source
        self.config = config
        self.precision = precision
        self.journal = journal
        self.run = run
        self.state = TrainState()
        self.optimizer = make_optimizer(objective.model, config)
        self._device = next(objective.model.parameters()).device
        self._saved = time.monotonic()
        self._clock = time.process_time()

    def resume(self, checkpoint: Checkpoint) -> None:
        """Goes back to where the checkpoint was written; raises RunError if it is of another model."""
        unpack_training(checkpoint.tensors, self.objective.model, self.optimizer)
        values: dict[str, Any] = dict(checkpoint.values)
        kept = [Kept(**entry) for entry in values.pop("kept")]
        self.state = TrainState(**values, kept=kept)

    def train(self) -> TrainState:
        """Trains to the last epoch, or until dev stops improving.

        Raises:
            Interrupted: After Ctrl-C or SIGTERM, when the checkpoint is written.
        """
        state, config = self.state, self.config
        keep_freed_memory()
        self._clock = time.process_time()
        with _stop_signal() as stop:
            while state.epoch < config.epochs and not self._patience_is_over():
                batches = self.source.batches_in(state.epoch)
                self.journal.begin_epoch(state.epoch, config.epochs, state.batch, batches)
                stream = self.source.epoch(Position(state.epoch, state.batch))
                while group := list(islice(stream, config.accumulate)):
                    self._step(group, batches)
                    if stop.is_set() or time.monotonic() - self._saved > config.checkpoint_seconds:
                        self.save()
                    if stop.is_set():
                        break
                else:
                    self._end_epoch()
                if stop.is_set():
                    raise Interrupted(f"stopped after step {state.step}; go on with --resume")
        return state

    def save(self) -> None:
        """Writes the checkpoint."""
        self._count_time()
        tensors = pack_training(self.objective.model, self.optimizer)
        write_checkpoint(checkpoint_path(self.run), Checkpoint(tensors, asdict(self.state)))
        self._saved = time.monotonic()

    def _step(self, group: list[Batch], batches: int) -> None:
        """One optimiser step on a group of batches."""
        state = self.state
        progress = (state.epoch + state.batch / batches) / self.config.epochs
        rate = learning_rate(self.config, progress, state.halvings)
        set_learning_rate(self.optimizer, rate)
        self.optimizer.zero_grad(set_to_none=True)
        total, count = 0.0, 0
        parts: Mapping[str, float] = {}
        for batch in group:
            with self.precision.autocast(self._device):
                loss = self.objective.loss(batch)
            if loss.count:
                torch.autograd.backward(loss.total)
            total += float(loss.total.detach())
            count += loss.count
            state.skipped += loss.skipped
            parts = loss.parts
            if loss.advice:
                warn(loss.advice)
        norms = self._apply_gradients(count)
        state.step += 1
        state.batch += len(group)
        state.loss_total += total
        state.loss_count += count
        self.journal.advance(len(group), state.loss_total / max(state.loss_count, 1))
        if state.step % LOG_STEPS == 0:
            figures = {"loss": total / max(count, 1), "learning_rate": rate, **norms, **parts}
            self.journal.write("step", state.step, figures)

    def _apply_gradients(self, count: int) -> dict[str, float]:
        """Scales by the number of utterances, clips, and updates; counts what it has to leave out.

        Returns:
            Gradient norms before clipping: of everything, and at logged steps of every layer.
        """
        norms: dict[str, float] = {}
        parameters = [p for p in self.objective.model.parameters() if p.grad is not None]
        for parameter in parameters:
            assert parameter.grad is not None
            parameter.grad.div_(max(count, 1))
        if (self.state.step + 1) % LOG_STEPS == 0:
            norms = {
                f"gradient_norm/{part}": norm for part, norm in gradient_norms(self.objective.model).items()
            }
        norms["gradient_norm"] = float(torch.nn.utils.clip_grad_norm_(parameters, self.config.clip))
        if count and math.isfinite(norms["gradient_norm"]):
            self.optimizer.step()
        else:
            self.state.skipped_steps += 1
            warn(f"step {self.state.step}: no finite gradient, the step is left out")
        return norms

    def _end_epoch(self) -> None:
        """Validates, keeps the best weights, and moves on to the next epoch."""
        state, config = self.state, self.config
        figures = {"loss": state.loss_total / max(state.loss_count, 1), "skipped": float(state.skipped)}
        summary = ""
        state.epoch += 1
        state.batch, state.loss_total, state.loss_count = 0, 0.0, 0
        if state.epoch % config.validate_every == 0 or state.epoch == config.epochs:
            metrics = self.objective.validate()
            best = state.kept[0].error_rate if state.kept else math.inf
            better = metrics.error_rate < best
            state.improved = state.improved or (better and best < math.inf)
            state.stalls = state.stalls + 1 if state.improved and not better else 0
            state.halvings += state.stalls > 0 and state.stalls % PLATEAU_STALLS == 0
            self._keep(metrics.error_rate)
            figures |= {"dev_error_rate": metrics.error_rate, **metrics.parts}
            summary = metrics.summary
        self._count_time()
        self.journal.end_epoch(state.epoch, state.step, figures, summary)
        self.save()
        self._forget()

    def _keep(self, error_rate: float) -> None:
        """Keeps these weights if they are among the best `average` ones."""
        state = self.state
        entry = Kept(state.epoch, error_rate)
        ranked = sorted([*state.kept, entry], key=lambda kept: (kept.error_rate, -kept.epoch))
        state.kept = ranked[: self.config.average]
        if entry in state.kept:
            weights = dict(self.objective.model.state_dict())
            write_checkpoint(kept_path(self.run, entry.epoch), Checkpoint(weights, asdict(entry)))

    def _forget(self) -> None:
        """Removes weights that are not among the best any more, once no checkpoint speaks of them."""
        kept = {kept_path(self.run, entry.epoch) for entry in self.state.kept}
        for path in (self.run / "best").glob("epoch-*.safetensors"):
            if path not in kept:
                path.unlink(missing_ok=True)

    def _patience_is_over(self) -> bool:
        return 0 < self.config.patience <= self.state.stalls

    def _count_time(self) -> None:
        now = time.process_time()
        self.state.cpu_seconds += now - self._clock
        self._clock = now


@contextmanager
def _stop_signal() -> Iterator[threading.Event]:
    """Ctrl-C and SIGTERM set the event, so that the step at hand ends first; a second one ends at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, ask) for number in signals]
    try:
        yield stop
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
