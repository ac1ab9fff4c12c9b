"""Finds how much a language model should count, by trying it out on recordings that nothing was trained on.

The sound is listened to once: what changes from trial to trial is only how its emissions are searched. All
points of a coarse grid of alpha and beta are tried; from the best of them the search walks on in ever
smaller steps, as long as a neighbour has fewer word errors or, with as many, fewer character errors. Of
equally good tunings the one in their middle is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from asr.config import DecodingConfig
from asr.decode.beam import BeamDecoder
from asr.decode.calibration import Calibration
from asr.decode.ctc import Hypothesis
from asr.decode.fusion import Fusion
from asr.decode.tuning import Tuning
from asr.errors import FusionError
from asr.recognize.confidence import judge_all
from asr.recognize.hearing import Heard
from asr.text.error_rate import ErrorCounts, character_errors, word_errors
from asr.text.tokenizer import Tokenizer

ALPHAS = (0.25, 0.5, 0.75, 1.0, 1.5)
BETAS = (0.0, 1.0, 2.0, 3.0)
STEPS = ((0.125, 0.5), (0.0625, 0.25))
"""Of alpha and beta, one pair after the other."""
DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1))
"""More of alpha makes texts shorter, which more of beta makes up for."""
UNKNOWN_STEPS = (2.0, 1.0)
"""Of what an unknown word is given, and of what each of its characters is."""
UNKNOWN_WORDS = 10
"""Unknown words in the references from which on what they are given is tuned: fewer cannot tell."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A tuning, and the errors that were made with it."""

    tuning: Tuning
    words: ErrorCounts
    characters: ErrorCounts

    @property
    def rank(self) -> tuple[int, int]:
        """The smaller, the better."""
        return self.words.errors, self.characters.errors


def unknown_words(heard: Sequence[Heard], fusion: Fusion) -> int:
    """How many words of the references the language model does not know; 0 where there is none."""
    if fusion.word_model is None:
        return 0
    known = fusion.word_model.ids.keys()
    return sum(word not in known for one in heard for word in one.reference.split())


def errors(
    heard: Sequence[Heard], tokenizer: Tokenizer, decode: Callable[[NDArray[np.float32]], Hypothesis]
) -> tuple[ErrorCounts, ErrorCounts]:
    """Word and character errors of a way of decoding."""
    words, characters = ErrorCounts.zero(), ErrorCounts.zero()
    for one in heard:
        text = _text(decode(one.log_probs), tokenizer)
        words += word_errors(one.reference, text)
        characters += character_errors(one.reference, text)
    return words, characters


def best_of(done: Sequence[Trial]) -> Trial:
    """The trial with the fewest errors; of several, the one in the middle, as the others are near an edge."""
    least = min(trial.rank for trial in done)
    equal = [trial for trial in done if trial.rank == least]
    places = np.array(
        [
            (one.alpha, one.beta, one.unknown_score, one.unknown_letter)
            for one in (trial.tuning for trial in equal)
        ]
    )
    distances = np.abs((places - places.mean(0)) / (*STEPS[0], *UNKNOWN_STEPS)).sum(1)
    return equal[int(distances.argmin())]


def trials(
    heard: Sequence[Heard], tokenizer: Tokenizer, fusion: Fusion, beam_size: int = 100, threads: int = 1
) -> Iterator[Trial]:
    """Tries tunings, and yields each trial when it is done; see `best_of`.

    What unknown words are given stays what it is in `fusion` in a closed vocabulary, and where the references
    have fewer than `UNKNOWN_WORDS` of them: the errors would be those of two or three words, and the numbers
    would fit these and no others.

    Args:
        heard: Utterances that neither model was trained on.
        tokenizer: Of the acoustic model.
        fusion: The language model, and whatever else is to be used.
        beam_size: Prefixes kept at each frame.
        threads: How many utterances are searched at once, which changes no result.

    Raises:
        FusionError: If there is no language model of words to tune.
    """
    model = fusion.word_model
    if model is None:
        raise FusionError("there is no language model of words whose weight could be tuned; name one")
    closed = fusion.vocabulary == "closed"
    open_words = not closed and unknown_words(heard, fusion) >= UNKNOWN_WORDS
    done: dict[Tuning, Trial] = {}

    def attempt(tuning: Tuning) -> Iterator[Trial]:
        if tuning not in done:
            done[tuning] = _trial(heard, tokenizer, fusion, tuning, threads)
            yield done[tuning]

    start = Tuning(
        unknown_score=fusion.unknown_score,
        unknown_letter=fusion.unknown_letter,
        closed=closed,
        beam_size=beam_size,
    )
    for alpha, beta in product(ALPHAS, BETAS):
        yield from attempt(replace(start, alpha=alpha, beta=beta))
    for alpha, beta in STEPS:
        center = None
        while center != (center := best_of(list(done.values())).tuning):
            for neighbour in _neighbours(center, alpha, beta, open_words):
                yield from attempt(neighbour)


def _neighbours(center: Tuning, alpha: float, beta: float, unknown: bool) -> Iterator[Tuning]:
    for right, up in DIRECTIONS:
        if center.alpha + right * alpha > 0:
            yield replace(center, alpha=center.alpha + right * alpha, beta=center.beta + up * beta)
    if unknown:
        word, letter = UNKNOWN_STEPS
        for sign in (-1, 1):
            yield replace(center, unknown_score=center.unknown_score + sign * word)
            if center.unknown_letter + sign * letter <= 0:
                yield replace(center, unknown_letter=center.unknown_letter + sign * letter)


def calibrate(
    heard: Sequence[Heard], tokenizer: Tokenizer, fusion: Fusion, tuning: Tuning, threads: int = 1
) -> Calibration | None:
    """Fits the confidences of the words that are recognised with a tuning; None where there are no words."""
    with _searching(heard, fusion, tuning, threads) as found:
        words = judge_all(zip(heard, found, strict=True), tokenizer)
    return words.fit() if words.log_probs else None


def _trial(
    heard: Sequence[Heard], tokenizer: Tokenizer, fusion: Fusion, tuning: Tuning, threads: int
) -> Trial:
    with _searching(heard, fusion, tuning, threads) as found:
        return Trial(tuning, *errors(heard, tokenizer, lambda _: next(found)))


@contextmanager
def _searching(
    heard: Sequence[Heard], fusion: Fusion, tuning: Tuning, threads: int
) -> Iterator[Iterator[Hypothesis]]:
    """The best hypothesis of each utterance, found in threads, which end with the block."""
    fusion = replace(
        fusion,
        alpha=tuning.alpha,
        beta=tuning.beta,
        unknown_score=tuning.unknown_score,
        unknown_letter=tuning.unknown_letter,
    )
    decoder = BeamDecoder(DecodingConfig(beam_size=tuning.beam_size), len(fusion.units), fusion)
    pool = ThreadPoolExecutor(threads)
    try:
        yield pool.map(lambda one: decoder.decode(one.log_probs)[0], heard)
    finally:
        pool.shutdown(cancel_futures=True)


def _text(hypothesis: Hypothesis, tokenizer: Tokenizer) -> str:
    if hypothesis.words is None:
        return tokenizer.decode(hypothesis.tokens)
    return " ".join(word.text for word in hypothesis.words)
