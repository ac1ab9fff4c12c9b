"""CTC decoding written out: all alignments, and prefix beam search with dictionaries."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby, product

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

Emissions = NDArray[np.float32]
Tokens = tuple[int, ...]


def emissions(seed: int, frames: int, vocabulary: int, sharpness: float = 2.0) -> Emissions:
    """Random log-probabilities (S, V); the sharper, the surer."""
    scores = sharpness * np.random.default_rng(seed).standard_normal((frames, vocabulary))
    return (scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)).astype(np.float32)


@st.composite
def tiny_emissions(draw: st.DrawFn, frames: int = 6, vocabulary: int = 4) -> Emissions:
    """Emissions that can be enumerated, some of them with impossible tokens."""
    log_probs = emissions(
        draw(st.integers(0, 2**32)),
        draw(st.integers(0, frames)),
        draw(st.integers(2, vocabulary)),
        draw(st.sampled_from([0.5, 2.0, 10.0])),
    )
    if draw(st.booleans()) and len(log_probs):
        row, token = draw(st.integers(0, len(log_probs) - 1)), draw(st.integers(0, log_probs.shape[1] - 1))
        log_probs[row, token] = -np.inf
    return log_probs


def enumerate_texts(log_probs: Emissions) -> dict[Tokens, float]:
    """The log-probability of everything that can be written: the sum over its alignments."""
    frames, vocabulary = log_probs.shape
    totals: dict[Tokens, float] = defaultdict(lambda: -np.inf)
    for path in product(range(vocabulary), repeat=frames):
        tokens = tuple(token for token, _ in groupby(path) if token)
        score = sum((float(log_probs[frame, token]) for frame, token in enumerate(path)), 0.0)
        totals[tokens] = float(np.logaddexp(totals[tokens], score))
    return dict(totals)


def dictionary_search(log_probs: Emissions, width: int) -> dict[Tokens, float]:
    """Prefix beam search: the best `width` prefixes after every frame, and what they are worth at the end."""
    beams: dict[Tokens, tuple[float, float]] = {(): (0.0, -np.inf)}
    for row in log_probs.astype(np.float64):
        blank: dict[Tokens, float] = defaultdict(lambda: -np.inf)
        spoken: dict[Tokens, float] = defaultdict(lambda: -np.inf)
        for prefix, (ends_blank, ends_spoken) in beams.items():
            total = np.logaddexp(ends_blank, ends_spoken)
            blank[prefix] = np.logaddexp(blank[prefix], total + row[0])
            if prefix:
                spoken[prefix] = np.logaddexp(spoken[prefix], ends_spoken + row[prefix[-1]])
            for token in range(1, len(row)):
                longer = (*prefix, token)
                before = ends_blank if prefix and prefix[-1] == token else total
                spoken[longer] = np.logaddexp(spoken[longer], before + row[token])
        totals = {prefix: np.logaddexp(blank[prefix], spoken[prefix]) for prefix in [*blank, *spoken]}
        best = sorted(totals, key=lambda prefix: -totals[prefix])[:width]
        beams = {prefix: (blank[prefix], spoken[prefix]) for prefix in best if totals[prefix] > -np.inf}
    return {prefix: float(np.logaddexp(*ends)) for prefix, ends in beams.items()}
