"""When words begin and end: what CTC leaves open, the pauses tell.

CTC is trained to write a token somewhere in its stretch of sound, and learns to write it at one or two frames
and blanks everywhere else. So a word's first token comes a little after the word has begun, and the last one
long before it ends where a single token stands for the whole word. The frames of the tokens say where words
are, the sound says where there are none:

- A word begins where the pause before it ends, if that is at most `LONGEST_LEAD` before its first token,
  and else `LEAD` before that token.
- It ends where the next pause begins, where the next word begins, or `LONGEST_TAIL` after its last token,
  whichever comes first.

No word is made shorter, so words stay in order and do not overlap. The times were chosen on the development
voices of recipes/digits; `python -m benchmarks.word_times` measures what comes of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from asr.audio.activity import frame_levels, quiet_by_level
from asr.transcript import Segment, Word
from asr.window import Window

LEAD = 0.05
LONGEST_LEAD = 0.2
LONGEST_TAIL = 0.5
SHORTEST_PAUSE = 0.1  # seconds; the closure of a "t" or "k" is shorter


def fit_to_pauses(
    segment: Segment, features: NDArray[np.float32], framing: Window, sample_rate: int
) -> Segment:
    """Moves the ends of words to where the pauses between them are.

    Args:
        segment: Words with the times of their tokens, in seconds from the first of the features.
        features: Normalised log-mel (T, F) of the same stretch.
        framing: The Window from samples to frames.
        sample_rate: Hz.
    """
    return fit_to_levels(segment, frame_levels(features), framing, sample_rate)


def fit_to_levels(
    segment: Segment, levels: NDArray[np.float64], framing: Window, sample_rate: int
) -> Segment:
    """The same as `fit_to_pauses`, of the levels (T,) of the frames."""
    if not segment.words:
        return segment
    quiet = quiet_by_level(levels, shortest_pause(framing, sample_rate))
    pauses = in_seconds(quiet, framing, sample_rate)
    return replace(segment, words=fit(segment.words, pauses, segment.end))


def shortest_pause(framing: Window, sample_rate: int) -> int:
    """How many quiet frames make a pause."""
    return round(SHORTEST_PAUSE * sample_rate / framing.stride)


def in_seconds(stretches: NDArray[np.int64], framing: Window, sample_rate: int) -> NDArray[np.float64]:
    """When stretches of frames (R, 2) begin and end, in seconds."""
    hop = framing.stride / sample_rate
    first_edge = framing.center(0) / sample_rate - hop / 2
    return np.asarray((first_edge + hop * stretches).astype(np.float64))


def fit(
    words: Sequence[Word], pauses: NDArray[np.float64], end: float, earliest: float = 0.0
) -> tuple[Word, ...]:
    """Moves the ends of words.

    Args:
        words: With the times of their tokens.
        pauses: When it is quiet (R, 2).
        end: When the last word must have ended.
        earliest: When the last token of the word before these ended.
    """
    before = [earliest, *(word.end for word in words)]
    starts = [_start(word, since, pauses) for word, since in zip(words, before, strict=False)]
    limits = [*starts[1:], end][: len(words)]
    ends = [_end(word, limit, pauses) for word, limit in zip(words, limits, strict=True)]
    return _moved(words, starts, ends)


def _start(word: Word, earliest: float, pauses: NDArray[np.float64]) -> float:
    index = int(np.searchsorted(pauses[:, 1], word.start, side="right")) - 1
    found = float(pauses[index, 1]) if index >= 0 else -np.inf
    start = found if found >= word.start - LONGEST_LEAD else word.start - LEAD
    return min(max(start, earliest), word.start)


def _end(word: Word, limit: float, pauses: NDArray[np.float64]) -> float:
    index = int(np.searchsorted(pauses[:, 0], word.end, side="left"))
    found = float(pauses[index, 0]) if index < len(pauses) else np.inf
    return max(min(found, limit, word.end + LONGEST_TAIL), word.end)


def _moved(words: Sequence[Word], starts: Sequence[float], ends: Sequence[float]) -> tuple[Word, ...]:
    return tuple(
        replace(word, start=start, end=end) for word, start, end in zip(words, starts, ends, strict=True)
    )
