"""Recognises the utterances of a manifest and compares them with their references."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from asr.audio.io import load_audio
from asr.data.manifest import Utterance
from asr.recognize.recognizer import Recognizer
from asr.recognize.scoring import Scored, score
from asr.text.normalize import normalize
from asr.transcript import Transcript

UTTERANCES_AT_ONCE = 64


def recognize(
    recognizer: Recognizer,
    utterances: Sequence[Utterance],
    progress: Callable[[int], None] = lambda count: None,
    heard: Callable[[str], str] = str,
) -> list[Scored]:
    """Recognises utterances and counts their errors.

    The reference is the raw text after the model's normaliser; it never passes through the vocabulary,
    so a character that the model cannot write counts as an error.

    Args:
        recognizer: The model.
        utterances: What to recognise; each result is the same in any company.
        progress: Called with the number of utterances done since the last call.
        heard: What a normalised reference reads like to who hears the tokens alone: phones, perhaps.

    Returns:
        References, hypotheses and errors in the order of `utterances`.

    Raises:
        AudioError: If a recording cannot be read.
    """
    return [scored for scored, _ in recognize_words(recognizer, utterances, progress, heard)]


def recognize_words(
    recognizer: Recognizer,
    utterances: Sequence[Utterance],
    progress: Callable[[int], None] = lambda count: None,
    heard: Callable[[str], str] = str,
) -> Iterator[tuple[Scored, Transcript]]:
    """The same with the words and their times; see `recognize`."""
    for first in range(0, len(utterances), UTTERANCES_AT_ONCE):
        part = utterances[first : first + UTTERANCES_AT_ONCE]
        yield from _recognize(recognizer, part, heard)
        progress(len(part))


def samples_of(utterances: Sequence[Utterance], sample_rate: int) -> list[NDArray[np.float32]]:
    """The samples (n,) of each utterance at this rate. Raises AudioError if a recording cannot be read."""
    return [
        load_audio(one.audio, sample_rate=sample_rate, start=one.start, duration=one.duration)
        for one in utterances
    ]


def _recognize(
    recognizer: Recognizer, utterances: Sequence[Utterance], heard: Callable[[str], str]
) -> Iterator[tuple[Scored, Transcript]]:
    bundle = recognizer.bundle
    samples = samples_of(utterances, bundle.features.sample_rate)
    for one, transcript in zip(utterances, recognizer.transcribe_batch(samples), strict=True):
        reference = heard(normalize(one.text, bundle.tokenizer_config.normalizer))
        yield score(one.id, one.speaker, reference, transcript.text, one.duration), transcript
