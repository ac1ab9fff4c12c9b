"""Trials in processes of their own: one that hangs, crashes or runs out of memory ends nothing but itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from asr.doctor.findings import Finding

SECONDS = 120.0
_START = "import sys; sys.path[:] = {paths!r}; from asr.doctor.trials import main; main({name!r}, {given!r})"


@dataclass(frozen=True, slots=True)
class Trial:
    """Something to try.

    Attributes:
        name: Of the trial in `asr.doctor.trials`.
        given: What it takes.
        failed: What is found where the process dies.
    """

    name: str
    given: str
    failed: Finding


def attempt(trials: Sequence[Trial], seconds: float = SECONDS) -> list[Finding]:
    """Runs trials side by side, on as many processors as there are; findings come in their order."""
    with ThreadPoolExecutor(max(1, min(len(trials), os.cpu_count() or 1))) as pool:
        found = list(pool.map(lambda trial: _attempt(trial, seconds), trials))
    return [finding for part in found for finding in part]


def _attempt(trial: Trial, seconds: float) -> list[Finding]:
    code = _START.format(paths=sys.path, name=trial.name, given=trial.given)
    command = [sys.executable, "-c", code]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return [_failed(trial, f"no answer within {seconds:g} s")]
    except OSError as error:
        return [_failed(trial, f"cannot be tried: {error.strerror or error}")]
    try:
        found = json.loads(done.stdout.decode(errors="replace").splitlines()[-1])
        return [Finding(**one) for one in found]
    except (IndexError, ValueError, TypeError):
        return [_failed(trial, _reason(done))]


def _failed(trial: Trial, reason: str) -> Finding:
    one = trial.failed
    return Finding(one.topic, one.name, one.state, f"{one.text}{reason}", one.remedy, one.needed)


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    """Why a process has ended without an answer: its signal, or its last word."""
    if done.returncode < 0:
        try:
            return f"ended by {signal.Signals(-done.returncode).name}"
        except ValueError:
            return f"ended by signal {-done.returncode}"
    lines = done.stderr.decode(errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return said[-1][:200] if said else f"ended with status {done.returncode}"
