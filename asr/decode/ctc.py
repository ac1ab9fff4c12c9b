"""Greedy CTC decoding: the best token at every frame, repeats merged, blanks removed (Graves, 2006)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.text.units import WordSpan

BLANK = 0


@dataclass(frozen=True, slots=True)
class Emission:
    """What an acoustic model says about a batch of utterances.

    Attributes:
        log_probs: Natural-log probabilities (N, S, V); token 0 is blank.
        lengths: Emission frames of each utterance (N,).
    """

    log_probs: NDArray[np.float32]
    lengths: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A sequence of tokens and where each of them was heard.

    Attributes:
        tokens: Token ids (U,).
        first_frames, last_frames: First and last emission frame of each token's run (U,).
        log_probs: Log-probability of each token at the best frame of its run (U,).
        total: What hypotheses are ranked by, in nats: the log-probability of the best path, or of all
            paths that write the text, and with a `Fusion` all that is added to it.
        words: The words and their tokens; None where the tokenizer is to say.
        language: Part of the total that language models gave, words unknown to them included.
        bonus: Part of the total that was given for the number of words.
        hotwords: Part of the total that hotwords gave.
    """

    tokens: tuple[int, ...]
    first_frames: tuple[int, ...]
    last_frames: tuple[int, ...]
    log_probs: tuple[float, ...]
    total: float
    words: tuple[WordSpan, ...] | None = None
    language: float = 0.0
    bonus: float = 0.0
    hotwords: float = 0.0

    @property
    def acoustic(self) -> float:
        """Part of the total that the emissions gave, and the probabilities of pronunciations."""
        return self.total - self.language - self.bonus - self.hotwords


def greedy(log_probs: NDArray[np.float32]) -> Hypothesis:
    """Decodes one utterance by its best path.

    Args:
        log_probs: Natural-log probabilities (S, V), S may be 0.

    Returns:
        The tokens of the best path. Of equal probabilities the smallest token wins.
    """
    if not len(log_probs):
        return Hypothesis((), (), (), (), 0.0)
    path = log_probs.argmax(1)
    best = log_probs[np.arange(len(path)), path]
    starts = np.flatnonzero(np.concatenate([[True], path[1:] != path[:-1]]))
    ends = np.append(starts[1:], len(path)) - 1
    peaks = np.maximum.reduceat(best, starts)
    spoken = path[starts] != BLANK
    return Hypothesis(
        tokens=tuple(path[starts][spoken].tolist()),
        first_frames=tuple(starts[spoken].tolist()),
        last_frames=tuple(ends[spoken].tolist()),
        log_probs=tuple(peaks[spoken].tolist()),
        total=float(best.sum(dtype=np.float64)),
    )


def blank_ratio(log_probs: NDArray[np.float32]) -> float:
    """The share of the frames of log_probs (S, V) whose best token is blank; 1 if there are none."""
    return float((log_probs.argmax(1) == BLANK).mean()) if len(log_probs) else 1.0
