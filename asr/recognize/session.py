"""One stream: push samples, read what was said, finish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asr.recognize.latency import Latency
from asr.recognize.stream_input import Samples
from asr.recognize.stream_state import StreamState, joined_text
from asr.transcript import Segment, Transcript

if TYPE_CHECKING:
    from asr.recognize.streaming import StreamingRecognizer


class StreamingSession:
    """One stream: push samples, read what was said, finish. `StreamingRecognizer.start` gives it out.

    All that it knows is plain values, so it can be stored and gone on with in another process. Use it from
    one thread at a time.

    Attributes:
        owner: The recogniser.
        state: Where the stream stands.
    """

    def __init__(self, owner: StreamingRecognizer, state: StreamState) -> None:
        self.owner, self.state = owner, state

    @property
    def stable(self) -> str:
        """The words that are final. It never becomes shorter and never changes but at its end."""
        segment = self.state.segment
        return joined_text(self.state.text, segment.stable if segment else "")

    @property
    def tail(self) -> str:
        """What follows them as things are, with a space before it where a word begins: stable + tail."""
        segment = self.state.segment
        if segment is None:
            return ""
        return joined_text(self.state.text, self.owner.text(segment))[len(self.stable) :]

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments that are finished and in which something was said; times from the beginning."""
        return self.state.segments

    @property
    def seconds(self) -> float:
        """How much was heard so far."""
        return self.state.source.seconds

    @property
    def segment_start(self) -> int:
        """The number of the sample, at the rate of the model, with which the segment under way starts."""
        return self.state.segment.start if self.state.segment else self.state.source.end

    @property
    def latency(self) -> Latency:
        """What this stream waits for."""
        return self.owner.latency_parts(self.state.source.from_rate)

    def push(self, samples: Samples) -> None:
        """Takes the next samples (n,); see `StreamingRecognizer.push`."""
        self.owner.push([self], [samples])

    def finish(self) -> Transcript:
        """Ends the stream, and gives its transcript."""
        return self.owner.finish([self])[0]

    def take(self) -> tuple[Segment, ...]:
        """Takes out the finished segments: what comes after them is as if the stream had begun without.

        So a stream that never ends needs no more memory; `segments`, `stable` and the transcript are then
        about what comes after. Times still count from the beginning.
        """
        taken, self.state.segments, self.state.text = self.state.segments, (), ""
        return taken

    def save(self) -> bytes:
        """Stores the stream, in the middle of a word if need be; `StreamingRecognizer.load` goes on with it.

        Raises:
            StreamError: If it has ended, or a language model from outside takes part.
        """
        return self.owner.save(self)
