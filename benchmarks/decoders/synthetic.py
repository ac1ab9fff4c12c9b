"""Emissions that carry a text, with errors: what a network might have said to an utterance.

Every token is a point in space, and blank is the origin. A token is heard for a frame or two, as with
CTC, between blanks. What is heard is its point, moved by noise that all frames of the token share, as a
slip of the tongue does, and by a little noise of each frame; the emission is the posterior of a
classifier that knows the points,

    log p(token | heard) = - |heard - point(token)|² / (2 width²) + constant.

So confusions are between tokens that lie side by side, errors are seldom made with certainty, and the
noise says how many there are. Subwords lie side by side where they begin, end or go on with the same letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
BLANK = 0
MARK = "▁"
DIMENSIONS = 14


@dataclass(frozen=True, slots=True)
class Noise:
    """How unclear speech is.

    Attributes:
        shared: Standard deviation, in every dimension, of what moves all frames of a token.
        own: The same, of what moves every frame.
        width: That which the classifier reckons with.
        quiet: Share of tokens that are hardly heard: they lie between their point and blank.
        long: Share of tokens that last two frames instead of one.
    """

    shared: float
    own: float
    width: float
    quiet: float
    long: float


def place_letters(letters: Sequence[str], random: np.random.Generator) -> dict[str, Points]:
    """Gives every letter a point (D,) at distance 1 from blank."""
    return {letter: _unit(random.standard_normal(DIMENSIONS)) for letter in letters}


def place_tokens(texts: Sequence[str], letters: dict[str, Points], random: np.random.Generator) -> Points:
    """Points of all tokens (V, D'): of the mark, their first, their last, the mean of their letters, and
    something of their own.
    """
    empty = np.zeros(5 * DIMENSIONS)
    return np.stack([_place(text, letters, random) if text else empty for text in texts])


def _place(text: str, letters: dict[str, Points], random: np.random.Generator) -> Points:
    silent = np.zeros(DIMENSIONS)
    points = [letters[letter] for letter in text.removeprefix(MARK)] or [silent]
    mark = letters[MARK] if text.startswith(MARK) else silent
    own = _unit(random.standard_normal(DIMENSIONS)) / 2
    return _unit(np.concatenate([mark, points[0], points[-1], np.mean(points, 0), own]))


def _unit(point: Points) -> Points:
    return point / np.linalg.norm(point)


def speak(
    tokens: Sequence[int], frames: int, points: Points, noise: Noise, random: np.random.Generator
) -> NDArray[np.float32]:
    """Log-probabilities (S, V) of an utterance that says these tokens in so many frames."""
    runs = _runs(tokens, frames, noise.long, random)
    path = np.concatenate([np.full(length, token) for token, length in runs])
    lengths = [length for _, length in runs]
    quiet = np.where(random.random(len(runs)) < noise.quiet, random.uniform(0.3, 0.8, len(runs)), 1.0)
    spoken = np.array([token != BLANK for token, _ in runs])
    moved = noise.shared * spoken[:, None] * random.standard_normal((len(runs), points.shape[1]))
    heard = np.repeat(quiet, lengths)[:, None] * points[path] + np.repeat(moved, lengths, 0)
    heard += noise.own * random.standard_normal(heard.shape)
    scores = (heard @ points.T - (points**2).sum(1) / 2) / noise.width**2
    scores -= scores.max(1, keepdims=True)
    return (scores - np.log(np.exp(scores).sum(1, keepdims=True))).astype(np.float32)


def _runs(
    tokens: Sequence[int], frames: int, long: float, random: np.random.Generator
) -> list[tuple[int, int]]:
    """Tokens with their durations, and the blanks around them: at least one between two of a kind."""
    durations = 1 + (random.random(len(tokens)) < long)
    needed = [int(i > 0 and tokens[i] == tokens[i - 1]) for i in range(len(tokens))] + [0]
    left = frames - int(durations.sum()) - sum(needed)
    if left < 0:
        raise ValueError(f"{len(tokens)} tokens do not fit into {frames} frames")
    gaps = random.multinomial(left, random.dirichlet(np.full(len(needed), 2.0))) + needed
    runs = []
    for token, duration, gap in zip([*tokens, BLANK], [*durations, 0], gaps, strict=True):
        runs += [(BLANK, int(gap)), (int(token), int(duration))]
    return [(token, length) for token, length in runs if length]
