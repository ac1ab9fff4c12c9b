"""Endpoints: when a stream is cut into segments, and where.

A stream is cut after words that silence follows, where nothing is heard for long, and where a segment becomes
too long; the same kinds of rules as Kaldi's. A frame is silent if its best token is blank or a separator, so
the cuts are a function of the emissions alone. A cut lies in the silence, not at its end, as somebody may
have begun to speak when it is noticed: what follows the cut is heard again as the next segment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.audio.activity import stretches
from asr.decode.ctc import BLANK
from asr.errors import StreamError

MARGIN = 0.5
"""Seconds of silence after a cut at most: what the next segment hears before its first word."""

LAST_PART = 0.25
"""Share of the longest segment in which the longest pause is looked for."""

SHORTEST = 0.1


@dataclass(frozen=True, slots=True)
class Endpointing:
    """When a segment ends, in seconds.

    Attributes:
        nothing_heard: So much silence at its beginning.
        after_words: So much silence after words.
        longest: So long; it is then cut at the longest pause of its last quarter.

    Raises:
        StreamError: If one of them is too short.
    """

    nothing_heard: float = 2.4
    after_words: float = 1.2
    longest: float = 20.0

    def __post_init__(self) -> None:
        for name, value, least in (
            ("nothing_heard", self.nothing_heard, SHORTEST),
            ("after_words", self.after_words, SHORTEST),
            ("longest", self.longest, 1.0),
        ):
            if not least <= value < float("inf"):
                raise StreamError(f"{name} ({value:g}) must be at least {least:g} seconds; choose more")


@dataclass(frozen=True, slots=True)
class Trail:
    """What the rules know of a segment: how many frames it has, how many at its end are silent, and whether
    there were others.
    """

    frames: int = 0
    silent: int = 0
    spoken: bool = False


class Rules:
    """The rules of `Endpointing` in emission frames.

    Args:
        endpointing: The rules in seconds.
        frame: Seconds from one emission frame to the next.
        separator: The token between words, or -1.
    """

    def __init__(self, endpointing: Endpointing, frame: float, separator: int) -> None:
        self._nothing = max(2, round(endpointing.nothing_heard / frame))
        self._after = max(2, round(endpointing.after_words / frame))
        self._longest = max(4, round(endpointing.longest / frame))
        self._last_part = self._longest - max(1, round(self._longest * LAST_PART))
        self._margin = max(1, round(MARGIN / frame))
        self._silence = BLANK, separator

    def follow(self, trail: Trail, tokens: Sequence[int]) -> Trail:
        """What is known of a segment after more frames, whose best tokens are these (S,)."""
        frames = trail.frames + len(tokens)
        for silent, token in enumerate(reversed(tokens)):
            if token not in self._silence:
                return Trail(frames, silent, True)
        return Trail(frames, trail.silent + len(tokens), trail.spoken)

    def cut(self, trail: Trail, emissions: list[NDArray[np.float32]]) -> int | None:
        """The emission frame at which to cut; None if the segment goes on.

        Args:
            trail: Of the segment so far.
            emissions: Its log-probabilities, in parts.
        """
        if trail.silent >= (self._after if trail.spoken else self._nothing):
            return trail.frames - min(trail.silent // 2, self._margin)
        if trail.frames >= self._longest:
            return self._pause(np.concatenate(emissions)[self._last_part :])
        return None

    def earliest(self, trail: Trail) -> int:
        """The emission frame before which there will be no cut, whatever comes; it never becomes less."""
        least = self._after if trail.spoken else min(self._after, self._nothing)
        in_silence = trail.frames - trail.silent + least - min(least // 2, self._margin)
        return min(in_silence, self._last_part)

    def _pause(self, log_probs: NDArray[np.float32]) -> int:
        """The middle of the longest pause in the last part (S, V), else the frame most likely to be one."""
        pauses = stretches(np.isin(log_probs.argmax(1), self._silence))
        if not len(pauses):
            return self._last_part + int(log_probs[:, BLANK].argmax())
        lengths = pauses[:, 1] - pauses[:, 0]
        longest = pauses[len(pauses) - 1 - int(lengths[::-1].argmax())]
        return self._last_part + int(longest.sum()) // 2
