"""One live stream: what has come in, what of it was heard, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asr.audio.mel import framing
from asr.audio.resample import Resampler
from asr.recognize.streaming import StreamingSession
from asr.transcript import Segment

SLICE = 0.32
"""Seconds of a stream that a step takes at most, so that long messages do not hold up others."""
SAMPLE = 2
"""Bytes."""


@dataclass(frozen=True, slots=True)
class Caption:
    """What a stream says.

    Attributes:
        ended: Sentences that ended since the caption before; they are not told again.
        stable: The words after them that will not change.
        tail: What follows these as things are, with a space before it where a word begins.
    """

    ended: tuple[Segment, ...] = ()
    stable: str = ""
    tail: str = ""


@dataclass(slots=True, eq=False)
class Stream:
    """A session, and the samples that wait until they complete a block of it.

    Attributes:
        session: What was heard.
        sample_rate: Hz.
        waiting: Samples to be heard, in 16-bit PCM.
        missing: How many samples must wait before anything more can be heard.
        last: The caption that holds until then; it tells of no sentence that ended.
    """

    session: StreamingSession
    sample_rate: int
    waiting: bytearray = field(default_factory=bytearray)
    missing: int = field(init=False)
    last: Caption = Caption()

    def __post_init__(self) -> None:
        self.missing = _missing(self.session)

    @property
    def ready(self) -> bool:
        """Whether more can be heard."""
        return len(self.waiting) >= SAMPLE * self.missing

    def take(self) -> NDArray[np.float32]:
        """Takes samples (n,) to be heard at once."""
        size = SAMPLE * max(1, round(SLICE * self.sample_rate))
        samples = np.frombuffer(self.waiting[:size], "<i2").astype(np.float32) / np.float32(32768)
        del self.waiting[:size]
        return samples

    def caption(self) -> Caption:
        """What is said after more was heard."""
        self.missing, ended = _missing(self.session), self.session.take()
        self.last = Caption((), self.session.stable, self.session.tail)
        return Caption(ended, self.last.stable, self.last.tail)


def _missing(session: StreamingSession) -> int:
    """How many samples must come before a session, which has not ended, has another block."""
    owner, source, segment = session.owner, session.state.source, session.state.segment
    assert segment is not None
    frames = framing(owner.recognizer.bundle.features)
    end = segment.start + frames.needed(segment.frames + owner.block_frames - 1)
    come = source.resampler.seen + sum(map(len, source.waiting))
    return Resampler(source.from_rate, source.to_rate).needed(end) - come
