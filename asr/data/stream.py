"""Utterances as a stream has them: between pauses, and at times with another one before or after."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.audio.augment import generator
from asr.audio.background import background, quietest
from asr.config import AugmentConfig
from asr.data.manifest import Utterance

NEIGHBOUR = 0.4
"""Probability that an utterance in a stream has another one next to it."""

SAME_SPEAKER = 0.7
"""Probability that the other one is of the same speaker, where there is one."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a stream.

    Attributes:
        utterances: The numbers of one utterance, or of two, in their order.
        pauses: Seconds before the first, between them, and after the last.
    """

    utterances: tuple[int, ...]
    pauses: tuple[float, ...]


class Stretches:
    """Which stretch of a stream an utterance is heard in: a function of the seed and the epoch.

    Args:
        utterances: Of the corpus.
        augment: Says how often, and how long pauses are.
        seed: Of all that is drawn.
    """

    def __init__(self, utterances: Sequence[Utterance], augment: AugmentConfig, seed: int) -> None:
        self._utterances = utterances
        self._augment = augment
        self._seed = seed
        self._of_speaker: dict[str, list[int]] = defaultdict(list)
        for number, utterance in enumerate(utterances):
            self._of_speaker[utterance.speaker].append(number)

    def stretch(self, number: int, epoch: int, again: int = 0) -> Stretch:
        """The stretch of an utterance in an epoch; the utterance alone, where it is not heard in a stream.

        Args:
            number: Of the utterance.
            epoch: Counted from 0.
            again: How often it was drawn before in this epoch.
        """
        if not self._augment.stream:
            return Stretch((number,), (0.0, 0.0))
        name = drawn_as(f"{self._utterances[number].id} in a stream", again)
        random = generator(self._seed, epoch, name)
        if random.random() >= self._augment.stream:
            return Stretch((number,), (0.0, 0.0))
        numbers = [number]
        if random.random() < NEIGHBOUR:
            numbers.insert(int(random.integers(2)), self._neighbour(number, random))
        pauses = random.uniform(0.0, self._augment.stream_pause, len(numbers) + 1)
        return Stretch(tuple(numbers), tuple(pauses.tolist()))

    def seconds(self, number: int, epoch: int, again: int = 0) -> float:
        """How long the stretch of an utterance is; see `stretch`."""
        stretch = self.stretch(number, epoch, again)
        return sum(stretch.pauses) + sum(self._utterances[number].duration for number in stretch.utterances)

    def _neighbour(self, number: int, random: np.random.Generator) -> int:
        others = self._of_speaker[self._utterances[number].speaker]
        if len(others) > 1 and random.random() < SAME_SPEAKER:
            return others[int(random.integers(len(others)))]
        return int(random.integers(len(self._utterances)))


def drawn_as(name: str, again: int) -> str:
    """Names what random numbers are drawn for: something else each time an utterance is drawn in an epoch."""
    return f"{name}, time {again + 1}" if again else name


def with_pauses(
    spoken: Sequence[NDArray[np.float32]],
    pauses: Sequence[float],
    sample_rate: int,
    random: np.random.Generator,
) -> NDArray[np.float32]:
    """Joins the samples (n,) of utterances, with pauses that sound like their background.

    Args:
        spoken: Samples of each.
        pauses: Seconds before the first, between them, and after the last.
        sample_rate: Hz.
        random: Draws what kind of background a pause has.
    """
    quiet = [quietest(samples, sample_rate) for samples in spoken]
    parts = [background(quiet[0], round(pauses[0] * sample_rate), random)]
    for samples, own, following, seconds in zip(
        spoken, quiet, [*quiet[1:], quiet[-1]], pauses[1:], strict=True
    ):
        half = round(seconds * sample_rate / 2)
        parts += [samples, background(own, half, random), background(following, half, random)]
    return np.concatenate(parts)
