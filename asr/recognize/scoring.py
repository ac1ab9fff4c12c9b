"""Scoring a corpus: error rates, their confidence interval, the worst utterances.

`asr.recognize.report_formats` writes them down.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from asr.text.error_rate import ErrorCounts, character_errors, word_errors

FEWEST_SPEAKERS = 5  # below this, utterances are drawn instead of speakers
_DRAWS_AT_ONCE = 1_000_000  # bounds the memory of the bootstrap


@dataclass(frozen=True, slots=True)
class Scored:
    """One recognised utterance beside the truth.

    Attributes:
        id, speaker: As in the manifest; the speaker may be empty.
        reference, hypothesis: Normalised texts.
        duration: Seconds of audio.
        words, characters: Errors between the two texts.
    """

    id: str
    speaker: str
    reference: str
    hypothesis: str
    duration: float
    words: ErrorCounts
    characters: ErrorCounts


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval of the word error rate.

    Attributes:
        low, high: Rates, 0.05 for 5 %; nan where fewer than two units or no reference words were given.
        unit: What was drawn with replacement.
        units: How many speakers or utterances there were to draw from.
        resamples: Number of corpora that were drawn.
        level: Share of the drawn corpora whose rate lies inside.
    """

    low: float
    high: float
    unit: Literal["speaker", "utterance"]
    units: int
    resamples: int
    level: float = 0.95


@dataclass(frozen=True, slots=True)
class Report:
    """The scores of a corpus.

    Attributes:
        scored: Its utterances, in the order given.
        words, characters: Summed errors.
        wrong_sentences: Utterances with at least one word error.
        speakers: Distinct speakers that are named.
        duration: Seconds of audio.
        interval: Of the word error rate.
    """

    scored: tuple[Scored, ...]
    words: ErrorCounts
    characters: ErrorCounts
    wrong_sentences: int
    speakers: int
    duration: float
    interval: Interval

    @property
    def sentence_error_rate(self) -> float:
        """Share of utterances with at least one word error; nan without utterances."""
        return self.wrong_sentences / len(self.scored) if self.scored else math.nan


def score(id: str, speaker: str, reference: str, hypothesis: str, duration: float) -> Scored:
    """Scores one utterance; both texts must have gone through the same normaliser.

    Args:
        id: Names the utterance.
        speaker: Names the speaker; may be empty.
        reference: The true text.
        hypothesis: The recognised text.
        duration: Seconds of audio.
    """
    words, characters = word_errors(reference, hypothesis), character_errors(reference, hypothesis)
    return Scored(id, speaker, reference, hypothesis, duration, words, characters)


def bootstrap(scored: Sequence[Scored], *, resamples: int = 2000, seed: int = 0) -> Interval:
    """Says how far chance in the choice of the test set may have moved the word error rate.

    Corpora of the same size are drawn with replacement, and the middle 95 % of their rates taken
    (percentile bootstrap; Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR
    performance evaluation", ICASSP 2004). Utterances of one speaker are alike, so speakers are drawn
    where every utterance names one and there are at least five; else utterances.

    Args:
        scored: The utterances.
        resamples: Number of corpora to draw.
        seed: Of the draws; the same seed gives the same interval.
    """
    unit, keys = drawn_units(scored)
    groups: dict[str | int, ErrorCounts] = {}
    for key, item in zip(keys, scored, strict=True):
        groups[key] = groups.get(key, ErrorCounts.zero()) + item.words
    counts = np.array([(group.errors, group.reference) for group in groups.values()], dtype=np.int64)
    if len(groups) < 2 or counts[:, 1].sum() == 0:
        return Interval(math.nan, math.nan, unit, len(groups), resamples)
    sums = drawn_sums(counts, resamples, seed)
    sums = sums[sums[:, 1] > 0]  # a draw of empty references alone has no rate
    if not len(sums):
        return Interval(math.nan, math.nan, unit, len(groups), resamples)
    low, high = np.quantile(sums[:, 0] / sums[:, 1], [0.025, 0.975])
    return Interval(float(low), float(high), unit, len(groups), resamples)


def drawn_units(scored: Sequence[Scored]) -> tuple[Literal["speaker", "utterance"], list[str | int]]:
    """What a bootstrap draws, and to which of these units each utterance belongs; see `bootstrap`."""
    names = {item.speaker for item in scored}
    if "" not in names and len(names) >= FEWEST_SPEAKERS:
        return "speaker", [item.speaker for item in scored]
    return "utterance", list(range(len(scored)))


def drawn_sums(counts: NDArray[np.int64], resamples: int, seed: int) -> NDArray[np.int64]:
    """Sums over corpora that are drawn with replacement.

    Args:
        counts: What each unit adds (n, C).
        resamples: Number of corpora R; each is drawn of n units.
        seed: Of the draws.

    Returns:
        The sums (R, C).
    """
    generator = np.random.default_rng(seed)
    units = len(counts)
    at_once = max(1, _DRAWS_AT_ONCE // units)
    return np.concatenate(
        [
            counts[generator.integers(units, size=(min(at_once, resamples - done), units))].sum(axis=1)
            for done in range(0, resamples, at_once)
        ]
    )


def report(scored: Sequence[Scored]) -> Report:
    """Sums the scores of utterances into those of their corpus; an empty one has rates of nan."""
    return Report(
        scored=tuple(scored),
        words=sum((item.words for item in scored), ErrorCounts.zero()),
        characters=sum((item.characters for item in scored), ErrorCounts.zero()),
        wrong_sentences=sum(item.words.errors > 0 for item in scored),
        speakers=len({item.speaker for item in scored} - {""}),
        duration=math.fsum(item.duration for item in scored),
        interval=bootstrap(scored),
    )


def worst_utterances(scored: Sequence[Scored], count: int) -> tuple[Scored, ...]:
    """The utterances with the most word errors, at most `count`; among equals, the higher rate first."""

    def rank(item: Scored) -> tuple[int, float, str]:
        rate = item.words.rate if item.words.reference else math.inf
        return -item.words.errors, -rate, item.id

    return tuple(sorted((item for item in scored if item.words.errors), key=rank)[: max(0, count)])
