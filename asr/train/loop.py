"""The training loop. It knows a Learner and a source of batches, and nothing of speech.

A step learns from `accumulate` batches. After each epoch the objective judges the model; the best weights
are kept. A checkpoint holds everything, so a run that was stopped anywhere goes on as if it had not been.
Several processes go through it in step; the first one alone writes.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from asr.config import TrainingConfig
from asr.data.batching import Batch, BatchSource, Position
from asr.progress import warn
from asr.train.checkpoint import Checkpoint, pack_training, unpack_training, write_checkpoint
from asr.train.journal import Journal, Silence
from asr.train.learner import Learner
from asr.train.memory import give_back_gaps, keep_freed_memory
from asr.train.optimizer import learning_rate
from asr.train.state import Kept, TrainState, checkpoint_path, kept_path
from asr.train.stopping import Interrupted, stop_signal

LOG_STEPS = 20
PLATEAU_STALLS = 2


class Trainer:
    """One training run as a session: model, optimiser, state.

    Args:
        learner: The model, what to minimise, and how.
        source: The batches.
        journal: Where progress is reported.
        run: The folder of checkpoints.
    """

    def __init__(self, learner: Learner, source: BatchSource, journal: Journal | Silence, run: Path) -> None:
        self.learner = learner
        self.objective = learner.objective
        self.source = source
        self.config: TrainingConfig = learner.config
        self.journal = journal
        self.run = run
        self.state = TrainState()
        self._ranks = learner.ranks
        self._saved = time.monotonic()
        self._clock = time.process_time()

    def resume(self, checkpoint: Checkpoint) -> None:
        """Goes back to where the checkpoint was written; raises RunError if it is of another model."""
        unpack_training(checkpoint.tensors, self.objective.model, self.learner.optimizer)
        values: dict[str, Any] = dict(checkpoint.values)
        kept = [Kept(**entry) for entry in values.pop("kept")]
        self.state = TrainState(**values, kept=kept)

    def train(self) -> TrainState:
        """Trains to the last epoch, or until dev stops improving.

        Raises:
            Interrupted: After Ctrl-C or SIGTERM, when the checkpoint is written.
            RankLost: If another process of the training ended.
        """
        state, config, together = self.state, self.config, self._ranks.any
        keep_freed_memory()
        self._clock = time.process_time()
        with stop_signal() as stop:
            while state.epoch < config.epochs and not self._patience_is_over():
                batches = self.source.batches_in(state.epoch)
                self.journal.begin_epoch(state.epoch, config.epochs, state.batch, batches)
                stream = self.source.epoch(Position(state.epoch, state.batch))
                while group := list(islice(stream, config.accumulate)):
                    self._step(group, batches)
                    late = time.monotonic() - self._saved > config.checkpoint_seconds
                    stopped, due = together(stop.is_set(), late)
                    if stopped or due:
                        self.save()
                    if stopped:
                        break
                else:
                    self._end_epoch()
                    (stopped,) = together(stop.is_set())
                if stopped:
                    raise Interrupted(f"stopped after step {state.step}; go on with --resume")
        return state

    def save(self) -> None:
        """Writes the checkpoint."""
        self._count_time()
        if self._ranks.first:
            tensors = pack_training(self.objective.model, self.learner.optimizer)
            write_checkpoint(checkpoint_path(self.run), Checkpoint(tensors, asdict(self.state)))
        self._ranks.meet()
        self._saved = time.monotonic()

    def _step(self, group: list[Batch], batches: int) -> None:
        """One optimiser step on a group of batches."""
        state = self.state
        progress = (state.epoch + state.batch / batches) / self.config.epochs
        rate = learning_rate(self.config, progress, state.halvings)
        logged = (state.step + 1) % LOG_STEPS == 0
        step = self.learner.step(group, state.step, rate, layers=logged)
        if not step.applied:
            state.skipped_steps += 1
            warn(f"step {state.step}: no finite gradient, the step is left out")
        state.step += 1
        state.batch += len(group)
        state.skipped += step.skipped
        state.loss_total += step.total
        state.loss_count += step.count
        self.journal.advance(len(group), state.loss_total / max(state.loss_count, 1))
        if logged:
            give_back_gaps()
            figures = {"loss": step.total / max(step.count, 1), "learning_rate": rate, **step.figures}
            self.journal.write("step", state.step, figures)

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
        if entry in state.kept and self._ranks.first:
            weights = dict(self.objective.model.state_dict())
            write_checkpoint(kept_path(self.run, entry.epoch), Checkpoint(weights, asdict(entry)))

    def _forget(self) -> None:
        """Removes weights that are not among the best any more, once no checkpoint speaks of them."""
        if not self._ranks.first:
            return
        kept = {kept_path(self.run, entry.epoch) for entry in self.state.kept}
        for path in (self.run / "best").glob("epoch-*.safetensors"):
            if path not in kept:
                path.unlink(missing_ok=True)

    def _patience_is_over(self) -> bool:
        return 0 < self.config.patience <= self.state.stalls

    def _count_time(self) -> None:
        now = time.process_time()
        (spent,) = self._ranks.sum([now - self._clock])
        self.state.cpu_seconds += spent
        self._clock = now
