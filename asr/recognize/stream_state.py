"""All that is known of a stream: plain values and arrays, and nothing that belongs to the model."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asr.audio.normalization import RunningMean
from asr.recognize.endpoint import Trail
from asr.recognize.engine import AcousticState
from asr.recognize.stream_decoding import Decoding
from asr.recognize.stream_input import StreamInput
from asr.recognize.word_times import WordTimes
from asr.transcript import Segment


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """Where a segment stood earlier.

    Attributes:
        frames: Feature frames up to there.
        mean: Of these.
        acoustic: What the acoustic model remembers of them.
    """

    frames: int
    mean: RunningMean
    acoustic: AcousticState


@dataclass(slots=True)
class Evidence:
    """What is kept of a segment that may be cut.

    Attributes:
        levels: Of its feature frames, in parts.
        emissions: Its log-probabilities, in parts.
        trail: What the rules of endpoints know.
        checkpoints: Where it stood before; the first one lies before any cut that is possible.
    """

    checkpoints: tuple[Checkpoint, ...]
    levels: list[NDArray[np.float64]] = field(default_factory=list)
    emissions: list[NDArray[np.float32]] = field(default_factory=list)
    trail: Trail = field(default_factory=Trail)


@dataclass(slots=True)
class SegmentState:
    """A segment under way.

    Attributes:
        start: The number of its first sample, at the rate of the model.
        frames: Feature frames heard.
        emissions: Emission frames that the acoustic model gave.
        mean: Of the features.
        acoustic: Where the acoustic model stands.
        decoding: Where the decoding stands.
        evidence: What a cut needs; None where the stream is never cut.
        times: Words that are finished; where the stream is never cut.
        settled: Their text.
        decided: Texts that are final if there is no cut before an emission frame, with that frame.
        stable: The text that is final.
    """

    start: int
    mean: RunningMean
    acoustic: AcousticState
    decoding: Decoding
    evidence: Evidence | None = None
    frames: int = 0
    emissions: int = 0
    times: WordTimes = field(default_factory=WordTimes)
    settled: str = ""
    decided: tuple[tuple[int, str], ...] = ()
    stable: str = ""

    @property
    def here(self) -> Checkpoint:
        """Where it stands."""
        return Checkpoint(self.frames, self.mean, self.acoustic)


@dataclass(slots=True)
class StreamState:
    """A stream under way.

    Attributes:
        source: The samples.
        segment: The segment under way; None once the stream has ended.
        segments: Those that are finished.
        text: Their text.
    """

    source: StreamInput
    segment: SegmentState | None
    segments: tuple[Segment, ...] = ()
    text: str = ""


def joined_text(*texts: str) -> str:
    """Texts with a space between those that are not empty."""
    return " ".join(text for text in texts if text)
