"""What starting costs, as promised: measured by the command that reports it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.start import FIRST, LATER, PROGRAMS

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_first_start_takes_seconds_and_later_ones_little_more_than_numba(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.start", "--rounds", "5", "--first", "1"]
    path = tmp_path / "start.json"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "--json", path], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "compiling the beam search, once per installation" in done.stdout
    figures = json.loads(path.read_text())["figures"]
    median = {one["task"]: one["median"] for one in figures if one["name"] == "CPU"}
    for name in PROGRAMS:
        assert median[f"{name}, first"] < FIRST
        assert median[f"{name}, later"] < LATER
