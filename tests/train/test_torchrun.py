"""torchrun starts the same recipe on one machine and on several, and passes on what ends it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from asr.train.checkpoint import read_checkpoint
from asr.train.recipe import RunOptions, run_recipe
from asr.train.state import checkpoint_path
from tests.helpers.corpora import write_short_corpus
from tests.helpers.ranks import PATIENCE, end_all, free_port, steps, wait_for_step, write_recipe
from tests.helpers.runs import MODEL, tiny_recipe

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_short_corpus(tmp_path_factory.mktemp("data"))


@contextmanager
def torchrun(
    options: list[str], command: list[str], data: Path, run: Path
) -> Iterator[subprocess.Popen[str]]:
    line = [sys.executable, "-m", "torch.distributed.run", *options, *command]
    process = subprocess.Popen(
        [*line, "--data", str(data), "--out", str(run), "--device", "cpu"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        end_all([process])


def test_two_nodes_are_one_process(data: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(epochs=2, batch_seconds=1.7, optimizer="sgd", learning_rate=1e-3)
    recipe = replace(recipe, model=replace(MODEL, dropout=0.0))
    run_recipe(recipe, RunOptions(data, tmp_path / "one", device="cpu"))
    file, address = write_recipe(recipe, tmp_path / "recipe.py"), f"127.0.0.1:{free_port()}"
    options = ["--nnodes=2", "--nproc-per-node=1", "--rdzv-backend=c10d", f"--rdzv-endpoint={address}"]
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(
                torchrun(
                    [*options, f"--node-rank={node}", "--rdzv-id=test"],
                    ["-m", "asr", "train", str(file)],
                    data,
                    tmp_path / "two",
                )
            )
            for node in range(2)
        ]
        ended = [node.communicate(timeout=PATIENCE) for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], ended
    assert sorted("test:" in out for out, _ in ended) == [False, True]
    one, two = (read_checkpoint(checkpoint_path(tmp_path / name)).tensors for name in ("one", "two"))
    for name, tensor in one.items():
        if name.startswith("model."):
            assert float((tensor - two[name]).norm()) <= 1e-6 * max(float(tensor.norm()), 1.0), name


def test_ctrl_c_reaches_all_and_the_run_goes_on(data: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(epochs=6, batch_seconds=1.5, checkpoint_seconds=0.0)
    command, run = [str(write_recipe(recipe, tmp_path / "recipe.py"))], tmp_path / "run"
    options = ["--nproc-per-node=2", f"--master-port={free_port()}"]
    with torchrun(options, command, data, run) as stopped:
        wait_for_step(run, 2, [stopped])
        stopped.send_signal(signal.SIGINT)
        _, err = stopped.communicate(timeout=PATIENCE)
    assert stopped.returncode != 0
    said = [line for line in err.splitlines() if line.startswith("error: ")]
    assert said == [f"error: stopped after step {steps(run)}; go on with --resume"]
    with torchrun(options, [*command, "--resume"], data, run) as resumed:
        out, err = resumed.communicate(timeout=PATIENCE)
    assert resumed.returncode == 0, err
    assert "test:" in out and (run / "bundle" / "README.md").exists()
