"""Live streams on one server: how long each piece of speech waits for its caption.

The server and its clients are processes of their own on one machine, so that both need its processors; the
share of a processor that the server took is told, too.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import Figure  # isort: skip

import numpy as np

from asr.errors import RunError
from benchmarks.streams.clients import Live, speak
from benchmarks.streams.material import Samples
from benchmarks.streams.memory import apart

IN_TIME = 0.1
"""Seconds that 95 % of all captions may take."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server: its process, and the address of its socket."""

    process: int
    address: str


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What clients do.

    Attributes:
        speech: Samples (n,) that they send.
        sample_rate: Of these, Hz.
        counts: Numbers of clients.
        seconds: For which they speak.
    """

    speech: Samples
    sample_rate: int
    counts: Sequence[int]
    seconds: float


def measure(name: str, folder: Path, engines: Sequence[str], plan: Plan) -> list[Figure]:
    """Waiting times for each number of streams, and the largest number that were all served in time.

    Args:
        name: Of the model.
        folder: Of the model, with graphs.
        engines: That run it.
        plan: What clients do.
    """
    figures: list[Figure] = []
    for engine in engines:
        task, most = f"{name}, {engine}", 0
        with running(folder, engine, max(plan.counts)) as server:
            for count in plan.counts:
                found, busy = observe(server, plan, count)
                figures += summary(f"{task}, {count} live", found, busy)
                if in_time(found):
                    most = max(most, count)
        figures.append(Figure(task, "most streams in time", most, most, most, "streams"))
    return figures


def observe(server: Server, plan: Plan, count: int) -> tuple[Live, float]:
    """What clients found, and the share of a processor that the server took while they spoke."""
    before = cpu_seconds(server.process)
    found = apart(speak, server.address, plan.speech, plan.sample_rate, count, plan.seconds)
    return found, (cpu_seconds(server.process) - before) / plan.seconds


def in_time(found: Live) -> bool:
    """Whether all were served, and nineteen of twenty captions came in time."""
    if found.missing or found.refused or not found.answers:
        return False
    return bool(np.quantile(found.answers, 0.95) <= IN_TIME)


def summary(task: str, found: Live, busy: float) -> list[Figure]:
    """Quantiles of the waiting times, with the extremes."""
    answers, late = (1000 * np.asarray(values or (np.nan,)) for values in (found.answers, found.late))
    figures = [
        Figure(task, f"caption, {100 * share:.0f} %", float(np.quantile(values, share)), *_ends(values), "ms")
        for values, share in ((answers, 0.5), (answers, 0.95), (answers, 0.99))
    ]
    figures.append(Figure(task, "sent late, 95 %", float(np.quantile(late, 0.95)), *_ends(late), "ms"))
    figures.append(Figure(task, "server", busy, busy, busy, "processors"))
    for name, count in (("unanswered pieces", found.missing), ("clients sent away", found.refused)):
        if count:
            figures.append(Figure(task, name, count, count, count, ""))
    return figures


def _ends(values: np.ndarray) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def cpu_seconds(process: int) -> float:
    """That a process has used so far. Raises RunError where the system does not tell."""
    if not sys.platform.startswith("linux"):
        raise RunError("only Linux tells what other processes take; choose others with --only")
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(folder: Path, engine: str, sessions: int) -> Iterator[Server]:
    """Starts ``asr serve`` on a free port, and ends it. Raises RunError if it does not start."""
    words = ("serve", "--model", folder, "--engine", engine, "--port", 0, "--sessions", sessions)
    command = [sys.executable, "-m", "asr", *map(str, words)]
    environment = {name: value for name, value in os.environ.items() if name != "ASR_TOKEN"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield Server(process.pid, _address(process))
        finally:
            process.terminate()
            process.wait(60)


def _address(process: subprocess.Popen[str]) -> str:
    """Where it listens, which it says when it is ready; what else it says does not fill a pipe."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line.strip())
        if line.startswith("listening on "):
            return line.split()[2].replace("http", "ws", 1).rstrip("/") + "/ws"
    raise RunError(f"asr serve did not start: {' '.join(said[-1:])}")
