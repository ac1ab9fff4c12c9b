"""Live captions: all streams of all clients are stepped together, in one thread.

While a step runs, what clients send next is collected; so the more there is to do, the larger the batches.
A stream gets the same captions whoever listens beside it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.recognize.streaming import StreamingRecognizer, StreamingSession
from asr.serve.limits import Goodbye
from asr.serve.metrics import Metrics
from asr.transcript import Segment

SLICE = 0.32
"""Seconds of a stream that a step takes at most, so that long messages do not hold up others."""
_log = logging.getLogger("asr")


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """A session, the recogniser that steps it, and its sample rate in Hz."""

    recognizer: StreamingRecognizer
    session: StreamingSession
    sample_rate: int


@dataclass(frozen=True, slots=True)
class Caption:
    """What a stream says.

    Attributes:
        ended: Sentences that ended since the caption before; they are not told again.
        stable: The words after them that will not change.
        tail: What follows these as things are, with a space before it where a word begins.
    """

    ended: tuple[Segment, ...]
    stable: str = ""
    tail: str = ""


@dataclass(slots=True, eq=False)
class _Job:
    """Samples for a stream, or its end, where they are None; `done` is set once they are heard."""

    stream: Stream
    samples: NDArray[np.float32] | None
    done: asyncio.Future[Caption]

    @property
    def most(self) -> int:
        return max(1, round(SLICE * self.stream.sample_rate))


class CaptionWorker:
    """Steps streams. It belongs to the event loop; only the computing is done in its thread."""

    def __init__(self, recognizer: StreamingRecognizer, metrics: Metrics) -> None:
        self._recognizer, self._metrics = recognizer, metrics
        self._thread = ThreadPoolExecutor(1, "captions")
        self._waiting: list[_Job] = []
        self._stepped: list[_Job] = []
        self._rounds: asyncio.Task[None] | None = None

    def start(self, sample_rate: int, recognizer: StreamingRecognizer | None = None) -> Stream:
        """Begins a stream, by default with the recogniser that the server was started with."""
        recognizer = recognizer or self._recognizer
        return Stream(recognizer, recognizer.start(sample_rate), sample_rate)

    async def push(self, stream: Stream, samples: NDArray[np.float32]) -> Caption:
        """Waits until samples (n,) of a stream are heard.

        Raises:
            Goodbye: If that failed; nothing more can be heard of this stream.
        """
        return await self._done(stream, samples)

    async def finish(self, stream: Stream) -> Caption:
        """Ends a stream. Raises as `push` does."""
        return await self._done(stream, None)

    def abandon(self) -> None:
        """Tells those who wait that nothing more will be heard."""
        for job in (*self._waiting, *self._stepped):
            _fail(job, Goodbye(Goodbye.STOPPING, "the server stopped before all was heard"))

    def close(self) -> None:
        """Begins no further step."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _done(self, stream: Stream, samples: NDArray[np.float32] | None) -> Caption:
        job = _Job(stream, samples, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if self._rounds is None:
            self._rounds = asyncio.create_task(self._run())
        return await job.done

    async def _run(self) -> None:
        """Steps as long as somebody waits."""
        while self._waiting:
            jobs = [job for job in self._waiting if not job.done.done()]  # who is gone waits no more
            self._waiting, self._stepped = [], jobs
            step = asyncio.wrap_future(self._thread.submit(_step, jobs))
            await asyncio.wait([step])
            error = step.exception()
            if error is not None:
                self._metrics.errors.labels("defect").inc()
                _log.error("live captions failed", exc_info=error)
                for job in jobs:
                    _fail(job, Goodbye(Goodbye.DEFECT, "an error of the server; it is logged"))
                continue
            captions, seconds = step.result()
            self._metrics.heard("live", sum(map(_seconds, jobs)), seconds)
            for job, caption in zip(jobs, captions, strict=True):
                self._advance(job, caption)
        self._rounds = None

    def _advance(self, job: _Job, caption: Caption) -> None:
        if job.samples is not None and len(job.samples) > job.most:
            job.samples = job.samples[job.most :]
            self._waiting.append(job)
        elif not job.done.done():
            job.done.set_result(caption)


def _fail(job: _Job, goodbye: Goodbye) -> None:
    if not job.done.done():
        job.done.set_exception(goodbye)


def _seconds(job: _Job) -> float:
    return 0.0 if job.samples is None else min(len(job.samples), job.most) / job.stream.sample_rate


def _step(jobs: Sequence[_Job]) -> tuple[list[Caption], float]:
    """Hears a slice of every job that has samples, and ends the streams of the others."""
    begin = time.perf_counter()
    found: dict[int, Caption] = {}
    for recognizer in {id(job.stream.recognizer): job.stream.recognizer for job in jobs}.values():
        mine = [job for job in jobs if job.stream.recognizer is recognizer]
        heard = [(job.stream.session, job.samples[: job.most]) for job in mine if job.samples is not None]
        if heard:
            recognizer.push([session for session, _ in heard], [samples for _, samples in heard])
        ending = [job for job in mine if job.samples is None]
        if ending:
            transcripts = recognizer.finish([job.stream.session for job in ending])
            found |= {id(job): Caption(one.segments) for job, one in zip(ending, transcripts, strict=True)}
    captions = [found.get(id(job)) or _caption(job) for job in jobs]
    return captions, time.perf_counter() - begin


def _caption(job: _Job) -> Caption:
    """What a stream says now; nothing, if the job has more samples for it."""
    session = job.stream.session
    if job.samples is not None and len(job.samples) > job.most:
        return Caption(())
    return Caption(session.take(), session.stable, session.tail)
