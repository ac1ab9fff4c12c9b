"""The cold start: `asr transcribe` of 10 s of speech without torch, against `import torch`, by the clock.

    python -m benchmarks.cold --data data/an4 --model models/an4-bilstm [--python PYTHON] [--rounds 11]

Every program runs in a process of its own, in turn; files are in the system's cache. A first run is not
counted: it compiles code, and makes a large language model ready. `--python` is the interpreter of an
environment with the core alone; `import torch` runs with the interpreter of this program.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.common import Figure, figure, print_figures, write_json  # isort: skip

import numpy as np
import soundfile

from asr.bundle import load_bundle
from asr.data.manifest import read_manifest, split_path
from asr.environment import processor
from asr.recognize.evaluate import samples_of
from benchmarks.processes import Cost, cost, figures
from benchmarks.streams.material import exported

SECONDS = 10
SHARE, MEMORY = 0.7, 500
"""Promised: at most this share of the time of importing torch, and less than so many MB."""
TORCH = "importing torch"


def write_recording(data: Path, rate: int, path: Path) -> None:
    """Writes 10 s of speech: recordings of the test split, one after the other."""
    utterances = read_manifest(split_path(data, "test"))[: 2 * SECONDS]
    samples = np.concatenate(samples_of(utterances, rate))
    soundfile.write(path, samples[: SECONDS * rate], rate)


def measure(commands: dict[str, Sequence[str]], folder: Path, rounds: int) -> dict[str, list[Cost]]:
    """Runs every command once, then once in each round."""
    variables = dict.fromkeys(("NUMBA_CACHE_DIR", "ASR_CACHE_DIR"), str(folder / "cache"))
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for command in commands.values():
        cost(command, folder, variables)
    for _ in range(rounds):
        for name, command in commands.items():
            costs[name].append(cost(command, folder, variables))
    return costs


def summary(costs: dict[str, list[Cost]]) -> list[Figure]:
    """What each took, and its share of importing torch in the same round."""
    found: list[Figure] = []
    for name, these in costs.items():
        found += figures(name, these)
        if name != TORCH:
            shares = [one.clock / base.clock for one, base in zip(these, costs[TORCH], strict=True)]
            found.append(figure(name, "clock, of importing torch", shares, "x"))
    return found


def main() -> None:
    """Measures, prints a table, and writes JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with a split `test`")
    parser.add_argument("--model", type=Path, required=True, help="model folder")
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="of the core alone")
    parser.add_argument("--rounds", type=int, default=11, help="starts of each program")
    parser.add_argument("--json", type=Path, help="write the results here")
    arguments = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        model = exported(arguments.model.resolve(), folder / "model")
        recording, bundle = folder / "recording.wav", load_bundle(model, weights=False)
        write_recording(arguments.data, bundle.features.sample_rate, recording)
        commands: dict[str, Sequence[str]] = {TORCH: [sys.executable, "-c", "import torch"]}
        for engine in bundle.graphs.engines:
            options = ["--model", str(model), "--engine", engine]
            commands[f"asr transcribe, {engine}"] = [
                str(arguments.python), "-P", "-m", "asr", "transcribe", str(recording), *options
            ]  # fmt: skip
        print(f"{processor()}, {arguments.rounds} rounds; promised: {SHARE:g} of the time, {MEMORY} MB")
        found = summary(measure(commands, folder, arguments.rounds))
    print_figures(found)
    if arguments.json:
        write_json(arguments.json, "cold", [], found)


if __name__ == "__main__":
    main()
