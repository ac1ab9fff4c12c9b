"""How streams are stepped, without a server: who waits for a step, and who for nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest

from asr.recognize.endpoint import Endpointing
from asr.recognize.recognizer import Recognizer
from asr.recognize.streaming import StreamingRecognizer
from asr.serve.metrics import Metrics
from asr.serve.stream import SLICE, Stream
from asr.serve.worker import CaptionWorker
from tests.helpers.tones import chirp, noise
from tests.serve.running import pcm

LIVE = 20


@pytest.fixture(scope="module")
def streaming(recognizer: Recognizer) -> StreamingRecognizer:
    return StreamingRecognizer(recognizer, endpointing=Endpointing(longest=2.0))


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def worker(streaming: StreamingRecognizer, metrics: Metrics) -> Iterator[CaptionWorker]:
    worker = CaptionWorker(streaming, metrics)
    yield worker
    worker.close()


def steps(metrics: Metrics) -> int:
    return int(metrics.registry.get_sample_value("asr_real_time_factor_count", {"kind": "live"}) or 0)


def sound(rate: int, seconds: float = 3.0, seed: int = 0) -> bytes:
    return pcm(chirp(100, 3_500, seconds, rate) + noise(seconds, rate, seed=seed, amplitude=0.05))


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_only_a_message_that_completes_a_block_waits_for_a_step(
    worker: CaptionWorker, metrics: Metrics, streaming: StreamingRecognizer, rate: int
) -> None:
    """All others are answered at once; every answer is what a session says after the same samples."""
    session, audio, size = streaming.start(rate), sound(rate), 2 * round(0.0371 * rate)

    async def say() -> None:
        stream, blocks = worker.start(rate), 0
        for begin in range(0, len(audio), size):
            message = audio[begin : begin + size]
            before = session.segment_start, session.state.segment and session.state.segment.frames
            session.push(np.frombuffer(message, "<i2"))
            blocks += before != (
                session.segment_start,
                session.state.segment and session.state.segment.frames,
            )
            caption = await worker.push(stream, message)
            assert caption.ended == session.take()
            assert (caption.stable, caption.tail) == (session.stable, session.tail)
            assert steps(metrics) == blocks
        assert (await worker.finish(stream)).ended == session.finish().segments

    asyncio.run(say())
    assert 0 < steps(metrics) < len(audio) / size / 2


def test_what_comes_together_is_stepped_together(worker: CaptionWorker, metrics: Metrics) -> None:
    message = sound(16_000, 0.3)

    async def all_say() -> None:
        streams = [worker.start(16_000) for _ in range(LIVE)]
        captions = await asyncio.gather(*(worker.push(stream, message) for stream in streams))
        assert len(set(captions)) == 1

    asyncio.run(all_say())
    assert steps(metrics) == 1


def test_a_long_message_is_heard_in_slices_between_which_others_are_answered(
    worker: CaptionWorker, metrics: Metrics
) -> None:
    async def both_say() -> None:
        long, short = worker.start(16_000), worker.start(16_000)
        hearing = asyncio.create_task(worker.push(long, sound(16_000, 10 * SLICE)))
        await asyncio.sleep(0)
        await worker.push(short, sound(16_000, 0.3))
        assert not hearing.done()
        assert steps(metrics) <= 2
        await hearing

    asyncio.run(both_say())
    assert steps(metrics) == 10


def test_who_is_gone_is_not_heard(worker: CaptionWorker, metrics: Metrics) -> None:
    async def one_goes() -> Stream:
        stream = worker.start(16_000)
        saying = asyncio.create_task(worker.push(stream, sound(16_000, 1.0)))
        await asyncio.sleep(0)
        saying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await saying
        await worker.push(worker.start(16_000), sound(16_000, 0.3))
        return stream

    assert asyncio.run(one_goes()).session.seconds == 0
    assert steps(metrics) == 1
