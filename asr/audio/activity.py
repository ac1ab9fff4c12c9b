"""Where a recording is quiet, judged by nothing but its features.

A recording is judged `PART` by part, each against the levels of itself and of the part before it. So what is
quiet follows a background that changes, and an endless stream is judged as a recording is, with the levels of
two parts in memory. Most recordings are shorter than a part, and are judged as a whole.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

QUIETEST, LOUDEST = 0.05, 0.9
"""The quantiles of all frames that stand for the background and for speech."""

QUIET = 0.25
"""A frame is quiet if its level is no more than so far on the way from background to speech."""

PART = 3000
"""Frames that are judged together: half a minute."""

STEADY = 0.5
"""Where nothing is further above the background, in deviations, nothing happens: a clipped tone is by 0.48,
utterances by 1.6 or more, and by 0.56 in white noise that is as loud as they are."""

WORD = 20
"""Frames that a word takes at least, 0.2 s."""

LEAST_CONTRAST = 0.4
"""Where speech is no further above the background, in deviations of the features, nothing is quiet."""


def quiet_stretches(features: NDArray[np.float32], shortest: int) -> NDArray[np.int64]:
    """Finds the quiet stretches of a recording.

    Args:
        features: Normalised log-mel (T, F).
        shortest: Frames that a stretch must have unless it touches the beginning or the end.

    Returns:
        First frame of each stretch and the one after its last (R, 2), in order.
    """
    return quiet_by_level(frame_levels(features), shortest)


def quiet_by_level(levels: NDArray[np.float64], shortest: int) -> NDArray[np.int64]:
    """The same as `quiet_stretches`, of the levels (T,) of the frames."""
    quiet = [quiet_part(levels[max(0, first - PART) : first + PART]) for first in range(0, len(levels), PART)]
    return long_enough(stretches(np.concatenate([np.zeros(0, bool), *quiet])), shortest, len(levels))


def frame_levels(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """The level of each frame of features (T, F): the mean of its bands, which hears a faint hiss as well as
    a vowel (T,).
    """
    wide = features.astype(np.float64)
    return np.asarray(wide.sum(axis=1) / wide.shape[1])


def quiet_part(levels: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Says which frames of a part are quiet.

    Args:
        levels: Of the part before, where there is one, and of this one, at most `PART` frames each.

    Returns:
        True where it is quiet, for the frames of this part.
    """
    here = levels[len(levels) - 1 - (len(levels) - 1) % PART :]
    return np.asarray(here < speech_threshold(levels, LEAST_CONTRAST))


def speech_threshold(levels: NDArray[np.float64], contrast: float, otherwise: float = -np.inf) -> float:
    """The level below which frames are quiet, by the levels (T,) of frames of which some are speech.

    Args:
        levels: At least one.
        contrast: How far speech has to be above the background.
        otherwise: What to say where it is not.
    """
    background, speech = _background_and_speech(levels)
    if speech - background < contrast:
        return otherwise
    return background + QUIET * (speech - background)


def is_steady(levels: NDArray[np.float64]) -> bool:
    """Whether nothing happens, not even a word, by the levels (T,) of a recording normalised by itself."""
    if not len(levels):
        return True
    background, speech = _background_and_speech(levels)
    word = float(np.sort(levels)[-min(WORD, len(levels))])
    return max(speech, word) - background < STEADY


def _background_and_speech(levels: NDArray[np.float64]) -> tuple[float, float]:
    background, speech = np.quantile(levels, [QUIETEST, LOUDEST])
    return float(background), float(speech)


def stretches(quiet: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Runs of True among frames (T,): the first frame of each, and the one after its last (R, 2)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], quiet, [False]]).astype(np.int8)))
    return np.asarray(edges.reshape(-1, 2), np.int64)


def bridged(found: NDArray[np.int64], gap: int) -> NDArray[np.int64]:
    """Stretches (R, 2) with those joined that are no more than `gap` frames apart."""
    if not len(found):
        return found
    apart = found[1:, 0] - found[:-1, 1] > gap
    return np.stack([found[np.append(True, apart), 0], found[np.append(apart, True), 1]], axis=1)


def long_enough(found: NDArray[np.int64], shortest: int, frames: int) -> NDArray[np.int64]:
    """The stretches (R, 2) that have enough frames, or touch the beginning or the end, at `frames`."""
    outer = (found[:, 0] == 0) | (found[:, 1] == frames)
    return np.asarray(found[(found[:, 1] - found[:, 0] >= shortest) | outer])
