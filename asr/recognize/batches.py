"""Utterances side by side: batches of similar length, so that little time goes into padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from asr.data.batching import pad
from asr.recognize.engine import Engine
from asr.text.units import BLANK_ID

FRAMES_PER_BATCH = 12_000
"""Padded feature frames that are run side by side: two minutes."""

IMPOSSIBLE = -100.0
"""A natural log-probability that no token is worth writing for."""


def emissions(
    engine: Engine, features: Sequence[NDArray[np.float32]]
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Runs utterances in batches of similar length.

    Args:
        engine: The acoustic model.
        features: Normalised features (T_i, F) of each utterance.

    Yields:
        Index and log-probabilities (S_i, V) of each utterance, shortest first.
    """
    order = sorted(range(len(features)), key=lambda index: len(features[index]))
    batch: list[int] = []
    for index in [*order, None]:
        if batch and (index is None or (len(batch) + 1) * len(features[index]) > FRAMES_PER_BATCH):
            yield from _run(engine, features, batch)
            batch = []
        if index is not None:
            batch.append(index)


def _run(
    engine: Engine, features: Sequence[NDArray[np.float32]], batch: list[int]
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    lengths = np.array([len(features[index]) for index in batch], np.int64)
    emission = engine.run(pad([features[index] for index in batch]), lengths)
    for row, index, length in zip(emission.log_probs, batch, emission.lengths, strict=True):
        yield index, row[:length] if features[index].any() else _nothing_heard(row[:length])


def _nothing_heard(log_probs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Blank at every frame, for features that are zero throughout: see `Recognizer.features`.

    To a model they are the average of all speech.
    """
    certain = np.full_like(log_probs, IMPOSSIBLE)
    certain[:, BLANK_ID] = 0.0
    return certain
