"""Runs the commands of a row again, and puts what was published beside what was found."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from asr.environment import commit, processor
from asr.errors import RunError
from asr.reproduce.markdown import errors
from asr.reproduce.table import Row, Run

_STDERR = 2
_EPSILON = 1e-9


class _Words(msgspec.Struct):
    """What an evaluation says about words."""

    substitutions: int
    deletions: int
    insertions: int
    reference: int


class _Result(msgspec.Struct):
    """What is read of an evaluation's JSON."""

    words: _Words


@dataclass(frozen=True, slots=True)
class Comparison:
    """A run beside the one that was published.

    Attributes:
        row: Of the table.
        published, found: The runs.
        words: How many were said in what was evaluated now.
        commit: Of this source tree.
        hardware: Of this machine.
    """

    row: Row
    published: Run
    found: Run
    words: int
    commit: str
    hardware: str

    @property
    def difference(self) -> float:
        """Points of the word error rate: above 0 where it is worse now."""
        return self.found.rate(self.words) - self.published.rate(self.row.words)

    @property
    def agrees(self) -> bool:
        """Whether it is the same test set, and the difference is within the spread."""
        return self.words == self.row.words and abs(self.difference) <= self.row.spread + _EPSILON


def reproduce(
    row: Row, published: Run, checkout: Path, places: tuple[Path | None, Path], tell: Callable[[str], None]
) -> Comparison:
    """Runs the commands of a row in a checkout.

    Args:
        row: Of the table.
        published: The run to do again.
        checkout: Where the commands run.
        places: The folder of the corpus, if the row needs one, and the one to write to.
        tell: Takes each command before it is run.

    Raises:
        RunError: If a command fails, or leaves no result.
    """
    data, out = places
    environment = os.environ | {"OMP_NUM_THREADS": str(row.threads)}
    before = _child_seconds()
    for command in row.commands:
        filled = command.format(data=shlex.quote(str(data)), out=shlex.quote(str(out)), seed=published.seed)
        tell(f"$ {filled}")
        status = _run(shlex.split(filled), checkout, environment)
        if status:
            raise RunError(f"row {row.name}: {filled}: ended with status {status}; see above what it said")
    minutes = (_child_seconds() - before) / 60
    words = _read(out / row.result).words
    counts = words.substitutions, words.deletions, words.insertions
    found = Run(published.seed, *counts, round(minutes, 2))
    return Comparison(row, published, found, words.reference, commit(), processor())


def side_by_side(comparison: Comparison) -> str:
    """Both runs in columns, and whether they agree."""
    row, published, found = comparison.row, comparison.published, comparison.found
    lines = [
        ("", "published", "found"),
        ("WER %", f"{published.rate(row.words):.2f}", f"{found.rate(comparison.words):.2f}"),
        ("S / D / I", errors(published), errors(found)),
        ("words", str(row.words), str(comparison.words)),
        ("CPU minutes", _minutes(published), _minutes(found)),
        ("commit", row.commit, _short(comparison.commit)),
        ("hardware", row.hardware, f"{comparison.hardware}, {_threads(row.threads)}"),
    ]
    widths = [max(len(line[column]) for line in lines[:-1]) for column in range(3)]
    shown = [f"{one:<{widths[0]}}  {two:<{widths[1]}}  {three}".rstrip() for one, two, three in lines[:-1]]
    shown += [f"hardware     published: {lines[-1][1]}", f"             found: {lines[-1][2]}"]
    return "\n".join([*shown, _verdict(comparison)])


def _verdict(comparison: Comparison) -> str:
    row = comparison.row
    if comparison.words != row.words:
        return f"NOT COMPARABLE: {comparison.words} words instead of {row.words}; other data than published"
    difference = f"difference {comparison.difference:+.2f} points"
    within = f"the spread of {row.spread:.2f} points"
    return f"{difference}: within {within}" if comparison.agrees else f"{difference}: NOT WITHIN {within}"


def _run(words: list[str], folder: Path, environment: dict[str, str]) -> int:
    """Runs a command, whose results go to standard error; Ctrl-C is its own matter, and ours afterwards."""
    programs = {"python": [sys.executable], "asr": [sys.executable, "-m", "asr"]}
    command = [*programs.get(words[0], words[:1]), *words[1:]]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=_STDERR) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()
            raise


def _read(path: Path) -> _Result:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Result)
    except (OSError, msgspec.DecodeError):
        raise RunError(f"{path}: the commands left no result there; correct the table") from None


def _child_seconds() -> float:
    """Processor time of the processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def _minutes(run: Run) -> str:
    return "–" if run.cpu_minutes is None else f"{run.cpu_minutes:g}"


def _short(name: str) -> str:
    return f"{name[:7]}{name[40:]}" or "unknown"


def _threads(count: int) -> str:
    return f"{count} thread{'' if count == 1 else 's'}"
