"""Listening while people speak: the transcript that a recording would get, as it comes about.

>>> streaming = StreamingRecognizer(asr.load("models/an4-lstm-streaming"), endpointing=Endpointing())
>>> session = streaming.start(sample_rate=48_000)
>>> for samples in microphone:
...     session.push(samples)
...     print(session.stable + session.tail)
>>> session.finish().text

A session is the offline computation cut in pieces: without endpoints its transcript is that of the recording;
with endpoints, each segment's is that of the samples between its ends. It does not matter how the samples
come in, for they are heard in blocks of always the same size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from asr.audio.mel import framing
from asr.decode.search.state import BeamState
from asr.decode.search.storage import StoredSearch
from asr.errors import StreamError
from asr.recognize.emission_cache import acoustic_digest
from asr.recognize.endpoint import Endpointing, Rules
from asr.recognize.latency import Latency, latency_of
from asr.recognize.listening import Listener
from asr.recognize.recognizer import Recognizer
from asr.recognize.session import StreamingSession
from asr.recognize.stream_decoding import BeamStream, GreedyStream
from asr.recognize.stream_hearing import Part
from asr.recognize.stream_input import Samples, StreamInput, checked_samples
from asr.recognize.stream_state import SegmentState, StreamState, joined_text
from asr.recognize.stream_storage import pack, unpack
from asr.transcript import Segment, Transcript

__all__ = ["BLOCK_FRAMES", "Endpointing", "StreamingRecognizer", "StreamingSession"]

FORMAT = "1"
"""Of stored streams."""

BLOCK_FRAMES = 16
"""Feature frames that are heard at once: 160 ms."""


class StreamingRecognizer:
    """One model, and any number of streams. It keeps no state of the streams.

    Args:
        recognizer: The model, and how it decodes.
        endpointing: When a stream is cut into segments; None for never.
        final: A second, perhaps bidirectional model, which reads every segment again when it is finished
            (two passes); then no word of a segment under way is stable. It needs endpoints.
        block_frames: Feature frames that are heard at once. With more of them a stream costs less, and its
            words come later.

    Raises:
        StreamError: If the model cannot listen to a stream, or the second one not to the same samples.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        *,
        endpointing: Endpointing | None = None,
        final: Recognizer | None = None,
        block_frames: int = BLOCK_FRAMES,
    ) -> None:
        bundle = recognizer.bundle
        _refuse(recognizer, block_frames)
        if final is not None:
            _refuse_final(recognizer, final, endpointing)
        self.recognizer, self.endpointing, self.block_frames = recognizer, endpointing, block_frames
        self._framing = framing(bundle.features)
        tokenizer, rules = bundle.tokenizer, None
        if endpointing is not None:
            seconds = recognizer.window.stride / bundle.features.sample_rate
            rules = Rules(endpointing, seconds, tokenizer.units.separator)
        beam = recognizer.beam
        decoder = BeamStream(beam, beam.partials(tokenizer)) if beam else GreedyStream(tokenizer)
        self._listener = Listener(recognizer, decoder, rules, final)

    @property
    def sample_rate(self) -> int:
        """Of the model, in Hz."""
        return self.recognizer.bundle.features.sample_rate

    @property
    def block_seconds(self) -> float:
        """How much sound is heard at once."""
        return self.block_frames * self._framing.stride / self.sample_rate

    @property
    def latency(self) -> float:
        """How long a stream at the rate of the model waits before it can know, in seconds."""
        return self.latency_parts().total

    def latency_parts(self, sample_rate: int | None = None) -> Latency:
        """What a stream waits for, at a sample rate; by default that of the model."""
        bundle, window = self.recognizer.bundle, self.recognizer.engine.window
        return latency_of(bundle, window, sample_rate or self.sample_rate, self.block_frames)

    def start(self, sample_rate: int | None = None) -> StreamingSession:
        """Starts a stream.

        Args:
            sample_rate: Of its samples, in Hz; by default that of the model.

        Raises:
            StreamError: If there is no such rate.
        """
        rate = self.sample_rate if sample_rate is None else sample_rate
        if not 1_000 <= rate <= 768_000:
            raise StreamError(f"a sample rate of {rate} Hz; say one from 1000 to 768000")
        return StreamingSession(
            self, StreamState(StreamInput(rate, self.sample_rate), self._listener.start(0))
        )

    def prepare(self) -> None:
        """Hears a little silence, so that what is loaded at the first block does not delay a stream."""
        session = self.start()
        session.push(np.zeros(self._framing.needed(3 * self.block_frames), np.float32))
        session.finish()

    def push(self, sessions: Sequence[StreamingSession], chunks: Sequence[Samples]) -> None:
        """Goes on with several streams, which are heard side by side.

        Args:
            sessions: The streams, of this recogniser, at any rates.
            chunks: The next samples (n,) in -1 … 1 of each; any number of them.

        Raises:
            StreamError: If a stream has ended, or if these are no samples; then nothing was changed.
        """
        states = self._states(sessions)
        checked = [checked_samples(chunk) for chunk in chunks]
        for state, samples in zip(states, checked, strict=True):
            state.source.push(samples)
        self._run(states)

    def finish(self, sessions: Sequence[StreamingSession]) -> list[Transcript]:
        """Ends several streams, and gives their transcripts.

        Raises:
            StreamError: If one has ended already.
        """
        states = self._states(sessions)
        for state in states:
            state.source.finish()
        self._run(states)
        self._step(states, ending=True)
        return [self._close(state) for state in states]

    def save(self, session: StreamingSession) -> bytes:
        """Stores a stream; see `StreamingSession.save`."""
        (state,) = self._states([session])
        assert state.segment is not None
        decoding = state.segment.decoding
        if isinstance(decoding, BeamState):
            assert self.recognizer.beam is not None
            decoding = self.recognizer.beam.store(decoding)
        return pack(replace(state, segment=replace(state.segment, decoding=decoding)), self._identity)

    def load(self, data: bytes) -> StreamingSession:
        """Goes on with a stream that was stored, perhaps by another process.

        Raises:
            StreamError: If it is damaged, or was stored with another model, decoding or version.
        """
        state = unpack(StreamState, data, self._identity)
        if state.segment is not None and isinstance(state.segment.decoding, StoredSearch):
            assert self.recognizer.beam is not None
            state.segment.decoding = self.recognizer.beam.restore(state.segment.decoding)
        return StreamingSession(self, state)

    @cached_property
    def _identity(self) -> dict[str, str]:
        """What a stored stream belongs to."""
        final = self._listener.final
        return {
            "format": FORMAT,
            "model": acoustic_digest(self.recognizer.bundle),
            "decoding": str(self.recognizer.decoding),
            "endpointing": str(self.endpointing),
            "block": str(self.block_frames),
            "final": f"{acoustic_digest(final.bundle)} {final.decoding}" if final else "",
        }

    def text(self, segment: SegmentState) -> str:
        """What was said in a segment under way, as things are."""
        return joined_text(segment.settled, self._listener.decoder.text(segment.decoding))

    def _states(self, sessions: Sequence[StreamingSession]) -> list[StreamState]:
        if len({id(session) for session in sessions}) < len(sessions):
            raise StreamError("a stream is named twice; give each of them once")
        for session in sessions:
            if session.owner is not self:
                raise StreamError("a stream of another recogniser; push it there")
            if session.state.segment is None:
                raise StreamError("the stream has ended; start another one")
        return [session.state for session in sessions]

    def _run(self, states: Sequence[StreamState]) -> None:
        """Hears all blocks that are complete, those of different streams side by side."""
        while ready := [state for state in states if self._has_block(state)]:
            self._step(ready)
            for state in ready:
                self._end_segment(state)

    def _has_block(self, state: StreamState) -> bool:
        segment = _segment(state)
        frames = segment.frames + self.block_frames
        return state.source.reaches(segment.start + self._framing.needed(frames - 1))

    def _step(self, states: Sequence[StreamState], ending: bool = False) -> None:
        """Hears the next block of some streams, or the rest where they end."""
        segments = [_segment(state) for state in states]
        parts = [
            Part(state.source, segment.start, segment.here, self._next(state, segment, ending))
            for state, segment in zip(states, segments, strict=True)
        ]
        for segment, heard in zip(segments, self._listener.hear(parts, ending), strict=True):
            self._listener.advance(segment, heard)

    def _next(self, state: StreamState, segment: SegmentState, ending: bool) -> int:
        """How many feature frames to hear next."""
        if not ending:
            return self.block_frames
        return self._framing.output_length(state.source.end - segment.start) - segment.frames

    def _end_segment(self, state: StreamState) -> None:
        """Ends the segment if it is time, and forgets samples that are needed no more."""
        segment = _segment(state)
        frames = self._listener.ends(segment)
        if frames is not None:
            done, end = self._listener.cut(state.source, segment, frames)
            self._add(state, done)
            segment = state.segment = self._listener.start(end)
        state.source.forget(self._listener.needed(segment))

    def _close(self, state: StreamState) -> Transcript:
        last = self._listener.close(state.source, _segment(state))
        state.segment = None
        self._add(state, last)
        duration = state.source.end / self.sample_rate
        return Transcript(state.segments or (Segment((), "", 0.0, duration),), duration)

    def _add(self, state: StreamState, segment: Segment) -> None:
        """Adds a segment that is finished, if anything was said in it."""
        if segment.text:
            state.segments += (segment,)
            state.text = joined_text(state.text, segment.text)


def _refuse(recognizer: Recognizer, block_frames: int) -> None:
    """Raises StreamError where a model cannot listen to a stream."""
    name = recognizer.bundle.name
    if not recognizer.engine.streams:
        raise StreamError(
            f"{name}: a bidirectional model, which reads whole recordings; take a unidirectional one for "
            "streams, or let it listen in chunks (--chunk)"
        )
    if recognizer.bundle.features.by_itself:
        raise StreamError(
            f"{name}: its features are normalised by the whole utterance, which a stream does not have; "
            "take a model with features.normalization running or corpus"
        )
    if block_frames < 1:
        raise StreamError(f"block_frames ({block_frames}) must be at least 1; 16 are 160 ms")


def _refuse_final(recognizer: Recognizer, final: Recognizer, endpointing: Endpointing | None) -> None:
    """Raises StreamError where a second model cannot read the segments of a stream."""
    rate, needed = recognizer.bundle.features.sample_rate, final.bundle.features.sample_rate
    if endpointing is None:
        raise StreamError("a second model reads finished segments, and without endpoints none is; allow them")
    if needed != rate:
        raise StreamError(
            f"{final.bundle.name}: reads samples at {needed} Hz, and {recognizer.bundle.name} at {rate} Hz; "
            "take models of one rate"
        )


def _segment(state: StreamState) -> SegmentState:
    assert state.segment is not None
    return state.segment
