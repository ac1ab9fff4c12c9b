"""Several processes that train together on this machine, started one by one so that tests can end them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from asr.config import Recipe
from asr.errors import RunError
from asr.train.checkpoint import read_checkpoint
from asr.train.state import checkpoint_path

PATIENCE = 900
"""Seconds until a test gives up: for busy machines."""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_recipe(recipe: Recipe, path: Path) -> Path:
    """Writes a recipe as a file that can be run."""
    main = "if __name__ == '__main__':\n    main(recipe)\n"
    text = f"from asr.cli.train import main\nfrom asr.config import *\n\nrecipe = {recipe!r}\n\n{main}"
    path.write_text(text, encoding="utf-8")
    return path


class Group:
    """Processes of one training, as torchrun would start them.

    Args:
        recipe: The recipe file.
        data, run: Data and run folder.
        arguments: Further arguments.
        count: Number of processes.
    """

    def __init__(self, recipe: Path, data: Path, run: Path, *arguments: str, count: int = 2) -> None:
        self.run = run
        command = [sys.executable, str(recipe), "--data", str(data), "--out", str(run), "--device", "cpu"]
        shared = {
            "WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count), "OMP_NUM_THREADS": "1",
            "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()),
        }  # fmt: skip
        self.processes = [
            subprocess.Popen(
                [*command, *arguments],
                env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for rank in range(count)
        ]

    def __enter__(self) -> Group:
        return self

    def __exit__(self, *about: object) -> None:
        end_all(self.processes)

    def wait_for_step(self, step: int) -> None:
        """Waits until a checkpoint of this step, or a later one, is written."""
        wait_for_step(self.run, step, self.processes)

    def press_ctrl_c(self) -> None:
        """Sends Ctrl-C to all."""
        for process in self.processes:
            process.send_signal(signal.SIGINT)

    def end(self) -> tuple[list[int], list[str], list[str]]:
        """Waits for the end: status, standard output and standard error of each."""
        ended = [process.communicate(timeout=PATIENCE) for process in self.processes]
        return [process.returncode for process in self.processes], *map(list, zip(*ended, strict=True))


def end_all(processes: list[subprocess.Popen[str]]) -> None:
    """Ends what a failed test has left running; torchrun passes the signal on to its processes."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=PATIENCE)


def wait_for_step(run: Path, step: int, processes: list[subprocess.Popen[str]]) -> None:
    """Waits until the checkpoint of a run is of this step, or of a later one."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and all(process.poll() is None for process in processes):
        if steps(run) >= step:
            return
        time.sleep(0.005)
    ended = [process.communicate(timeout=PATIENCE) for process in processes if process.poll() is not None]
    raise AssertionError(f"never came to step {step}: {ended}")


def steps(run: Path) -> int:
    """The step of the checkpoint of a run; 0 without one."""
    try:
        return int(read_checkpoint(checkpoint_path(run)).values["step"])
    except RunError:
        return 0
