"""What all benchmarks share: one thread, interleaved rounds, ratios with their spread, JSON.

Import this module before numpy or torch: it sets the number of threads they start with. Times are CPU
seconds of this process. Everything that is compared runs once in every round, so that a busy machine
slows all of it alike; a ratio is taken within each round, and the median with the extremes is reported.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from asr.environment import this_environment
from asr.errors import AsrError

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_variable] = "1"

_PACKAGES = ("numpy", "soundfile", "numba", "librosa", "torch", "torchaudio", "onnxruntime")


@dataclass(frozen=True, slots=True)
class Work:
    """Something to time: a name and a function without arguments."""

    name: str
    run: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Timing:
    """CPU seconds of one piece of work, one value per round."""

    name: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle of all rounds."""
        return median(self.seconds)


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times faster one thing is than another.

    Attributes:
        median, least, greatest: Of the rounds.
        required: The least that the median has to be, where a figure is promised.
    """

    median: float
    least: float
    greatest: float
    required: float | None = None

    def __str__(self) -> str:
        """``3.10x (2.90–3.40)  required 2.5x``."""
        needed = "" if self.required is None else f"  required {self.required:g}x"
        return f"{self.median:.2f}x ({self.least:.2f}–{self.greatest:.2f}){needed}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of results.

    Attributes:
        task: What was done.
        name: Who did it.
        seconds: CPU seconds, median of the rounds.
        rate: Audio seconds per CPU second.
        ratio: How many times faster the project is; None in its own row.
    """

    task: str
    name: str
    seconds: float
    rate: float
    ratio: Ratio | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value that is not a ratio to a peer: median and extremes, with its unit."""

    task: str
    name: str
    median: float
    least: float
    greatest: float
    unit: str


def figure(task: str, name: str, values: Sequence[float], unit: str) -> Figure:
    """Sums up one value per round."""
    return Figure(task, name, median(values), min(values), max(values), unit)


def time_rounds(works: Sequence[Work], rounds: int) -> list[Timing]:
    """Runs every work once as a warm-up, then once in each round, in turn."""
    for work in works:
        work.run()
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, times in zip(works, seconds, strict=True):
            start = time.process_time()
            work.run()
            times.append(time.process_time() - start)
    return [Timing(work.name, tuple(times)) for work, times in zip(works, seconds, strict=True)]


def faster(ours: Timing, peer: Timing, required: float | None = None) -> Ratio:
    """How many times faster `ours` is than `peer`, round by round, and how many times it has to be."""
    ratios = [theirs / own for own, theirs in zip(ours.seconds, peer.seconds, strict=True)]
    return Ratio(median(ratios), min(ratios), max(ratios), required)


def command(
    benchmark: str,
    parser: argparse.ArgumentParser,
    measure: Callable[[argparse.Namespace], Sequence[Any]],
) -> int:
    """Measures, prints the figures as a table, and writes everything as JSON where ``--json`` says.

    Args:
        benchmark: Its name.
        parser: Knows the other options.
        measure: Gives figures, or rows of any dataclass, which it prints itself.

    Returns:
        The exit status; what a person can mend becomes one line.
    """
    parser.add_argument("--json", type=Path, help="write the results here")
    arguments = parser.parse_args()
    try:
        results = measure(arguments)
    except AsrError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.status
    figures = [one for one in results if isinstance(one, Figure)]
    print_figures(figures)
    if arguments.json:
        rows = [one for one in results if not isinstance(one, Figure)]
        write_json(arguments.json, benchmark, rows, figures)
    return 0


def write_json(path: Path, benchmark: str, rows: Sequence[Any], figures: Sequence[Figure] = ()) -> None:
    """Writes results, rows of any dataclass, with the environment they were measured in."""
    environment = this_environment(_PACKAGES)
    content: dict[str, object] = {"benchmark": benchmark, "environment": asdict(environment)}
    content["rows"] = [asdict(row) for row in rows]
    if figures:
        content["figures"] = [asdict(value) for value in figures]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def print_rows(rows: Sequence[Row]) -> None:
    """Prints results as a table."""
    print(f"{'task':<28} {'by':<14} {'CPU ms':>9} {'x real time':>12}   ours is faster by")
    for row in rows:
        print(
            f"{row.task:<28} {row.name:<14} {1000 * row.seconds:>9.2f} {row.rate:>12.0f}   {row.ratio or ''}"
        )


def print_figures(figures: Sequence[Figure]) -> None:
    """Prints figures as a table."""
    for value in figures:
        spread = f"({value.least:.3g}–{value.greatest:.3g})"
        print(f"{value.task:<28} {value.name:<28} {value.median:>9.3g} {value.unit:<14} {spread}")
