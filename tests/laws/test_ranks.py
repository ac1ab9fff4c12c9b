"""Law 6: two processes that learn together are one process with all the utterances.

Each computes its share of every batch, and the sums of their gradients are divided by the number of
utterances in both. So the weights are the same to rounding, while dropout, which every process draws for
itself, is off; with SGD, as Adam divides by the size of gradients and so enlarges the rounding of small ones.
With dropout a run is still the same to the last bit, however often it is stopped.
"""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from asr.config import ModelConfig
from asr.data.batching import Share, collate
from asr.data.dataset import Example
from asr.model.acoustic import AcousticModel
from asr.train.checkpoint import read_checkpoint
from asr.train.ctc import ctc_loss
from asr.train.recipe import RunOptions, run_recipe
from asr.train.state import checkpoint_path
from tests.helpers.corpora import write_short_corpus
from tests.helpers.ranks import Group, steps, write_recipe
from tests.helpers.runs import tiny_recipe

MODEL = ModelConfig(cell="lstm", layers=1, hidden=6, channels=2, dropout=0.0)

TELL_OF_THREADS = """
import atexit, pathlib

@atexit.register
def tell_of_threads():
    names = [path.read_text().strip() for path in pathlib.Path("/proc/self/task").glob("*/comm")]
    if left := [name for name in names if "gloo" in name]:
        print("threads that outlive the group:", *left)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_short_corpus(tmp_path_factory.mktemp("data"))


def model_of(run: Path) -> dict[str, Tensor]:
    tensors = read_checkpoint(checkpoint_path(run)).tensors
    return {name: tensor for name, tensor in tensors.items() if name.startswith("model.")}


def distance(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """How far apart two sets of weights are, relative to their norm."""
    assert one.keys() == other.keys()
    first, second = (torch.cat([tensor.flatten() for tensor in weights.values()]) for weights in (one, other))
    return float((first - second).norm() / second.norm())


@settings(max_examples=10)
@given(lengths=st.lists(st.integers(8, 30), min_size=1, max_size=7), parts=st.integers(1, 4))
def test_gradients_of_shares_add_up_to_the_gradient_of_the_batch(lengths: list[int], parts: int) -> None:
    torch.manual_seed(0)
    model, random = AcousticModel(MODEL, 20, 5), np.random.default_rng(len(lengths))
    examples = [
        Example(
            str(number), random.standard_normal((length, 20)).astype(np.float32), random.integers(1, 5, 2)
        )
        for number, length in enumerate(lengths)
    ]

    def gradient(indices: np.ndarray) -> list[Tensor]:
        if not len(indices):
            return [torch.zeros_like(parameter) for parameter in model.parameters()]
        batch = collate([examples[index] for index in indices])
        log_probs, frames = model(torch.from_numpy(batch.features), torch.from_numpy(batch.feature_lengths))
        return list(torch.autograd.grad(ctc_loss(log_probs, frames, batch).total, list(model.parameters())))

    everything = np.arange(len(lengths))
    shares = [gradient(Share(part, parts).of(everything)) for part in range(parts)]
    for whole, *own in zip(gradient(everything), *shares, strict=True):
        apart = float((torch.stack(own).sum(0) - whole).norm())
        assert apart <= 1e-4 * float(whole.norm()) + 1e-5  # single elements may be small and far off


def test_two_processes_end_with_the_weights_of_one(data: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(
        epochs=3, batch_seconds=1.7, accumulate=2, optimizer="sgd", learning_rate=1e-3, average=2
    )
    recipe = replace(recipe, model=replace(MODEL, dropout=0.0))
    alone = run_recipe(recipe, RunOptions(data, tmp_path / "one", device="cpu"))
    file = write_recipe(recipe, tmp_path / "recipe.py")
    file.write_text(TELL_OF_THREADS + file.read_text())
    with Group(file, data, tmp_path / "two") as group:
        status, out, err = group.end()
    assert status == [0, 0], err
    assert distance(model_of(tmp_path / "two"), model_of(tmp_path / "one")) < 1e-6
    for name in ("metrics.jsonl", "results/test.json", "results/dev.json"):
        assert (tmp_path / "two" / name).exists()
    one, two = (read_checkpoint(checkpoint_path(tmp_path / name)).values for name in ("one", "two"))
    assert (two["step"], two["epoch"], two["skipped"]) == (one["step"], one["epoch"], one["skipped"])
    assert [entry["error_rate"] for entry in two["kept"]] == [entry["error_rate"] for entry in one["kept"]]
    assert "test:" in out[0] and "epoch   3" in err[0]
    assert (out[1], err[1]) == ("", "")
    assert set(alone.reports) == {"dev", "test"}


def test_what_ends_one_process_ends_all_and_the_run_goes_on(data: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(epochs=5, batch_seconds=1.5, checkpoint_seconds=0.0)
    file, run = write_recipe(recipe, tmp_path / "recipe.py"), tmp_path / "run"
    with Group(file, data, tmp_path / "whole") as never_stopped:
        assert never_stopped.end()[0] == [0, 0]

    with Group(file, data, run) as killed:
        killed.wait_for_step(2)
        killed.processes[1].kill()
        status, _, err = killed.end()
    assert status == [2, -signal.SIGKILL]
    lost = "error: another process of this training ended, or no longer answers; go on with --resume"
    assert err[0].splitlines()[-1] == lost

    with Group(file, data, run, "--resume") as stopped:
        stopped.wait_for_step(steps(run) + 2)
        stopped.press_ctrl_c()
        status, _, err = stopped.end()
    assert status == [130, 130]
    lines = [line for text in err for line in text.splitlines() if line.startswith("error")]
    assert lines == [f"error: stopped after step {steps(run)}; go on with --resume"]
    assert not any("Traceback" in text for text in err)

    with Group(file, data, run, "--resume") as resumed:
        assert resumed.end()[0] == [0, 0]
    weights = "bundle/model.safetensors"
    assert (run / weights).read_bytes() == (tmp_path / "whole" / weights).read_bytes()
    assert (run / "metrics.jsonl").read_text() == (tmp_path / "whole" / "metrics.jsonl").read_text()


def test_a_mistake_is_told_once(data: Path, tmp_path: Path) -> None:
    file = write_recipe(tiny_recipe(), tmp_path / "recipe.py")
    with Group(file, tmp_path / "elsewhere", tmp_path / "run") as group:
        status, out, err = group.end()
    assert status == [2, 2]
    (line,) = [line for text in err for line in text.splitlines()]
    assert line.startswith("error:")
    assert "elsewhere" in line
    assert out == ["", ""]
