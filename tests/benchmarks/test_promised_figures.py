"""Two promised figures, measured by the commands that report them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: object) -> None:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    parts = [sys.executable, *map(str, command)]
    done = subprocess.run(parts, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def figures(path: Path) -> dict[tuple[str, str], float]:
    return {(one["task"], one["name"]): one["median"] for one in json.loads(path.read_text())["figures"]}


@pytest.mark.slow
def test_words_are_timed_to_60_ms_in_speech_whose_times_are_known(tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="needs the extra 'demo'")
    run("recipes/digits/generate.py", "--to", tmp_path / "digits")
    run("recipes/digits/bilstm.py", "--data", tmp_path / "digits", "--out", tmp_path / "run")
    command = ("benchmarks.word_times", "--model", tmp_path / "run/bundle", "--json", tmp_path / "times.json")
    run("-m", *command)
    found = figures(tmp_path / "times.json")
    for kind in ("connected", "apart"):
        for way in ("greedy", "beam"):
            assert found[f"{kind}, {way}", "starts"] <= 60
            assert found[f"{kind}, {way}", "ends"] <= 60


@pytest.mark.data
@pytest.mark.slow
def test_confidences_fitted_on_some_speakers_hold_for_others(data_folder: Path, tmp_path: Path) -> None:
    command = ("benchmarks.confidence", "--model", "models/an4-bilstm", "--data", data_folder / "an4")
    run("-m", *command, "--json", tmp_path / "confidence.json")
    found = figures(tmp_path / "confidence.json")
    for way in ("best path", "beam", "beam, 3-gram"):
        for task in ("crosswise", "test"):
            name = f"{way}, {task}"
            assert found[name, "calibrated"] < found[name, "geometric mean"]
            assert found[name, "calibrated"] < 2 * found[name, "chance"]
    assert found["beam, 3-gram, dev", "best path's"] > found["beam, 3-gram, crosswise", "calibrated"]
