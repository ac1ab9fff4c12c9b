"""Cutting long recordings into pieces that a model can read whole: in pauses, while samples come in.

A piece ends in the middle of the longest pause between a quarter of the longest length and all of it. Where
there is no pause, over music or noise, pieces are as long as allowed, and share `OVERLAP` with the next one:
whoever recognises them finds a seam in what they share (`asr.recognize.seams`).

Pieces depend on nothing but the samples: a piece is decided on when more than the longest length is there
from its beginning on, by the samples of that length alone. So blocks of any size give the same pieces, what
comes later changes none, and no more than one length and one block are in memory. A recording that is not
longer is one piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from asr.audio.activity import bridged, frame_levels, speech_threshold, stretches
from asr.audio.features import advance_log_mel
from asr.audio.mel import framing
from asr.audio.pauses import BLIP, LEAST_CONTRAST
from asr.config import FeatureConfig
from asr.errors import ConfigError

Samples = NDArray[np.float32]

OVERLAP = 4.0
"""Seconds that pieces share where there is no pause, but no more than a quarter of the longest length."""

SHORTEST_PAUSE = 0.2
"""Seconds; closures of consonants are shorter."""

MARGIN = 0.5
"""Seconds of a silence that is skipped which stay with what is spoken before and after it."""

SHORTEST = 5.0
LEAST_SKIPPED = 2.0


@dataclass(frozen=True, slots=True)
class Cutting:
    """How a recording is cut, in seconds.

    Attributes:
        longest: No piece is longer.
        silence: Silences that are longer are skipped, but for half a second at either end; by default
            nothing is.

    Raises:
        ConfigError: If one of them is too short.
    """

    longest: float = 20.0
    silence: float = float("inf")

    def __post_init__(self) -> None:
        for name, value, least in (
            ("longest", self.longest, SHORTEST),
            ("silence", self.silence, LEAST_SKIPPED),
        ):
            if not value >= least:
                raise ConfigError(f"{name} ({value:g}) must be at least {least:g} seconds; choose more")


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A part of a recording.

    Attributes:
        start: The number of its first sample in the recording.
        samples: Its samples (n,).
        shared: How many of its first samples are the last ones of the piece before.
        skipped: How many samples of silence were left out before it.
    """

    start: int
    samples: Samples
    shared: int = 0
    skipped: int = 0

    @property
    def end(self) -> int:
        """The number of the sample after its last one."""
        return self.start + len(self.samples)


@dataclass(frozen=True, slots=True)
class _Cut:
    """Where a piece ends and the next one starts, in frames from the beginning of the piece."""

    end: int
    start: int


def cut(
    blocks: Iterable[Samples], config: FeatureConfig, cutting: Cutting, stride: int | None = None
) -> Iterator[Piece]:
    """Cuts a recording into pieces, which cover it: every sample is in one piece, shared by two, or skipped.

    Args:
        blocks: The recording (n,), at the sample rate of `config`, in blocks of any size.
        config: How the frames lie by whose levels pauses are found.
        cutting: How to cut.
        stride: Pieces start at multiples of it; samples, a multiple of the hop, which it is by default.

    Yields:
        The pieces in order, at least one; at most the one that covers a recording of no samples is empty.
    """
    cutter = _Cutter(config, cutting, stride or config.hop)
    for block in chain(blocks, [np.zeros(0, np.float32)]):
        cutter.push(block)
        while (piece := cutter.next()) is not None:
            yield piece
    yield cutter.last()


class _Cutter:
    """Samples that no piece has taken yet, and the levels of their frames."""

    def __init__(self, config: FeatureConfig, cutting: Cutting, stride: int) -> None:
        self._config, self._stride = config, stride // config.hop
        per_second = config.sample_rate / config.hop
        self._longest = self._whole(cutting.longest * per_second)
        self._frames = framing(config).output_length(self._longest * config.hop)
        self._overlap = self._whole(min(OVERLAP * per_second, self._longest / 4))
        self._pause = round(SHORTEST_PAUSE * per_second)
        self._blip = round(BLIP * per_second)
        self._silence = cutting.silence * per_second
        self._margin = self._whole(MARGIN * per_second)
        self._start, self._shared, self._skipped = 0, 0, 0
        self._held = self._pending = np.zeros(0, np.float32)
        self._levels = np.zeros(0)
        self._threshold = -np.inf

    def _whole(self, frames: float) -> int:
        """So many frames or a few less: a multiple of the stride."""
        return int(frames) // self._stride * self._stride

    def push(self, samples: Samples) -> None:
        """Takes the next samples."""
        features, self._pending = advance_log_mel(self._pending, samples, self._config)
        self._levels = np.concatenate([self._levels, frame_levels(features)])
        self._held = np.concatenate([self._held, samples])

    def next(self) -> Piece | None:
        """The next piece; None if there has to be more before it is decided on."""
        hop = self._config.hop
        while len(self._held) > self._longest * hop:
            found = self._decide(self._levels[: self._frames])
            piece = self._take(found.end * hop) if found.end else None
            self._shared = max(0, found.end - found.start) * hop
            self._skipped += max(0, found.start - found.end) * hop
            self._start += found.start * hop
            self._held = self._held[found.start * hop :].copy()
            self._levels = self._levels[found.start :].copy()
            if piece is not None:
                return piece
        return None

    def last(self) -> Piece:
        """What is left at the end of the recording."""
        return self._take(len(self._held))

    def _take(self, count: int) -> Piece:
        piece = Piece(self._start, self._held[:count].copy(), self._shared, self._skipped)
        self._shared = self._skipped = 0
        return piece

    def _decide(self, levels: NDArray[np.float64]) -> _Cut:
        """Where to cut by the levels of the longest length."""
        self._threshold = speech_threshold(levels, LEAST_CONTRAST, self._threshold)
        quiet = bridged(stretches(levels < self._threshold), self._blip)
        shared = self._shared // self._config.hop
        silences = np.clip(quiet, shared, None)
        silences = silences[silences[:, 1] - silences[:, 0] > self._silence]
        if len(silences):
            begin, end = silences[0].tolist()
            left = self._whole(begin + self._margin) if begin else 0
            return _Cut(left, self._whole(end - self._margin))
        reach = np.clip(quiet, self._longest // 4, None)
        lengths = reach[:, 1] - reach[:, 0]
        if not len(lengths) or lengths.max() < self._pause:
            return _Cut(self._longest, self._longest - self._overlap)
        longest = reach[len(reach) - 1 - int(lengths[::-1].argmax())]
        middle = self._whole((int(longest.sum()) + self._config.window // self._config.hop) // 2)
        return _Cut(middle, middle)
