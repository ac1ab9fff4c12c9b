"""Beam search against pyctcdecode and flashlight-text: one thread, CPU time, the same emissions, WER.

    python3 -m venv peers && peers/bin/pip install -r benchmarks/peers.txt
    ASR_DATA=… python -m benchmarks.decoding --peers peers/bin/python [--json FILE] [--quick]

Tasks: sentences of the text corpus, spoken synthetically in 400 frames with 29 characters (about 15 words)
or 1,024 subwords (about 40 words), and the AN4 test set as models/an4-bilstm hears it. LM `none`: emissions
alone; `open`: a word 3-gram, any word may be written; `closed`: only words of the model may. The 3-grams
are made by the project, prune 0 0 1, from text without the sentences that are decoded.

Every decoder gets the alpha and beta that it does best with on other sentences (the AN4 development
speakers), found in the same way for all. The project's decoder and flashlight-text look at the same
number of tokens in a frame and drop hypotheses at the same distance; pyctcdecode prunes by its defaults.
Each round decodes another part of the utterances with all decoders, one after the other.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.common import Figure, figure, print_figures, write_json  # isort: skip

import numpy as np
import torch

from asr.decode.ctc import Emission
from asr.environment import processor
from benchmarks.decoders.an4 import an4_task
from benchmarks.decoders.contestants import Contestant, Mode, Ours, Peer, Setting, Worker
from benchmarks.decoders.rounds import HEADING, DecoderRow, compare, summary
from benchmarks.decoders.synthetic_tasks import character_task, subword_task
from benchmarks.decoders.task import Task, build_model, describe, text_of
from benchmarks.decoders.texts import choose_texts
from benchmarks.decoders.tuning import tune

TASKS = ("characters", "subwords", "an4")
BEAMS = (10, 100, 500)
MODES: dict[Mode, dict[str, float]] = {
    "none": {"pyctcdecode": 10.0, "flashlight-text": 50.0},
    "open": {"pyctcdecode": 10.0},
    "closed": {"flashlight-text": 8.0},
}
"""How many times faster than each peer the project has to be in every row (pyctcdecode: 20 in the median)."""

TAKE_PART: dict[Mode, tuple[str, ...]] = {
    "none": ("pyctcdecode", "ctc-beam-decoder", "flashlight-text", "ctcdecode"),
    "open": ("pyctcdecode", "ctc-beam-decoder"),
    "closed": ("flashlight-text", "ctcdecode"),
}
COPIES = {"ctc-beam-decoder": "pyctcdecode"}
"""Decoders that are given the weights of another one, because they do the same."""

TUNING_BEAM = 30


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is done.

    Attributes:
        tuning, test: Utterances of the synthetic tasks.
        rounds: Parts of the test utterances.
        wide: Test utterances at beams over 100.
        most: Utterances of AN4 at most, to tune on and to test.
    """

    tuning: int = 40
    test: int = 60
    rounds: int = 5
    wide: int = 20
    most: int = 1000


QUICK = Plan(tuning=8, test=8, rounds=2, wide=4, most=20)


def make_tasks(names: Sequence[str], folder: Path, plan: Plan) -> Iterator[Task]:
    """Makes the tasks, one after the other, in a folder."""
    data = Path(os.environ.get("ASR_DATA") or "the data folder (set ASR_DATA)")
    if {"characters", "subwords"} & set(names):
        texts = choose_texts(data / "text", plan.tuning + plan.test)
        counts = Counter(word for sentence in texts.others for word in sentence.split())
        model = build_model(texts.others, folder / "text.arpa")
        if "characters" in names:
            yield character_task(texts, counts, model, folder / "characters", plan.tuning)
        if "subwords" in names:
            yield subword_task(texts, counts, model, folder / "subwords", plan.tuning)
    if "an4" in names:
        yield an4_task(data, folder / "an4", plan.most)


def run_task(
    task: Task, ours: Ours, peers: dict[str, Peer], beams: Sequence[int], plan: Plan
) -> list[DecoderRow]:
    """All rows of a task."""
    rows = []
    for mode, required in MODES.items():
        weights = _tuned(task, mode, [ours, *(peers[name] for name in TAKE_PART[mode] if name in peers)])
        for beam in beams:
            contestants = {who: replace(setting, beam=beam) for who, setting in weights.items()}
            utterances = task.test[: plan.wide if beam > 100 and task.name != "AN4" else None]
            for row in compare(task, contestants, utterances, plan.rounds, required):
                print(row, flush=True)
                rows.append(row)
    return rows


def _tuned(task: Task, mode: Mode, contestants: Sequence[Contestant]) -> dict[Contestant, Setting]:
    """The best weights of every decoder."""
    if mode == "none":
        return dict.fromkeys(contestants, Setting(mode, TUNING_BEAM))
    found: dict[str, Setting] = {}
    for who in contestants:
        package = who.name.split()[0]
        known = found.get(COPIES.get(package, ""))
        found[package] = known or tune(who, task, Setting(mode, TUNING_BEAM, alpha=0.6, beta=1.0))
    return {who: found[who.name.split()[0]] for who in contestants}


def threads(task: Task, ours: Ours, rounds: int) -> Figure:
    """How much sooner two threads are done than one: wall time, with a language model, beam 100."""
    decoder = ours.decoder(task, Setting("open", 100, alpha=0.6, beta=1.0))
    chosen = [task.spoken.emissions[index] for index in task.test]
    longest = max(map(len, chosen))
    padded = [np.pad(log_probs, ((0, longest - len(log_probs)), (0, 0))) for log_probs in chosen]
    emission = Emission(np.stack(padded), np.array([len(log_probs) for log_probs in chosen]))

    def wall(count: int) -> tuple[float, list[str]]:
        start = time.perf_counter()
        found = decoder.decode_batch(emission, threads=count)
        return time.perf_counter() - start, [text_of(task, best.tokens) for best, *_ in found]

    wall(1)
    gains = []
    for _ in range(rounds):
        (one, texts), (two, same) = wall(1), wall(2)
        if texts != same:
            raise AssertionError("threads change the result")
        gains.append(one / two)
    return figure(task.name, "two threads against one", gains, "x wall time")


def main() -> None:
    """Measures, prints a table, and writes JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, help="interpreter of the environment of the peers")
    parser.add_argument("--json", type=Path, help="write the results here")
    parser.add_argument("--quick", action="store_true", help="few utterances: a trial, not a measurement")
    parser.add_argument("--beams", type=int, nargs="+", default=BEAMS)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    parser.add_argument("--without", nargs="+", default=[], help="peers to leave out")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    plan = QUICK if arguments.quick else Plan()
    ours, peers = Ours(), {}
    rows: list[DecoderRow] = []
    figures: list[Figure] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if arguments.peers:
            worker = stack.enter_context(Worker.start(arguments.peers, folder / "peers.log"))
            peers = {name: peer for name, peer in worker.peers().items() if name not in arguments.without}
        print(f"{processor()}, one thread, {plan.rounds} rounds; {', '.join(p.name for p in peers.values())}")
        for task in make_tasks(arguments.tasks, folder, plan):
            print(f"\n{describe(task)}\n{HEADING}")
            rows += run_task(task, ours, peers, arguments.beams, plan)
            figures.append(threads(task, ours, plan.rounds))
    print()
    print_figures(figures)
    print("\n".join(summary(rows)))
    if arguments.json:
        write_json(arguments.json, "decoding", rows, figures)


if __name__ == "__main__":
    main()
