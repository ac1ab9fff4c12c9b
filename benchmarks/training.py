"""A training step over padded pairs against one over stock packed sequences: one thread, CPU time.

    python -m benchmarks.training [--json FILE] [--rounds 5]

The reference model: two convolutions (32 channels, 4x in time), four BiLSTMs of 320 units, 9.9 million
parameters. A step is what the training loop does: forward, CTC, backward, clipping, AdamW. The features are
random, of 6 to 10 seconds. "mixed" batches are drawn as they come; "bucketed" ones as training draws them.
Both paths keep the memory that they free, as the loop does.

Floating-point operations count what the mathematics needs of frames that exist, padding excluded, a
multiplication and an addition as two. Per emission frame and direction an LSTM of H units over D inputs takes
2 · 4H · (D + H), the head 2 · D · V; per output position a convolution takes 2 · kernel · inputs · outputs.
The backward pass takes twice the forward one (gradients of weights and of inputs).
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.common import Figure, Row, Timing, Work, faster, figure  # isort: skip
from benchmarks.common import print_figures, print_rows, time_rounds, write_json  # isort: skip

import numpy as np
import torch
from torch import Tensor

from asr.config import ModelConfig, TrainingConfig
from asr.data.batching import Batch, collate, plan_epoch
from asr.data.dataset import Example
from asr.environment import processor
from asr.model.acoustic import AcousticModel
from asr.train.ctc import ctc_loss
from asr.train.memory import keep_freed_memory
from asr.train.optimizer import make_optimizer
from asr.train.precision import Precision, choose_precision

REFERENCE = ModelConfig(cell="lstm", layers=4, hidden=320, subsampling=4, channels=32)
MELS, VOCABULARY = 80, 32
FRAMES_PER_SECOND = 100
TOKENS_PER_SECOND = 8
REQUIRED = {"fp32": 3.5, "bf16": 5.0}
MATRIX = {"fp32": 1024, "bf16": 2048}


@dataclass(frozen=True, slots=True)
class Setting:
    """A batch to train on, and the number format."""

    name: str
    batch: Batch
    precision: Precision

    @property
    def seconds(self) -> float:
        """Seconds of audio, padding excluded."""
        return int(self.batch.feature_lengths.sum()) / FRAMES_PER_SECOND


@dataclass(frozen=True, slots=True)
class Session:
    """A model in training."""

    model: AcousticModel
    optimizer: torch.optim.Optimizer
    setting: Setting

    def step(self) -> None:
        """One step, as in the training loop."""
        self.optimizer.zero_grad(set_to_none=True)
        with self.setting.precision.autocast(torch.device("cpu")):
            log_probs, lengths = self.model(*_inputs(self.setting.batch))
            loss = ctc_loss(log_probs, lengths, self.setting.batch)
        torch.autograd.backward(loss.total / loss.count)
        self.update()

    def update(self) -> None:
        """Clipping and AdamW."""
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), TrainingConfig().clip)
        self.optimizer.step()


def start(setting: Setting, path: str) -> Session:
    """A new model, the same for both paths."""
    torch.manual_seed(0)
    config = replace(REFERENCE, path=path)
    model = AcousticModel(config, MELS, VOCABULARY)
    return Session(model, make_optimizer(model, TrainingConfig()), setting)


def make_batch(size: int, shortest: float, longest: float, bucketed: bool) -> Batch:
    """A batch of random utterances; a bucketed one is the middle batch of many, by length."""
    random = np.random.default_rng(0)
    durations = random.uniform(shortest, longest, 16 * size if bucketed else size)
    chosen = np.arange(size)
    if bucketed:
        plan = plan_epoch(durations, size * (shortest + longest) / 2, seed=0, epoch=1)
        full = [batch for batch in plan if len(batch) == size]
        chosen = min(full, key=lambda batch: abs(durations[batch].mean() - (shortest + longest) / 2))
    examples = [
        Example(
            id=str(index),
            features=random.standard_normal((int(FRAMES_PER_SECOND * seconds), MELS)).astype(np.float32),
            tokens=random.integers(1, VOCABULARY, int(TOKENS_PER_SECOND * seconds)),
        )
        for index, seconds in enumerate(durations[chosen].tolist())
    ]
    return collate(examples)


def operations(batch: Batch) -> float:
    """Floating-point operations of a training step on a batch; see the head of this file."""
    first, second, channels = (
        *AcousticModel(REFERENCE, MELS, VOCABULARY).front_end.windows,
        REFERENCE.channels,
    )
    middle = first.output_length(batch.feature_lengths)
    frames = second.output_length(middle)
    bands = (MELS + 1) // 2, (MELS + 3) // 4
    forward = 2.0 * 3 * first.kernel * channels * bands[0] * middle.sum()
    forward += 2.0 * 3 * second.kernel * channels**2 * bands[1] * frames.sum()
    inputs, hidden = channels * bands[1], REFERENCE.hidden
    for _ in range(REFERENCE.layers):
        forward += 2 * 2.0 * 4 * hidden * (inputs + hidden) * frames.sum()
        inputs = 2 * hidden
    forward += 2.0 * inputs * VOCABULARY * frames.sum()
    return 3 * float(forward)


def matmul(precision: str) -> tuple[Work, float]:
    """The matmul whose speed counts as the peak, and its operations."""
    size = MATRIX[precision]
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    a, b, out = (torch.randn(size, size).to(kind) for _ in range(3))

    def run() -> None:
        for _ in range(4):
            torch.mm(a, b, out=out)

    return Work("matmul", run), 4 * 2.0 * size**3


def compare(setting: Setting, rounds: int) -> tuple[list[Row], list[Figure]]:
    """A step on both paths, and the matmul peak, all in every round."""
    peak, peak_operations = matmul(setting.precision.name)
    pairs, packed = start(setting, "pairs"), start(setting, "packed")
    works = [Work("pairs", pairs.step), Work("packed nn.LSTM", packed.step), peak]
    ours, stock, mm = time_rounds(works, rounds)
    ratio = faster(ours, stock, REQUIRED[setting.precision.name])
    rows = [
        Row(setting.name, ours.name, ours.median, setting.seconds / ours.median),
        Row(setting.name, stock.name, stock.median, setting.seconds / stock.median, ratio),
    ]
    peaks = [peak_operations / seconds for seconds in mm.seconds]
    figures = [figure(setting.name, "matmul peak", [value / 1e9 for value in peaks], "GFLOP/s")]
    for timing in (ours, stock):
        done = [operations(setting.batch) / seconds for seconds in timing.seconds]
        shares = [100 * value / top for value, top in zip(done, peaks, strict=True)]
        figures.append(figure(setting.name, f"{timing.name}, of the peak", shares, "%"))
    return rows, figures


def parts(setting: Setting, rounds: int) -> list[Figure]:
    """Where the time of a step over padded pairs goes: each part forward and backward by itself.

    What is left are norms, dropout and the head. It is a small difference of large figures, and may come
    out below zero.
    """
    session = start(setting, "pairs")
    works = [Work("step", session.step), *_parts(session)]
    step, *timings = time_rounds(works, rounds)
    rest = [
        total - sum(seconds)
        for total, *seconds in zip(step.seconds, *(part.seconds for part in timings), strict=True)
    ]
    timings.append(Timing("what is left", tuple(rest)))
    return [
        figure(
            setting.name,
            timing.name,
            [100 * own / total for own, total in zip(timing.seconds, step.seconds, strict=True)],
            "% of the step",
        )
        for timing in timings
    ]


def _parts(session: Session) -> list[Work]:
    model, batch, autocast = session.model, session.setting.batch, session.setting.precision.autocast
    with torch.no_grad():
        x, lengths = model.front_end(*_inputs(batch))
        log_probs, _ = model(*_inputs(batch))
    outputs = x.new_ones(*x.shape[:2], model.layers[0].outputs)

    def differentiate(run: Callable[[], Tensor]) -> None:
        with autocast(torch.device("cpu")):
            y = run()
        y.backward(torch.ones_like(y))

    def recurrent() -> None:
        for layer, source in zip(model.layers, [x] + [outputs] * (REFERENCE.layers - 1), strict=True):
            leaf = source.detach().requires_grad_()
            differentiate(lambda layer=layer, leaf=leaf: layer(leaf, lengths, None, "pairs")[0])

    def ctc() -> None:
        leaf = log_probs.detach().requires_grad_()
        torch.autograd.backward(ctc_loss(leaf, lengths, batch).total)

    return [
        Work("front-end", lambda: differentiate(lambda: model.front_end(*_inputs(batch))[0])),
        Work("recurrent layers", recurrent),
        Work("CTC loss", ctc),
        Work("clipping and AdamW", session.update),
    ]


def memory(precision: Precision, rounds: int) -> Figure:
    """Growth of the peak of memory from a batch of 4 to one of 12 ten-second utterances, fresh processes."""
    slopes = []
    for _ in range(rounds):
        small, large = (_peak_in_a_fresh_process(size) for size in (4, 12))
        slopes.append((large - small) / (10 * (12 - 4)))
    return figure(f"10-second utterances {precision.name}", "memory per audio-second", slopes, "MB")


def _peak_in_a_fresh_process(size: int) -> float:
    command = [sys.executable, "-m", "benchmarks.training", "--peak-of", str(size)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def peak_of(size: int, precision: Precision) -> float:
    """Peak of resident memory, in MB, after two steps on `size` ten-second utterances."""
    session = start(Setting("memory", make_batch(size, 10.0, 10.0, bucketed=False), precision), "pairs")
    session.step()
    session.step()
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss of Linux would begin at what the parent process holds
        (line,) = (
            line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM")
        )
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _inputs(batch: Batch) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(batch.features), torch.from_numpy(batch.feature_lengths)


def main() -> None:
    """Measures, prints a table, and writes JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the results here")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peak-of", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    auto = choose_precision("auto", torch.device("cpu"))
    if arguments.peak_of:
        print(peak_of(arguments.peak_of, auto))
        return
    print(f"{processor()}, one thread, {arguments.rounds} rounds; bf16 is measured where auto chooses it")
    parameters = sum(value.numel() for value in AcousticModel(REFERENCE, MELS, VOCABULARY).parameters())
    print(f"{parameters / 1e6:.1f} million parameters")
    rows: list[Row] = []
    figures: list[Figure] = []
    for precision in {"fp32": choose_precision("fp32", torch.device("cpu")), auto.name: auto}.values():
        for size, bucketed in ((8, False), (16, True)):
            name = f"B={size} {'bucketed' if bucketed else 'mixed'} {precision.name}"
            setting = Setting(name, make_batch(size, 6.0, 10.0, bucketed), precision)
            compared, shares = compare(setting, arguments.rounds)
            rows += compared
            figures += [*shares, *parts(setting, arguments.rounds)]
    figures.append(memory(auto, min(3, arguments.rounds)))
    print_rows(rows)
    print_figures(figures)
    if arguments.json:
        write_json(arguments.json, "training", rows, figures)


if __name__ == "__main__":
    main()
