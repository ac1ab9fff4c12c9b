"""The samples of a stream: pushed at any rate and in any pieces, read at the rate of the model."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from asr.audio.features import joined
from asr.audio.resample import Resampler, ResamplerState
from asr.errors import StreamError

Samples = NDArray[np.float32]


def _none() -> Samples:
    return np.zeros(0, np.float32)


@dataclass(slots=True)
class StreamInput:
    """Samples that have come in and are still needed.

    They wait at the rate at which they came until they are enough for whoever asks, so that pieces of one
    sample cost no more than they must.

    Attributes:
        from_rate, to_rate: Hz: that of the samples, and that of the model.
        waiting: Samples (n,) that have not been resampled.
        resampler: Where the resampler stands.
        samples: Samples (n,) at the rate of the model.
        first: The number of the first of them in the stream.
    """

    from_rate: int
    to_rate: int
    waiting: list[Samples] = field(default_factory=list)
    resampler: ResamplerState = field(default_factory=lambda: ResamplerState(_none()))
    samples: Samples = field(default_factory=_none)
    first: int = 0

    @property
    def seconds(self) -> float:
        """How much has come in."""
        return (self.resampler.seen + sum(map(len, self.waiting))) / self.from_rate

    @property
    def end(self) -> int:
        """How many samples there were at the rate of the model."""
        return self.first + len(self.samples)

    def push(self, samples: Samples) -> None:
        """Takes the next samples (n,)."""
        if len(samples):
            self.waiting.append(samples)

    def reaches(self, end: int) -> bool:
        """Whether there are samples up to number `end`, exclusive."""
        if end <= self.end or not self.waiting:
            return end <= self.end
        resampler = _resampler(self.from_rate, self.to_rate)
        if resampler.needed(end) - self.resampler.seen > sum(map(len, self.waiting)):
            return False
        samples, self.resampler = resampler.advance(self.resampler, self._take())
        self._append(samples)
        return end <= self.end

    def finish(self) -> None:
        """Makes everything that has come in readable; nothing may be pushed after it."""
        resampler = _resampler(self.from_rate, self.to_rate)
        samples, self.resampler = resampler.advance(self.resampler, self._take())
        self._append(samples)
        if resampler.lookahead:
            self._append(resampler.finish(self.resampler))

    def between(self, first: int, last: int) -> Samples:
        """The samples from number `first` to `last`, exclusive; they must be there."""
        assert self.first <= first <= last <= self.end
        return self.samples[first - self.first : last - self.first]

    def forget(self, first: int) -> None:
        """Drops the samples before number `first`; their memory is free when the next ones are appended."""
        if first > self.first:
            self.samples = self.samples[first - self.first :]
            self.first = first

    def _take(self) -> Samples:
        samples = joined(self.waiting) if self.waiting else _none()
        self.waiting = []
        return samples

    def _append(self, samples: Samples) -> None:
        self.samples = np.concatenate([self.samples, samples])


@lru_cache(maxsize=64)
def _resampler(from_rate: int, to_rate: int) -> Resampler:
    return Resampler(from_rate, to_rate)


def checked_samples(samples: object) -> Samples:
    """A copy of what was pushed, as float32 (n,).

    Raises:
        StreamError: If it is not an array of one axis of numbers.
    """
    array = np.asarray(samples)
    if array.dtype == np.int16:
        array = array.astype(np.float32) / np.float32(32768)
    if array.ndim != 1 or array.dtype.kind != "f":
        raise StreamError(
            f"a stream takes samples (n,) of float32 in -1 … 1, or of int16; got {array.dtype} {array.shape}"
        )
    array = np.array(array, np.float32)
    if not np.isfinite(array).all():
        raise StreamError("a stream takes finite samples; these hold values that are not numbers")
    return array
