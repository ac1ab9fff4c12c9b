"""From the samples of streams to what an acoustic model makes of them, for many streams at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from asr.audio.activity import frame_levels
from asr.audio.features import joined, log_mels
from asr.audio.mel import framing
from asr.audio.normalization import RunningMean, advance_running, normalize
from asr.recognize.recognizer import Recognizer
from asr.recognize.stream_decoding import Emitted, emitted
from asr.recognize.stream_input import Samples, StreamInput
from asr.recognize.stream_state import Checkpoint

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A part of a segment, that is to be heard.

    Attributes:
        source: Has the samples.
        start: The number of the first sample of the segment.
        before: Where the segment stood before the part.
        frames: Feature frames of the part.
    """

    source: StreamInput
    start: int
    before: Checkpoint
    frames: int


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A part of a segment that was heard.

    Attributes:
        after: Where the segment stands after it.
        levels: Of its feature frames (T,).
        emitted: What the acoustic model gave.
    """

    after: Checkpoint
    levels: NDArray[np.float64]
    emitted: Emitted


class Hearing:
    """Hears parts of segments side by side. It keeps no state.

    Args:
        recognizer: The model.
    """

    def __init__(self, recognizer: Recognizer) -> None:
        self._bundle, self._engine = recognizer.bundle, recognizer.engine
        self._framing = framing(self._bundle.features)

    def hear(self, parts: Sequence[Part], ending: bool = False) -> list[Heard]:
        """Hears parts of different streams.

        Args:
            parts: Their samples must be there.
            ending: Whether the segments end with them.
        """
        features, means = self._features(parts)
        found = self._engine.step([part.before.acoustic for part in parts], features, ending)
        given = emitted([log_probs for log_probs, _ in found])
        ends = accumulate((part.frames for part in parts), initial=0)
        levels = frame_levels(joined(features))
        return [
            Heard(Checkpoint(part.before.frames + part.frames, mean, acoustic), levels[first:last], one)
            for part, mean, (_, acoustic), (first, last), one in zip(
                parts, means, found, pairwise(ends), given, strict=True
            )
        ]

    def _features(self, parts: Sequence[Part]) -> tuple[list[Array], list[RunningMean]]:
        """The normalised features (T, F) of each part, and the running mean after it."""
        config, statistics = self._bundle.features, self._bundle.statistics
        bands = log_mels([self._samples(part) for part in parts], config)
        if config.normalization != "running":
            return [normalize(one, config, statistics) for one in bands], [part.before.mean for part in parts]
        advanced = [
            advance_running(part.before.mean, one, statistics) for part, one in zip(parts, bands, strict=True)
        ]
        return [features for features, _ in advanced], [mean for _, mean in advanced]

    def _samples(self, part: Part) -> Samples:
        """The samples that its frames lie in."""
        before = part.before.frames
        first = part.start + self._framing.first(before)
        last = part.start + self._framing.needed(before + part.frames - 1) if part.frames else first
        return part.source.between(first, last)
