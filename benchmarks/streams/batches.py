"""What a block takes of each stream where many are pushed together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.common import Figure, Work, figure, time_rounds  # isort: skip

from asr.recognize.endpoint import Endpointing
from asr.recognize.recognizer import load
from asr.recognize.streaming import StreamingRecognizer
from benchmarks.streams.blocks import BLOCK
from benchmarks.streams.material import Samples

COUNTS = (1, 8, 64, 200)
BLOCKS = 8
"""That are timed together."""


def measure(name: str, folder: Path, engines: Sequence[str], speech: Samples, rounds: int) -> list[Figure]:
    """Milliseconds per stream and block, for each number of streams; greedy, at the rate of the model."""
    figures: list[Figure] = []
    for engine in engines:
        recognizer = load(folder, engine=engine)
        streaming = StreamingRecognizer(recognizer, endpointing=Endpointing())
        works = [Work(str(count), partial(together, streaming, speech, count, BLOCKS)) for count in COUNTS]
        for count, timing in zip(COUNTS, time_rounds(works, rounds), strict=True):
            values = [1000 * seconds / count / BLOCKS for seconds in timing.seconds]
            figures.append(figure(f"{name}, {engine}", f"{count} streams", values, "ms a block"))
    return figures


def together(streaming: StreamingRecognizer, speech: Samples, count: int, blocks: int) -> list[str]:
    """Pushes some blocks of as many streams, each from another place in the speech on; their captions."""
    size = round(BLOCK * streaming.sample_rate)
    starts = [number * max(0, len(speech) - blocks * size) // count for number in range(count)]
    sessions = [streaming.start() for _ in range(count)]
    for block in range(blocks):
        chunks = [speech[start + block * size : start + (block + 1) * size] for start in starts]
        streaming.push(sessions, chunks)
        captions = [session.stable + session.tail for session in sessions]
    return captions
