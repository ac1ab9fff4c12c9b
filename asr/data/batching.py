"""Batches: utterances of similar length under a budget of padded seconds, in a reproducible order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from asr.data.dataset import Example

Item = TypeVar("Item")
Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples side by side, padded with zeros.

    Attributes:
        ids: Of the N utterances.
        features: (N, T, F).
        feature_lengths: True number of frames of each (N,).
        tokens: (N, U).
        token_lengths: True number of tokens of each (N,).
    """

    ids: tuple[str, ...]
    features: NDArray[np.float32]
    feature_lengths: NDArray[np.int64]
    tokens: NDArray[np.int64]
    token_lengths: NDArray[np.int64]


def collate(examples: Sequence[Example]) -> Batch:
    """Pads examples to the longest of them."""
    if not examples:
        none = np.zeros(0, np.int64)
        return Batch((), np.zeros((0, 0, 0), np.float32), none, np.zeros((0, 0), np.int64), none)
    return Batch(
        ids=tuple(example.id for example in examples),
        features=pad([example.features for example in examples]),
        feature_lengths=np.array([len(example.features) for example in examples], np.int64),
        tokens=pad([example.tokens for example in examples]),
        token_lengths=np.array([len(example.tokens) for example in examples], np.int64),
    )


def pad(arrays: Sequence[NDArray[Number]]) -> NDArray[Number]:
    """Stacks arrays (T_i, …) of unequal length to (N, T, …), zeros behind each."""
    longest = max(len(array) for array in arrays)
    padded = np.zeros((len(arrays), longest, *arrays[0].shape[1:]), arrays[0].dtype)
    for row, array in zip(padded, arrays, strict=True):
        row[: len(array)] = array
    return padded


def plan_epoch(
    durations: NDArray[np.float64], batch_seconds: float, seed: int, epoch: int
) -> list[NDArray[np.int64]]:
    """Divides all utterances into batches: similar lengths together, batches in random order.

    Lengths are jittered by up to a tenth before sorting, so batches differ from epoch to epoch. The
    first epoch begins with the batch of most padded seconds: what does not fit in memory fails early.
    Durations are those of the recordings; slow speeds of the augmentation come on top.

    Args:
        durations: Seconds of each utterance (N,).
        batch_seconds: Number of utterances times the longest stays below this, but for single ones.
        seed: Of the order.
        epoch: Counted from 0.

    Returns:
        Indices of each batch; every utterance is in exactly one.
    """
    random = np.random.default_rng([seed, epoch])
    order = np.argsort(durations * random.uniform(0.9, 1.1, len(durations)), kind="stable")
    batches: list[list[int]] = [[]]
    longest = 0.0
    for index in order.tolist():
        longest = max(longest, float(durations[index]))
        if batches[-1] and longest * (len(batches[-1]) + 1) > batch_seconds:
            batches.append([])
            longest = float(durations[index])
        batches[-1].append(index)
    plan = [np.array(batch, np.int64) for batch in batches if batch]
    plan = [plan[position] for position in random.permutation(len(plan))]
    if epoch == 0 and plan:
        worst = max(range(len(plan)), key=lambda i: float(durations[plan[i]].max() * len(plan[i])))
        plan.insert(0, plan.pop(worst))
    return plan


class Examples(Protocol):
    """What batches are made of: a function of the seed, the epoch and the index."""

    def seconds(self, epoch: int) -> NDArray[np.float64]:
        """How long each example (N,) of an epoch is."""

    def views(self, index: int, epoch: int, count: int) -> tuple[Example, ...]:
        """Draws example `index` of an epoch in so many views, which are as long as one another."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of the utterances of every batch: number `part` of `parts` equal ones.

    The utterances of a batch are dealt out in turn, so that all shares hold about as much speech.
    """

    part: int = 0
    parts: int = 1

    def of(self, batch: NDArray[np.int64]) -> NDArray[np.int64]:
        """What of a batch belongs to the share, which may be nothing."""
        return batch[self.part :: self.parts]


WHOLE = Share()


@dataclass(frozen=True, slots=True)
class Position:
    """Where training stands in its data: all that a resumed run needs to go on with the next batch."""

    epoch: int = 0
    batch: int = 0


class BatchSource:
    """All batches of all epochs, from any position on.

    Args:
        dataset: What to draw examples from.
        batch_seconds: Greatest length of a batch, as in `plan_epoch`; each view counts.
        seed: Of the order.
        share: Which utterances of every batch are wanted; a batch may then be empty.
        views: Of each example; in a batch they follow each other.
    """

    def __init__(
        self, dataset: Examples, batch_seconds: float, seed: int, share: Share = WHOLE, views: int = 1
    ) -> None:
        self._dataset = dataset
        self._batch_seconds = batch_seconds / views
        self._views = views
        self._seed = seed
        self._share = share

    def batches_in(self, epoch: int) -> int:
        """How many batches epoch `epoch` has."""
        return len(self._plan(epoch))

    def epoch(self, position: Position) -> Iterator[Batch]:
        """The batches of one epoch from `position` on, prepared in the background."""
        plan = map(self._share.of, self._plan(position.epoch)[position.batch :])
        return prefetch(
            collate(
                [
                    view
                    for index in batch
                    for view in self._dataset.views(int(index), position.epoch, self._views)
                ]
            )
            for batch in plan
        )

    def longest(self) -> tuple[float, float]:
        """Seconds of the largest batch of the first epoch, padding included, and of the longest utterance.

        The seconds of all views are counted.
        """
        seconds = self._dataset.seconds(0)
        own = [seconds[batch] for batch in map(self._share.of, self._plan(0)) if len(batch)]
        largest = max((float(batch.max()) * len(batch) for batch in own), default=0.0)
        return self._views * largest, self._views * float(seconds.max(initial=0.0))

    def _plan(self, epoch: int) -> list[NDArray[np.int64]]:
        return plan_epoch(self._dataset.seconds(epoch), self._batch_seconds, self._seed, epoch)


def prefetch(items: Iterable[Item], ahead: int = 2) -> Iterator[Item]:
    """Draws items in a thread of its own, `ahead` of them before they are asked for.

    What the thread raises is raised here; when the consumer stops, so does the thread.
    """
    iterator = iter(items)
    pool = ThreadPoolExecutor(1, thread_name_prefix="prefetch")
    try:
        drawn = deque(pool.submit(next, iterator, None) for _ in range(ahead))
        while (item := drawn.popleft().result()) is not None:
            drawn.append(pool.submit(next, iterator, None))
            yield item
    finally:
        pool.shutdown(cancel_futures=True)
