"""Streams: time of a block, many together, memory, hours of speech, delay, and a server with live clients.

    ASR_DATA=… python -m benchmarks.streaming [--only blocks,batches,…] [--json FILE]

blocks    a block of 160 ms from samples to captions, and its acoustic step alone
batches   the same of each stream, where many are pushed together
memory    of a session
hours     recordings joined with pauses through one session: memory, and errors against each alone
delay     from the end of a word to when it is shown, on speech of eSpeak NG
queueing  live clients of one server on this machine

Models are models/an4-lstm-streaming (or --model) and, for blocks and batches, four LSTMs of 320 units with
random weights whose last layer is set so that it mostly hears nothing; both get graphs in a temporary folder.
Speech is that of the AN4 test split, joined with pauses of 0.5 to 2 seconds that sound like the quietest
parts of the recordings around them. But for blocks, which are measured with and without, sessions have
endpoints, as those of `asr serve`. All but the server runs on one thread.

Delay is measured with a small model of spoken digits, which is trained before, in a minute or two; --digits
names one that is there.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.common import Figure, command  # isort: skip

from asr.bundle import load_bundle
from asr.environment import processor
from asr.errors import RunError
from benchmarks.streams import batches, blocks, delay, hours, memory, queueing
from benchmarks.streams.material import (
    BACKGROUND,
    KINDS,
    exported,
    language_model,
    recordings,
    reference,
    speech,
)

ONLY = ("blocks", "batches", "memory", "hours", "delay", "queueing")
SPEECH = 32.0
"""Seconds of speech that most is measured with."""
HEARD = 10.0
"""Seconds that a session has heard when its memory is measured."""


def measure(arguments: argparse.Namespace) -> list[Figure]:
    """Measures what was chosen."""
    if arguments.data is None:
        raise RunError("say where the data is with --data or ASR_DATA")
    print(f"{processor()}, {os.cpu_count()} processors, {arguments.rounds} rounds")
    figures: list[Figure] = []
    with TemporaryDirectory() as folder:
        own = exported(arguments.model, Path(folder) / "model")
        for one in arguments.only:
            figures += _measure(one, arguments, own)
    return figures


def _measure(one: str, arguments: argparse.Namespace, own: Path) -> list[Figure]:
    """Measures one of ONLY; `own` is the model with its graphs."""
    engines, name, data = arguments.engines, arguments.model.name, arguments.data / "an4"
    fast = [engine for engine in engines if engine != "torch"] or engines
    if one == "delay":
        digits = arguments.digits or delay.train(own.parent / "digits")
        return delay.measure(exported(digits, own.parent / "spoken"), fast[0], arguments.utterances)
    if one == "hours":
        return hours.measure(
            name, own, fast, data, hours.Plan(arguments.hours, arguments.pauses, arguments.split)
        )
    bundle = load_bundle(own, weights=False)
    rate = bundle.features.sample_rate
    samples = speech(recordings(data, bundle), rate, SPEECH)
    if one == "memory":
        return memory.measure(name, own, engines, samples[: round(HEARD * rate)])
    if one == "queueing":
        clients = queueing.Plan(samples, rate, arguments.streams, arguments.seconds)
        return queueing.measure(name, own, fast, clients)
    figures: list[Figure] = []
    model = language_model(data, bundle, own.parent / "lm.arpa")
    for which, folder in ((name, own), ("4x320", reference(arguments.model, own.parent / "reference"))):
        if one == "batches":
            figures += batches.measure(which, folder, engines, samples, max(1, arguments.rounds // 4))
        else:
            task = blocks.Task(which, folder, engines, samples, model, arguments.rounds)
            figures += blocks.measure(task)
    return figures


def _names(text: str) -> list[str]:
    """Some of ONLY."""
    chosen = text.split(",")
    if unknown := set(chosen) - set(ONLY):
        raise argparse.ArgumentTypeError(f"no {', '.join(sorted(unknown))}; choose of {','.join(ONLY)}")
    return chosen


def main() -> int:
    """Measures, prints a table, and writes JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add, data = parser.add_argument, os.environ.get("ASR_DATA")
    add("--only", type=_names, default=list(ONLY), help=f"some of {','.join(ONLY)}")
    add("--model", type=Path, default=Path("models/an4-lstm-streaming"))
    add("--digits", type=Path, help="a streaming model of spoken digits; by default one is trained")
    add("--data", type=Path, default=Path(data) if data else None, help="the data folder (or ASR_DATA)")
    add("--engines", type=lambda text: text.split(","), default=list(blocks.ENGINES))
    add("--rounds", type=int, default=15)
    add("--hours", type=float, default=0.25, help="of speech through one session; the full measure is 8")
    add("--pauses", nargs="+", choices=KINDS, default=[BACKGROUND], help="what is heard in them")
    add("--split", choices=("test", "dev"), default="test", help="whose recordings are joined for hours")
    add("--utterances", type=int, default=50, help="of eSpeak NG")
    add("--streams", type=_numbers, default=[10, 25, 50, 100, 200], help="numbers of live clients")
    add("--seconds", type=float, default=20.0, help="for which live clients speak")
    return command("streaming", parser, measure)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    raise SystemExit(main())
