"""How a stream is heard within a segment: features, emissions, words; and how the segment is closed.

Whatever is computed here from the first sample of a segment to its last is what a recogniser computes of
these samples as a recording.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from asr.audio.activity import frame_levels
from asr.audio.features import log_mel
from asr.audio.mel import framing
from asr.audio.normalization import RunningMean, advance_running, normalize, start_running
from asr.recognize.endpoint import Rules
from asr.recognize.engine import AcousticState, Array, Engine
from asr.recognize.recognizer import Recognizer
from asr.recognize.stream_decoding import StreamDecoder
from asr.recognize.stream_input import StreamInput
from asr.recognize.stream_state import Checkpoint, Evidence, SegmentState, joined_text
from asr.transcript import Segment
from asr.window import Window

SPACING = 100
"""Feature frames between checkpoints."""

ALWAYS = 1 << 62


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """The next features of a segment.

    Attributes:
        features: Normalised (T, F).
        mean: After them.
    """

    features: Array
    mean: RunningMean


@dataclass(frozen=True, slots=True, eq=False)
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

    def hear(self, source: StreamInput, segment: SegmentState, frames: int) -> Heard:
        """Computes the next features of a segment, whose samples must be there."""
        here = Checkpoint(segment.frames, segment.mean, segment.acoustic)
        return self._features(source, segment.start, here, frames)

    def advance(self, segment: SegmentState, heard: Heard, log_probs: Array, acoustic: AcousticState) -> None:
        """Goes on with a segment by what was heard, and what the acoustic model makes of it."""
        segment.frames += len(heard.features)
        segment.emissions += len(log_probs)
        segment.mean, segment.acoustic = heard.mean, acoustic
        segment.decoding = self.decoder.advance(segment.decoding, log_probs)
        levels = frame_levels(heard.features)
        if segment.evidence is not None:
            self._keep(segment, segment.evidence, levels, log_probs)
        else:
            self._settle(segment, levels)
        self._decide(segment)

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
        heard = self._features(source, segment.start, point, frames - point.frames)
        ((tail, _),) = self.recognizer.engine.step([point.acoustic], [heard.features], True)
        same, given = self._engine.ready(frames), self._engine.ready(point.frames)
        log_probs = np.concatenate([np.concatenate(evidence.emissions)[:same], tail[same - given :]])
        levels = np.concatenate(evidence.levels)[:frames]
        duration = (end - segment.start) / self._rate
        found = self.recognizer.segment(self.recognizer.decode(log_probs)[0], levels, duration)
        return self._moved(found, segment.start), end

    def close(self, source: StreamInput, segment: SegmentState) -> Segment:
        """The segment as it is, where the stream has ended."""
        end = source.end
        if self.final is not None:
            return self._again(self.final, source, segment.start, end)
        hypothesis = self.decoder.finish(segment.decoding)
        duration = (end - segment.start) / self._rate
        if segment.evidence is not None:
            levels = np.concatenate([np.zeros(0), *segment.evidence.levels])
            return self._moved(self.recognizer.segment(hypothesis, levels, duration), segment.start)
        last = self.recognizer.heard(hypothesis, duration)
        times = segment.times.with_words(last.words)
        words = times.finish(self._framing, self._rate, duration)
        return Segment(words, joined_text(segment.settled, last.text), 0.0, duration)

    def _keep(
        self, segment: SegmentState, evidence: Evidence, levels: NDArray[np.float64], log_probs: Array
    ) -> None:
        """Keeps what a cut needs, and no checkpoint before which there will be no cut."""
        assert self.rules is not None
        evidence.levels.append(levels)
        evidence.emissions.append(log_probs.copy())
        evidence.trail = evidence.trail.then(self.rules.silent(log_probs))
        points = evidence.checkpoints
        if segment.frames >= points[-1].frames + SPACING:
            points = (*points, Checkpoint(segment.frames, segment.mean, segment.acoustic))
        earliest = self.rules.earliest(evidence.trail) * self._window.stride
        passed = sum(point.frames <= earliest for point in points[1:])
        evidence.checkpoints = points[passed:]

    def _settle(self, segment: SegmentState, levels: NDArray[np.float64]) -> None:
        """Finishes words from time to time, so that a stream that is never cut needs no more memory."""
        times = segment.times.heard(levels)
        if times.judged > segment.times.judged:
            done, segment.decoding = self.decoder.settle(segment.decoding)
            if done is not None:
                found = self.recognizer.heard(done, np.inf)
                times = times.with_words(found.words)
                segment.settled = joined_text(segment.settled, found.text)
            window, frame = self.recognizer.window, self.decoder.since(segment.decoding)
            since = (window.center(frame) - window.stride / 2) / self._rate
            times = times.fitted(self._framing, self._rate, since)
        segment.times = times

    def _decide(self, segment: SegmentState) -> None:
        """Notes which words are final as things are, and which of them no cut will change."""
        if self.final is not None:
            return
        text = joined_text(segment.settled, self.decoder.decided(segment.decoding))
        decided, final = list(segment.decided), ALWAYS
        if not decided or decided[-1][1] != text:
            decided.append((segment.emissions, text))
        if self.rules is not None and segment.evidence is not None:
            final = self._engine.ready(self.rules.earliest(segment.evidence.trail) * self._window.stride)
        while decided and decided[0][0] <= final:
            segment.stable = decided.pop(0)[1]
        segment.decided = tuple(decided)

    def _features(self, source: StreamInput, start: int, point: Checkpoint, frames: int) -> Heard:
        """Computes features of a segment that follow a checkpoint."""
        bundle = self.recognizer.bundle
        first = start + self._framing.first(point.frames)
        last = start + self._framing.needed(point.frames + frames - 1) if frames else first
        features = log_mel(source.between(first, last), bundle.features)
        if bundle.features.normalization == "running":
            return Heard(*advance_running(point.mean, features, bundle.statistics))
        return Heard(normalize(features, bundle.features, bundle.statistics), point.mean)

    def _again(self, final: Recognizer, source: StreamInput, first: int, end: int) -> Segment:
        """A segment as it is transcribed as a recording."""
        (segment,) = final.transcribe_samples(source.between(first, end)).segments
        return self._moved(segment, first)

    def _moved(self, segment: Segment, first: int) -> Segment:
        """A segment with times from the beginning of the stream."""
        start = first / self._rate
        words = tuple(replace(word, start=start + word.start, end=start + word.end) for word in segment.words)
        return Segment(words, segment.text, start, start + segment.end)

    @property
    def _framing(self) -> Window:
        """From samples to feature frames."""
        return framing(self.recognizer.bundle.features)

    @property
    def _engine(self) -> Engine:
        return self.recognizer.engine

    @property
    def _window(self) -> Window:
        """From feature frames to emission frames."""
        return self._engine.window

    @property
    def _rate(self) -> int:
        return self.recognizer.bundle.features.sample_rate
