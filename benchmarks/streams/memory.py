"""What sessions keep in memory, in a process of its own, without torch where the engine needs none."""

from __future__ import annotations

import gc
import os
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

from benchmarks.common import Figure, figure  # isort: skip

from asr.errors import RunError
from asr.recognize.endpoint import Endpointing
from asr.recognize.recognizer import load
from asr.recognize.streaming import StreamingRecognizer, StreamingSession
from benchmarks.streams.blocks import BLOCK
from benchmarks.streams.material import Samples

SESSIONS = 200

Given = ParamSpec("Given")
Found = TypeVar("Found")


def apart(function: Callable[Given, Found], *values: Given.args, **named: Given.kwargs) -> Found:
    """Calls a function in a new process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as other:
        return other.submit(function, *values, **named).result()


def resident() -> float:
    """Bytes of this process in memory. Raises RunError where the system does not tell."""
    if not sys.platform.startswith("linux"):
        raise RunError("only Linux tells how much memory a process takes; choose others with --only")
    return float(int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"))


def measure(name: str, folder: Path, engines: Sequence[str], speech: Samples) -> list[Figure]:
    """The memory of the process with one session, and of every further one."""
    figures: list[Figure] = []
    for engine in engines:
        process, further, allocated, stored = apart(sessions, folder, engine, speech, SESSIONS)
        task = f"{name}, {engine}"
        figures.append(figure(task, "process with one session", [process / 1e6], "MB"))
        figures.append(figure(task, "further session, resident", [further / 1e3], "kB"))
        figures.append(figure(task, "further session, allocated", [allocated / 1e3], "kB"))
        figures.append(figure(task, "session, stored", [stored / 1e3], "kB"))
    return figures


def sessions(folder: Path, engine: str, speech: Samples, count: int) -> tuple[float, float, float, float]:
    """Bytes, where each session has heard all of the speech.

    Returns:
        Of the process with one session; of every further one; of every further one by what Python and
        numpy say they allocated; of one that is stored.
    """
    streaming = StreamingRecognizer(load(folder, engine=engine), endpointing=Endpointing())
    hear(streaming, speech, count)  # what engines keep for the largest batch is no session's
    first = hear(streaming, speech, 1)
    before = resident()
    others = hear(streaming, speech, count)
    further = (resident() - before) / count
    stored = len(others[-1].save())
    del others
    gc.collect()
    tracemalloc.start()
    others = hear(streaming, speech, count)
    gc.collect()
    allocated = tracemalloc.get_traced_memory()[0] / count
    tracemalloc.stop()
    assert first and others
    return before, further, allocated, float(stored)


def hear(streaming: StreamingRecognizer, speech: Samples, count: int) -> list[StreamingSession]:
    """Sessions that have heard the speech side by side."""
    known = [streaming.start() for _ in range(count)]
    size = round(BLOCK * streaming.sample_rate)
    for first in range(0, len(speech), size):
        streaming.push(known, [speech[first : first + size]] * count)
    return known
