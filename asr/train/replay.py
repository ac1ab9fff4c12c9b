"""Replay: old utterances among new ones, so that a model does not forget what it could."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def replay_weights(seconds: NDArray[np.float64], new: int, old: int, share: float) -> NDArray[np.float64]:
    """How often each example is drawn in an epoch, for `asr.data.draws`.

    New ones are drawn once, and old ones as often as makes them a share of the seconds: other ones in every
    epoch, where there are many. What was learnt before is kept by being practised (Robins, "Catastrophic
    forgetting, rehearsal and pseudorehearsal", 1995).

    Args:
        seconds: Durations of all examples (N,): the new ones, the old ones, and perhaps non-speech.
        new: Number of new ones.
        old: Number of old ones.
        share: Of the seconds of new and old ones, above 0 and below 1; heeded where there are old ones.

    Returns:
        The weights (N,). Those of non-speech keep its share of the utterances.
    """
    weights = np.ones(len(seconds))
    if old:
        learnt, kept = float(seconds[:new].sum()), float(seconds[new : new + old].sum())
        weights[new : new + old] = share / (1 - share) * learnt / kept
        weights[new + old :] = weights[: new + old].mean()
    return weights
