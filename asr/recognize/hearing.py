"""Listening without deciding: the emissions of utterances, which can then be decoded in many ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.data.manifest import Utterance
from asr.recognize.batches import emissions
from asr.recognize.evaluate import UTTERANCES_AT_ONCE, samples_of
from asr.recognize.recognizer import Recognizer
from asr.text.normalize import normalize


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """An utterance as the acoustic model heard it.

    Attributes:
        log_probs: Its emissions (S, V).
        reference: What was said, normalised.
    """

    log_probs: NDArray[np.float32]
    reference: str


def hear(
    recognizer: Recognizer,
    utterances: Sequence[Utterance],
    progress: Callable[[int], None] = lambda count: None,
) -> Iterator[Heard]:
    """Computes the emissions of utterances, and yields them in their order.

    Raises:
        AudioError: If a recording cannot be read.
    """
    config = recognizer.bundle
    for first in range(0, len(utterances), UTTERANCES_AT_ONCE):
        part = utterances[first : first + UTTERANCES_AT_ONCE]
        samples = samples_of(part, config.features.sample_rate)
        found = dict(emissions(recognizer.engine, [recognizer.features(one) for one in samples]))
        for index, one in enumerate(part):
            reference = normalize(one.text, config.tokenizer_config.normalizer)
            yield Heard(found[index].copy(), reference)
        progress(len(part))
