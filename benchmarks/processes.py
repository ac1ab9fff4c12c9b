"""What a whole process takes, from its start to its end."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import Figure, figure


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took.

    Attributes:
        cpu: Seconds.
        clock: Seconds by the clock.
        resident: Bytes of memory at most.
        said: What it wrote to stderr.
    """

    cpu: float
    clock: float
    resident: int
    said: str


def cost(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> Cost:
    """Runs a command to its end in a folder, with more variables in its environment.

    Raises:
        RuntimeError: If it fails; with what it said.
    """
    begin = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | dict(variables),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stderr
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(said)
    clock = time.perf_counter() - begin
    return Cost(usage.ru_utime + usage.ru_stime, clock, usage.ru_maxrss * 1024, said)


def figures(task: str, costs: Sequence[Cost]) -> list[Figure]:
    """CPU seconds, seconds by the clock and memory of several runs."""
    return [
        figure(task, "CPU", [one.cpu for one in costs], "s"),
        figure(task, "clock", [one.clock for one in costs], "s"),
        figure(task, "memory", [one.resident / 1e6 for one in costs], "MB"),
    ]
