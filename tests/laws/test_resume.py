"""Law 5: a run that was stopped and resumed ends with the same bits as one that never was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from asr.config import Recipe
from asr.errors import RunError
from asr.settings import with_settings
from asr.train.checkpoint import read_checkpoint
from asr.train.recipe import RunOptions, run_recipe
from asr.train.state import TrainState, checkpoint_path, kept_path
from tests.helpers.corpora import write_short_corpus
from tests.helpers.runs import interrupted, tiny_recipe, trained

BATCHES = 9
VARIANTS = {
    "adamw, cosine, accumulation, averaging": ["training.accumulate=2", "training.average=2"],
    "sgd, plateau": [
        "training.optimizer=sgd", "training.schedule=plateau", "training.learning_rate=1e-4",
        "model.cell=lstm"
    ],
    "rmsprop, batch norm, late SpecAugment": [
        "training.optimizer=rmsprop", "training.learning_rate=1e-3", "model.norm=batch",
        "augment.spec_from_epoch=1", "training.validate_every=2"
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_short_corpus(tmp_path_factory.mktemp("data"))


def variant(name: str) -> Recipe:
    return with_settings(tiny_recipe(batch_seconds=1.5), VARIANTS[name])


def everything(run: Path, state: TrainState, weights: dict[str, Tensor]) -> dict[str, Any]:
    """All that must not depend on where a run was stopped, as text that is equal only for equal bits."""
    kept = [read_checkpoint(kept_path(run, entry.epoch)) for entry in state.kept]
    values = asdict(replace(state, cpu_seconds=0.0))
    return {
        "state": json.dumps(values),
        "weights": {name: tensor.numpy().tobytes() for name, tensor in weights.items()},
        "kept": [{name: tensor.numpy().tobytes() for name, tensor in c.tensors.items()} for c in kept],
        "files": sorted(path.name for path in (run / "best").iterdir()),
        "metrics": (run / "metrics.jsonl").read_text(encoding="utf-8"),
    }


@cache
def never_stopped(name: str, data: Path) -> dict[str, Any]:
    run = data / "never stopped" / name
    state, model = trained(variant(name), data, run)
    return everything(run, state, model.state_dict())


@pytest.mark.parametrize("name", VARIANTS)
@settings(max_examples=3)
@given(stops=st.lists(st.integers(1, BATCHES), min_size=1, max_size=2))
def test_stopped_after_any_step_and_resumed_is_never_stopped(
    name: str, data: Path, tmp_path_factory: pytest.TempPathFactory, stops: list[int]
) -> None:
    run = tmp_path_factory.mktemp("run")
    stopped = False
    for batches in stops:
        if not interrupted(variant(name), data, run, batches, resume=stopped):
            break
        stopped = True
    torch.manual_seed(99)  # whatever the process did in between
    state, model = trained(variant(name), data, run, resume=stopped)
    assert everything(run, state, model.state_dict()) == never_stopped(name, data)


def test_ctrl_c_in_the_last_step_stops_before_the_evaluation(data: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(epochs=1)
    state, _ = trained(recipe, data, tmp_path / "whole")
    assert interrupted(recipe, data, tmp_path / "run", state.step)
    checkpoint = read_checkpoint(checkpoint_path(tmp_path / "run"))
    assert checkpoint.values["step"] == state.step


class Process:
    """``asr train`` in a process of its own, with a checkpoint after every step."""

    def __init__(self, recipe: Path, data: Path, run: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "asr", "train", str(recipe), "--data", str(data), "--out", str(run)]
        environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
        self.run = run
        self.process = subprocess.Popen(
            [*command, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def wait_for_step(self, step: int) -> None:
        deadline = time.monotonic() + 120
        while self.process.poll() is None and time.monotonic() < deadline:
            if self.steps() >= step:
                return
            time.sleep(0.002)
        raise AssertionError(f"never came to step {step}: {self.end()}")

    def steps(self) -> int:
        try:
            return int(read_checkpoint(checkpoint_path(self.run)).values["step"])
        except RunError:
            return 0

    def end(self) -> tuple[int, str]:
        _, messages = self.process.communicate(timeout=120)
        return self.process.returncode, messages


def test_kill_9_and_ctrl_c_lose_nothing(data: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(epochs=14, batch_seconds=1.5, checkpoint_seconds=0.0, average=3)
    whole = run_recipe(recipe, RunOptions(data, tmp_path / "whole", device="cpu"))
    file, run = tmp_path / "recipe.py", tmp_path / "run"
    file.write_text(f"from asr.config import *\n\nrecipe = {recipe!r}\n", encoding="utf-8")

    killed = Process(file, data, run, "--device", "cpu")
    killed.wait_for_step(3)
    killed.process.kill()
    assert killed.end()[0] == -signal.SIGKILL
    before = killed.steps()

    stopped = Process(file, data, run, "--device", "cpu", "--resume")
    stopped.wait_for_step(before + 4)
    stopped.process.send_signal(signal.SIGINT)
    status, messages = stopped.end()
    assert status == 130
    assert messages.splitlines()[-1] == f"error: stopped after step {stopped.steps()}; go on with --resume"
    assert "Traceback" not in messages
    assert not (run / "bundle").exists()

    run_recipe(recipe, RunOptions(data, run, device="cpu", resume=True))
    weights = (run / "bundle" / "model.safetensors").read_bytes()
    assert weights == (whole.bundle / "model.safetensors").read_bytes()
    metrics = (run / "metrics.jsonl").read_text(encoding="utf-8")
    assert metrics == (tmp_path / "whole" / "metrics.jsonl").read_text(encoding="utf-8")
