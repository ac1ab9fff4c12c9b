"""How a stream is heard within a segment: features, emissions, words; and how the segment is closed.

Whatever is computed here from the first sample of a segment to its last is what a recogniser computes of
these samples as a recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from asr.audio.mel import framing
from asr.audio.normalization import start_running
from asr.recognize.endpoint import Rules
from asr.recognize.engine import Engine
from asr.recognize.recognizer import Recognizer
from asr.recognize.stream_decoding import StreamDecoder
from asr.recognize.stream_hearing import Heard, Hearing, Part
from asr.recognize.stream_input import StreamInput
from asr.recognize.stream_state import Checkpoint, Evidence, SegmentState, joined_text
from asr.transcript import Segment
from asr.window import Window

SPACING = 100
"""Feature frames between checkpoints."""

ALWAYS = 1 << 62


@dataclass(frozen=True, eq=False)
class Listener:
    """Goes on with segments. It keeps no state.

    Attributes:
        recognizer: The model.
        decoder: Decodes the emissions.
        rules: When to cut; None for never.
        final: Reads every segment again when it is finished; None where what was heard is final.
    """

    recognizer: Recognizer
    decoder: StreamDecoder
    rules: Rules | None
    final: Recognizer | None = None

    def start(self, first: int) -> SegmentState:
        """A segment before its first sample, which has the number `first`."""
        mean, acoustic = start_running(self.recognizer.bundle.features), self.recognizer.engine.start()
        segment = SegmentState(first, mean, acoustic, self.decoder.start())
        if self.rules is not None:
            segment.evidence = Evidence((Checkpoint(0, mean, acoustic),))
        return segment

    def hear(self, parts: Sequence[Part], ending: bool = False) -> list[Heard]:
        """Hears parts of different streams side by side; see `Hearing.hear`."""
        return self._hearing.hear(parts, ending)

    def advance(self, segment: SegmentState, heard: Heard) -> None:
        """Goes on with a segment by what was heard."""
        before, new, after = segment.decoding, heard.emitted, heard.after
        segment.frames, segment.mean, segment.acoustic = after.frames, after.mean, after.acoustic
        segment.emissions += len(new.tokens)
        segment.decoding = self.decoder.advance(before, new)
        more = self.decoder.decides(before, segment.decoding)
        if segment.evidence is None:
            more = self._settle(segment, heard.levels) or more
            self._decide(segment, more, ALWAYS)
        else:
            self._decide(segment, more, self._keep(segment.evidence, heard))

    def needed(self, segment: SegmentState) -> int:
        """The number of the first sample that the segment may still need."""
        if self.final is not None:
            return segment.start
        frames = segment.evidence.checkpoints[0].frames if segment.evidence else segment.frames
        return segment.start + self._framing.first(frames)

    def ends(self, segment: SegmentState) -> int | None:
        """After how many of its feature frames to cut the segment; None if it goes on."""
        if self.rules is None or segment.evidence is None:
            return None
        cut = self.rules.cut(segment.evidence.trail, segment.evidence.emissions)
        return cut * self._window.stride if cut is not None else None

    def cut(self, source: StreamInput, segment: SegmentState, frames: int) -> tuple[Segment, int]:
        """Cuts a segment.

        Args:
            source: Has the samples.
            segment: What was heard of it and of what follows the cut.
            frames: The feature frames that it keeps.

        Returns:
            The segment, and the number of the sample at which the next one starts.
        """
        end = segment.start + self._framing.needed(frames - 1)
        if self.final is not None:
            return self._again(self.final, source, segment.start, end), end
        evidence = segment.evidence
        assert evidence is not None
        point = next(point for point in reversed(evidence.checkpoints) if point.frames <= frames)
        (heard,) = self.hear([Part(source, segment.start, point, frames - point.frames)], ending=True)
        same, given = self._engine.ready(frames), self._engine.ready(point.frames)
        tail = heard.emitted.log_probs[same - given :]
        log_probs = np.concatenate([np.concatenate(evidence.emissions)[:same], tail])
        levels = np.concatenate(evidence.levels)[:frames]
        duration = (end - segment.start) / self._rate
        found = self.recognizer.segment(self.recognizer.decode(log_probs)[0], levels, duration)
        return found.later(segment.start / self._rate), end

    def close(self, source: StreamInput, segment: SegmentState) -> Segment:
        """The segment as it is, where the stream has ended."""
        end = source.end
        if self.final is not None:
            return self._again(self.final, source, segment.start, end)
        hypothesis = self.decoder.finish(segment.decoding)
        duration = (end - segment.start) / self._rate
        if segment.evidence is not None:
            levels = np.concatenate([np.zeros(0), *segment.evidence.levels])
            found = self.recognizer.segment(hypothesis, levels, duration)
            return found.later(segment.start / self._rate)
        last = self.recognizer.heard(hypothesis, duration)
        times = segment.times.with_words(last.words)
        words = times.finish(self._framing, self._rate, duration)
        return Segment(words, joined_text(segment.settled, last.text), 0.0, duration)

    def _keep(self, evidence: Evidence, heard: Heard) -> int:
        """Keeps what a cut needs, and no checkpoint before which there will be no cut.

        Returns:
            How many emission frames no cut will change.
        """
        assert self.rules is not None
        evidence.levels.append(heard.levels.copy())
        evidence.emissions.append(heard.emitted.log_probs.copy())
        evidence.trail = self.rules.follow(evidence.trail, heard.emitted.tokens)
        points = evidence.checkpoints
        if heard.after.frames >= points[-1].frames + SPACING:
            points = (*points, heard.after)
        earliest = self.rules.earliest(evidence.trail) * self._window.stride
        passed = sum(point.frames <= earliest for point in points[1:])
        evidence.checkpoints = points[passed:]
        return self._engine.ready(earliest)

    def _settle(self, segment: SegmentState, levels: NDArray[np.float64]) -> bool:
        """Finishes words from time to time, so that a stream that is never cut needs no more memory.

        Returns:
            Whether this was such a time.
        """
        times = segment.times.heard(levels)
        now = times.judged > segment.times.judged
        if now:
            done, segment.decoding = self.decoder.settle(segment.decoding)
            if done is not None:
                found = self.recognizer.heard(done, np.inf)
                times = times.with_words(found.words)
                segment.settled = joined_text(segment.settled, found.text)
            window, frame = self.recognizer.window, self.decoder.since(segment.decoding)
            since = (window.center(frame) - window.stride / 2) / self._rate
            times = times.fitted(self._framing, self._rate, since)
        segment.times = times
        return now

    def _decide(self, segment: SegmentState, more: bool, final: int) -> None:
        """Notes which words are final as things are, and which of them no cut will change.

        Args:
            segment: What was said in it.
            more: Whether there may be more such words than before.
            final: How many of its emission frames no cut will change.
        """
        if self.final is not None:
            return
        decided = list(segment.decided)
        text = decided[-1][1] if decided else segment.stable
        if more:
            text = joined_text(segment.settled, self.decoder.decided(segment.decoding))
        if not decided or decided[-1][1] != text:
            decided.append((segment.emissions, text))
        while decided and decided[0][0] <= final:
            segment.stable = decided.pop(0)[1]
        segment.decided = tuple(decided)

    def _again(self, final: Recognizer, source: StreamInput, first: int, end: int) -> Segment:
        """A segment as it is transcribed as a recording."""
        (segment,) = final.transcribe_samples(source.between(first, end)).segments
        return segment.later(first / self._rate)

    @cached_property
    def _hearing(self) -> Hearing:
        return Hearing(self.recognizer)

    @cached_property
    def _framing(self) -> Window:
        """From samples to feature frames."""
        return framing(self.recognizer.bundle.features)

    @property
    def _engine(self) -> Engine:
        return self.recognizer.engine

    @cached_property
    def _window(self) -> Window:
        """From feature frames to emission frames."""
        return self._engine.window

    @property
    def _rate(self) -> int:
        return self.recognizer.bundle.features.sample_rate
