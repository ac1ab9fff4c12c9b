"""Is a take, somebody reading a sentence, good enough to train on? Levels, clipping, noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FRAME_SECONDS = 0.02
SILENT_DB = -100.0
"""What digital silence is said to have, in dB of full scale."""

SHORTEST_SECONDS = 0.3
QUIETEST_DB = -38.0
"""Speech below this level is too quiet: what a microphone adds by itself comes near."""

LEAST_CONTRAST_DB = 15.0
"""Speech must be so far above the background."""

NOTHING_DB = 6.0
"""Where the loudest frames are no further above the background, nobody spoke."""

FULL_SCALE = 0.99
CLIPPED_RUN = 3
"""So many samples in a row at full scale are clipped; a single one may be a peak that just fits."""

EDGE_SECONDS = 0.06
EDGE_DB = 12.0
"""Where the first or last moment is no further below speech, a word was probably cut."""


@dataclass(frozen=True, slots=True)
class Take:
    """What the samples of a take tell.

    Attributes:
        seconds: How long it is.
        speech_db, noise_db: Levels of the loud and of the quiet frames, in dB of full scale.
        problems: What is wrong with it and what to do, a sentence each; none is good.
    """

    seconds: float
    speech_db: float
    noise_db: float
    problems: tuple[str, ...]


def judge_take(samples: NDArray[np.float32], sample_rate: int) -> Take:
    """Judges a take by its samples (n,) in -1 … 1.

    Speech and background are the levels that a tenth of its frames exceed, and that a tenth stay below.
    """
    seconds = len(samples) / sample_rate
    levels = _levels(samples, round(FRAME_SECONDS * sample_rate))
    if not len(levels) or seconds < SHORTEST_SECONDS:
        return Take(seconds, SILENT_DB, SILENT_DB, ("it is very short: speak between the two keys",))
    noise, speech = (float(level) for level in np.quantile(levels, [0.1, 0.9]))
    problems: list[str] = []
    if speech - noise < NOTHING_DB:
        problems.append("nothing was heard: check the microphone and speak up")
    else:
        if speech < QUIETEST_DB:
            problems.append("it is too quiet: come nearer, or turn the microphone up")
        if speech - noise < LEAST_CONTRAST_DB:
            problems.append("the background is loud: find a quieter place, or come nearer")
        else:
            edge = max(1, round(EDGE_SECONDS / FRAME_SECONDS))
            for name, part in (("begins", levels[:edge]), ("ends", levels[-edge:])):
                if speech - float(part.max()) < EDGE_DB:
                    problems.append(f"it {name} in the middle of speech: leave a moment of silence there")
    if longest_run(np.abs(samples) >= FULL_SCALE) >= CLIPPED_RUN:
        problems.append("it is clipped: turn the microphone down, or move away")
    return Take(seconds, speech, noise, tuple(problems))


def longest_run(marked: NDArray[np.bool_]) -> int:
    """How many True in a row there are at most (n,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def level_db(samples: NDArray[np.float32]) -> float:
    """The level of samples (n,) in dB of full scale."""
    power = float(np.mean(samples.astype(np.float64) ** 2)) if len(samples) else 0.0
    return max(10 * math.log10(max(power, 1e-12)), SILENT_DB)


def _levels(samples: NDArray[np.float32], frame: int) -> NDArray[np.float64]:
    """The level of each whole frame (T,), in dB of full scale; a constant offset is not heard."""
    whole = samples[: len(samples) // frame * frame].astype(np.float64).reshape(-1, frame)
    power = whole.var(axis=1)
    return np.asarray(np.maximum(10 * np.log10(np.maximum(power, 1e-12)), SILENT_DB))
