"""Live captions: all streams of all clients are stepped together, in one thread.

While a step runs, what clients send next is collected; so the more there is to do, the larger the batches.
A message that completes no block of its stream is answered at once, with what is known.
A stream gets the same captions whoever listens beside it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from asr.recognize.streaming import StreamingRecognizer
from asr.serve.limits import Goodbye
from asr.serve.metrics import Metrics
from asr.serve.stream import Caption, Stream

_log = logging.getLogger("asr")


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """A stream that is to be heard, and where `ending` is set, then ended; `done` is set once it is."""

    stream: Stream
    ending: bool
    done: asyncio.Future[Caption]


@dataclass(frozen=True, slots=True)
class _Step:
    """What came of a step: a caption for each job, None where it has more samples, and seconds."""

    captions: list[Caption | None]
    audio: float
    compute: float


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
        return Stream(recognizer.start(sample_rate), sample_rate)

    async def push(self, stream: Stream, pcm: bytes) -> Caption:
        """Waits until the next samples of a stream, in 16-bit PCM, are heard.

        Raises:
            Goodbye: If that failed; nothing more can be heard of this stream.
        """
        stream.waiting += pcm
        return await self._done(stream, ending=False) if stream.ready else stream.last

    async def finish(self, stream: Stream) -> Caption:
        """Ends a stream. Raises as `push` does."""
        return await self._done(stream, ending=True)

    def abandon(self) -> None:
        """Tells those who wait that nothing more will be heard."""
        for job in (*self._waiting, *self._stepped):
            _fail(job, Goodbye(Goodbye.STOPPING, "the server stopped before all was heard"))

    def close(self) -> None:
        """Begins no further step."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _done(self, stream: Stream, ending: bool) -> Caption:
        job = _Job(stream, ending, asyncio.get_running_loop().create_future())
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
            if (error := step.exception()) is not None:
                self._metrics.errors.labels("defect").inc()
                _log.error("live captions failed", exc_info=error)
                for job in jobs:
                    _fail(job, Goodbye(Goodbye.DEFECT, "an error of the server; it is logged"))
                continue
            self._tell(jobs, step.result())
            await _others_turn()
        self._rounds = None

    def _tell(self, jobs: Sequence[_Job], step: _Step) -> None:
        """Answers those of whom all was heard; the others wait for the next step."""
        self._metrics.heard("live", step.audio, step.compute)
        for job, caption in zip(jobs, step.captions, strict=True):
            if caption is None:
                self._waiting.append(job)
            elif not job.done.done():
                job.done.set_result(caption)


def _fail(job: _Job, goodbye: Goodbye) -> None:
    if not job.done.done():
        job.done.set_exception(goodbye)


async def _others_turn() -> None:
    """Lets answers be sent, and then messages be read, which is slow beside a step: both need Python."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def _step(jobs: Sequence[_Job]) -> _Step:
    """Hears a slice of every stream that has samples, and ends those that are to end and have no more."""
    begin, audio = time.perf_counter(), 0.0
    captions: dict[Stream, Caption] = {}
    for recognizer in {id(job.stream.session.owner): job.stream.session.owner for job in jobs}.values():
        mine = [job for job in jobs if job.stream.session.owner is recognizer]
        samples = [job.stream.take() for job in mine]
        audio += sum(len(one) / job.stream.sample_rate for one, job in zip(samples, mine, strict=True))
        recognizer.push([job.stream.session for job in mine], samples)
        ending = [job.stream for job in mine if job.ending and not job.stream.waiting]
        transcripts = recognizer.finish([stream.session for stream in ending]) if ending else ()
        captions |= {one: Caption(found.segments) for one, found in zip(ending, transcripts, strict=True)}
        heard = (job.stream for job in mine if not job.ending and not job.stream.waiting)
        captions |= {stream: stream.caption() for stream in heard}
    return _Step([captions.get(job.stream) for job in jobs], audio, time.perf_counter() - begin)
