"""The journal of a run: a progress bar for people, metrics.jsonl and TensorBoard for the record."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from asr.files import write_atomically, writing
from asr.progress import console, say
from asr.train.board import Board


class Journal:
    """Reports what happens in a run, on the terminal and in the run folder.

    A resumed run goes on in the same files: rows of steps and epochs that it will go through again are
    removed.

    Args:
        run: The run folder.
        step: The optimiser step after which the run begins or goes on.
        epoch: How many epochs it has finished.

    Raises:
        RunError: Here and later, if it cannot be written.
    """

    def __init__(self, run: Path, step: int = 0, epoch: int = 0) -> None:
        self._path = run / "metrics.jsonl"
        rows = [
            row for row in read_metrics(self._path) if row["step"] <= step and row.get("epoch", 0) <= epoch
        ]
        write_atomically(self._path, "".join(json.dumps(row) + "\n" for row in rows))
        with writing(run):
            self._board = Board(run / "tensorboard", step + 1)
            self._file = self._path.open("a", encoding="utf-8", buffering=1)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}"),
            console=console,
            disable=not console.file.isatty(),
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Journal:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        with writing(self._path.parent):
            self._file.close()
            self._board.close()

    def begin_epoch(self, epoch: int, epochs: int, done: int, batches: int) -> None:
        """Shows that an epoch begins, or goes on after `done` of its batches."""
        planned = epochs * batches
        if self._task is None:
            self._task = self._progress.add_task("", total=planned, completed=epoch * batches + done, note="")
        self._progress.update(
            self._task,
            description=f"epoch {epoch + 1}/{epochs}",
            total=planned,
            completed=epoch * batches + done,
        )

    def advance(self, batches: int, loss: float) -> None:
        """Moves the progress bar on."""
        if self._task is not None:
            self._progress.update(self._task, advance=batches, note=f"loss {loss:.2f}")

    def end_epoch(self, epoch: int, step: int, figures: Mapping[str, float], summary: str = "") -> None:
        """Writes the figures of an epoch, and prints its loss and the summary of its validation."""
        self.write("epoch", step, {"epoch": epoch, **figures})
        line = f"epoch {epoch:3d}  loss {figures['loss']:8.3f}  {summary}".rstrip()
        if figures.get("skipped"):
            line += f"  ({figures['skipped']:.0f} utterances skipped so far)"
        say(line)

    def write(self, kind: str, step: int, figures: Mapping[str, float]) -> None:
        """Adds a row to metrics.jsonl and to TensorBoard."""
        finite = {name: value if math.isfinite(value) else None for name, value in figures.items()}
        with writing(self._path):
            self._file.write(json.dumps({"kind": kind, "step": step, **finite}) + "\n")
            self._board.add(step, {f"{kind}/{name}": value for name, value in figures.items()})


class Silence:
    """The journal of processes that only help: it says and writes nothing."""

    def __enter__(self) -> Silence:
        return self

    def __exit__(self, *about: object) -> None: ...

    def begin_epoch(self, epoch: int, epochs: int, done: int, batches: int) -> None:
        """See Journal."""

    def advance(self, batches: int, loss: float) -> None:
        """See Journal."""

    def end_epoch(self, epoch: int, step: int, figures: Mapping[str, float], summary: str = "") -> None:
        """See Journal."""

    def write(self, kind: str, step: int, figures: Mapping[str, float]) -> None:
        """See Journal."""


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Reads metrics.jsonl; a last line that was cut off by a crash is dropped."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return rows
