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

from asr.audio.activity import quiet_stretches
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
    words = segment.words
    if not words:
        return segment
    hop = framing.stride / sample_rate
    stretches = quiet_stretches(features, round(SHORTEST_PAUSE / hop))
    first_edge = framing.center(0) / sample_rate - hop / 2
    pauses = (first_edge + hop * stretches).astype(np.float64)
    starts = [_start(word, before, pauses) for word, before in zip(words, [None, *words], strict=False)]
    limits = [*starts[1:], segment.end]
    ends = [_end(word, limit, pauses) for word, limit in zip(words, limits, strict=True)]
    return replace(segment, words=_moved(words, starts, ends))


def _start(word: Word, before: Word | None, pauses: NDArray[np.float64]) -> float:
    earliest = before.end if before else 0.0
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
