"""What starting costs: the first decode after an installation, and later ones above importing numba.

    python -m benchmarks.start [--json FILE] [--rounds 11] [--first 3] [--python PYTHON]

Every program runs in a process of its own; times are CPU seconds of the whole process, from its start to
its end, and seconds by the clock. Other packages of the environment matter, so choose its interpreter:
numba prepares to compile more slowly where scipy is installed. Nothing here imports torch.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.common import Figure, print_figures, write_json  # isort: skip

import numpy as np

from asr.environment import processor
from asr.lm.kneser_ney import Estimation, estimate
from benchmarks.processes import Cost, cost, figures

LETTERS = "abcdefghijklmnopqrstuvwxyz'"
FIRST, LATER = 15.0, 0.3
"""What is promised: CPU seconds of the first decode, and of later starts above importing numba."""

EMISSIONS = """
import logging, sys
logging.basicConfig(level=logging.INFO, format="%(message)s")
import numpy as np
log_probs = np.random.default_rng(0).standard_normal((100, 29)).astype(np.float32)
log_probs -= np.log(np.exp(log_probs).sum(axis=1, keepdims=True))
"""
FEATURES = """
import logging
logging.basicConfig(level=logging.INFO, format="%(message)s")
import numpy as np
from asr.audio.features import log_mel
from asr.config import FeatureConfig
log_mel(np.zeros(16_000, np.float32), FeatureConfig())
"""
ALIGNMENT = f"""{EMISSIONS}
from asr.decode.align import align
align(log_probs, [1, 2, 3, 3, 4])
"""
BEAM = f"""{EMISSIONS}
from asr.config import DecodingConfig
from asr.decode.beam import BeamDecoder
BeamDecoder(DecodingConfig(), 29).decode(log_probs)
"""
FUSION = f"""{EMISSIONS}
from pathlib import Path
from asr.config import DecodingConfig
from asr.decode.beam import BeamDecoder
from asr.decode.fusion import Fusion
from asr.lm.construction import load_language_model
from asr.text.units import Units
fusion = Fusion(units=Units(("", " ", *"{LETTERS}"), 1), word_model=load_language_model(Path("lm.arpa")))
BeamDecoder(DecodingConfig(), 29, fusion).decode(log_probs)
"""
BASE = "import numba"
PROGRAMS = {
    "features": FEATURES,
    "alignment": ALIGNMENT,
    "beam search": BEAM,
    "beam search and 3-gram": FUSION,
}


def run(python: Path, program: str, folder: Path, cache: Path) -> Cost:
    """Runs a program in a folder, with stored code in another. Raises RuntimeError if it fails."""
    return cost([str(python), "-P", "-c", program], folder, {"NUMBA_CACHE_DIR": str(cache)})


def first_starts(python: Path, folder: Path, rounds: int) -> list[Figure]:
    """The first decode of an installation: nothing is stored yet."""
    if not rounds:
        return []
    found: list[Figure] = []
    said: list[str] = []
    for name, program in PROGRAMS.items():
        costs = []
        for _ in range(rounds):
            with TemporaryDirectory() as cache:
                costs.append(run(python, program, folder, Path(cache)))
        said += costs[0].said.splitlines()
        found += figures(f"{name}, first", costs)
    print("said at the first starts:", *dict.fromkeys(said), sep="\n  ")
    return found


def later_starts(python: Path, folder: Path, rounds: int) -> list[Figure]:
    """Later starts, in turn, and what they take above importing numba in the same round."""
    cache = folder / "cache"
    for program in PROGRAMS.values():
        run(python, program, folder, cache)
    programs = {"importing numba": BASE, **PROGRAMS}
    costs: dict[str, list[Cost]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            costs[name].append(run(python, program, folder, cache))
    if any(one.said for name in PROGRAMS for one in costs[name]):
        raise RuntimeError("a later start compiled or complained")
    base = costs["importing numba"]
    found = figures("importing numba", base)
    for name in PROGRAMS:
        above = [
            Cost(one.cpu - least.cpu, one.clock - least.clock, one.resident - least.resident, "")
            for one, least in zip(costs[name], base, strict=True)
        ]
        found += figures(f"{name}, later", above)
    return found


def write_model(path: Path) -> None:
    """Writes a word 3-gram of random sentences."""
    random = np.random.default_rng(0)
    words = ["".join(random.choice(list(LETTERS), random.integers(2, 8))) for _ in range(500)]
    sentences = [list(random.choice(words, 8)) for _ in range(500)]
    estimate(sentences, path, Estimation(3))


def main() -> None:
    """Measures, prints a table, and writes JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the results here")
    parser.add_argument("--rounds", type=int, default=11, help="later starts of each program")
    parser.add_argument("--first", type=int, default=3, help="first starts of each program")
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="of which environment")
    arguments = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_model(folder / "lm.arpa")
        print(f"{processor()}, {arguments.rounds} rounds")
        print(f"CPU seconds promised: the first start below {FIRST:g},", end=" ")
        print(f"later ones below {LATER:g} above importing numba (as they are given here)")
        found = first_starts(arguments.python, folder, arguments.first)
        found += later_starts(arguments.python, folder, arguments.rounds)
    print_figures(found)
    if arguments.json:
        write_json(arguments.json, "start", [], found)


if __name__ == "__main__":
    main()
