"""Two processes that train together against the best single one: steps of the training loop, by the clock.

    python -m benchmarks.ranks [--json FILE] [--rounds 3] [--steps 5] [--utterances 16] [--hidden 320]

All compute the same steps: the reference model of `benchmarks.training` on a batch of utterances of similar
length. With two processes each computes its share of the batch, and gradients are added up over the loopback
interface. The single process is tried with one thread and with two; the faster counts. Each runs in fresh
processes, in turn, in every round. The machine has to be idle, and must have two cores.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.common import Figure, command, figure  # isort: skip

import torch
from torch import nn

from asr.config import ModelConfig, TrainingConfig
from asr.data.batching import Batch
from asr.model.acoustic import AcousticModel
from asr.train.ctc import ctc_loss
from asr.train.distributed import Ranks, joined
from asr.train.learner import Learner
from asr.train.objective import Loss, Metrics
from asr.train.precision import choose_precision
from benchmarks.training import MELS, REFERENCE, VOCABULARY, make_batch

GOAL = 1.6
CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class Emitting:
    """CTC without texts to judge by."""

    model: nn.Module

    def loss(self, batch: Batch) -> Loss:
        """See Objective."""
        features, lengths = torch.from_numpy(batch.features), torch.from_numpy(batch.feature_lengths)
        return ctc_loss(*self.model(features, lengths), batch)

    def validate(self) -> Metrics:
        """Never asked for."""
        raise NotImplementedError


def own_part(batch: Batch, ranks: Ranks) -> Batch:
    """The share of a batch that a process computes."""
    rows = slice(ranks.number, None, ranks.count)
    longest = int(batch.feature_lengths[rows].max())
    return Batch(
        batch.ids[rows],
        batch.features[rows, :longest],
        batch.feature_lengths[rows],
        batch.tokens[rows],
        batch.token_lengths[rows],
    )


def train(config: ModelConfig, utterances: int, steps: int) -> float:
    """Seconds by the clock of a step, in this process and those it has been started with."""
    with joined() as ranks:
        torch.manual_seed(0)
        model = AcousticModel(config, MELS, VOCABULARY)
        learner = Learner(Emitting(model), TrainingConfig(), choose_precision("auto", CPU), ranks)
        batch = own_part(make_batch(utterances, 6.0, 10.0, bucketed=True), ranks)
        learner.step([batch], 0, 1e-4)
        ranks.meet()
        begin = time.perf_counter()
        for number in range(steps):
            learner.step([batch], number + 1, 1e-4)
        ranks.meet()
        return (time.perf_counter() - begin) / steps


def timed(arguments: argparse.Namespace, processes: int, threads: int) -> float:
    """Seconds of a step with so many processes of so many threads."""
    options = [f"--{name}={getattr(arguments, name)}" for name in ("steps", "utterances", "hidden")]
    line = [sys.executable, "-m", "benchmarks.ranks", f"--worker={threads}", *options]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = {"WORLD_SIZE": str(processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    started = [_start(line, shared | {"RANK": str(rank)}) for rank in range(processes)]
    seconds = [float(process.communicate()[0].splitlines()[-1]) for process in started]
    return max(seconds)


def _start(line: Sequence[str], variables: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(line, env=os.environ | dict(variables), stdout=subprocess.PIPE, text=True)


def measure(arguments: argparse.Namespace) -> list[Figure]:
    """Runs all in every round, and compares."""
    settings = {"one process": (1, 1), "one process, 2 threads": (1, 2), "two processes": (2, 1)}
    seconds: dict[str, list[float]] = {name: [] for name in settings}
    for _ in range(arguments.rounds):
        for name, (processes, threads) in settings.items():
            seconds[name].append(timed(arguments, processes, threads))
    task = f"{arguments.utterances} utterances of 6 to 10 s, {choose_precision('auto', CPU).name}"
    best = min(list(settings)[:2], key=lambda name: sum(seconds[name]))
    ratios = [one / two for one, two in zip(seconds[best], seconds["two processes"], strict=True)]
    found = [figure(task, f"{name}, a step", values, "s") for name, values in seconds.items()]
    return [*found, figure(task, f"two processes against the best single one (goal {GOAL:g})", ratios, "x")]


def main() -> int:
    """Measures, or is one of the processes that are measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--utterances", type=int, default=16)
    parser.add_argument("--hidden", type=int, default=REFERENCE.hidden)
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    arguments, _ = parser.parse_known_args()
    if arguments.worker:
        torch.set_num_threads(arguments.worker)
        print(train(replace(REFERENCE, hidden=arguments.hidden), arguments.utterances, arguments.steps))
        return 0
    return command("ranks", parser, measure)


if __name__ == "__main__":
    sys.exit(main())
