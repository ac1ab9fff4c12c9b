"""Fits the confidences of a model to what it gets right on speakers that it was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from asr.data.manifest import Utterance
from asr.decode.calibration import Calibration, fit_calibration
from asr.errors import ManifestError
from asr.recognize.evaluate import UTTERANCES_AT_ONCE, samples_of
from asr.recognize.recognizer import Recognizer
from asr.text.error_rate import align_words
from asr.text.normalize import normalize
from asr.transcript import Word

UNCALIBRATED = Calibration(offset=0.0, slope=1.0)
"""With this one a confidence is the product of the posteriors of the tokens."""


@dataclass(frozen=True, slots=True)
class JudgedWord:
    """A recognised word, whether it was right, and who spoke.

    A word is right if it stands opposite the same word in an alignment with the fewest errors.
    """

    word: Word
    correct: bool
    speaker: str


def judged_words(
    recognizer: Recognizer,
    utterances: Sequence[Utterance],
    progress: Callable[[int], None] = lambda count: None,
) -> list[JudgedWord]:
    """Recognises utterances and judges every word of the transcripts.

    Args:
        recognizer: The model.
        utterances: What to recognise.
        progress: Called with the number of utterances done since the last call.

    Raises:
        AudioError: If a recording cannot be read.
    """
    judged: list[JudgedWord] = []
    normalizer = recognizer.bundle.tokenizer_config.normalizer
    for first in range(0, len(utterances), UTTERANCES_AT_ONCE):
        part = utterances[first : first + UTTERANCES_AT_ONCE]
        samples = samples_of(part, recognizer.bundle.features.sample_rate)
        for utterance, transcript in zip(part, recognizer.transcribe_batch(samples), strict=True):
            judgements = judge(normalize(utterance.text, normalizer), transcript.words)
            judged += [
                JudgedWord(word, correct, utterance.speaker)
                for word, correct in zip(transcript.words, judgements, strict=True)
            ]
        progress(len(part))
    return judged


def judge(reference: str, words: Sequence[Word]) -> list[bool]:
    """Says which words are right, given the normalised reference."""
    columns = align_words(reference, " ".join(word.text for word in words))
    right = iter([column.op == "equal" for column in columns if column.hypothesis is not None])
    return [all(islice(right, len(word.text.split()))) for word in words]


def calibrate(recognizer: Recognizer, utterances: Sequence[Utterance]) -> Calibration:
    """Fits a calibration on utterances of speakers that the model was not trained on.

    It holds for the way of decoding that the recogniser uses.

    Args:
        recognizer: The model; a calibration that it has plays no part.
        utterances: What to recognise.

    Raises:
        AudioError: If a recording cannot be read.
        ManifestError: If no word is recognised in any of them.
    """
    judged = judged_words(uncalibrated(recognizer), utterances)
    if not judged:
        raise ManifestError("no word was recognised in these utterances; give some with speech")
    return fit_calibration(*probabilities(judged))


def uncalibrated(recognizer: Recognizer) -> Recognizer:
    """The same recogniser, but its confidences are the products of posteriors."""
    return recognizer.with_calibration(UNCALIBRATED)


def probabilities(judged: Sequence[JudgedWord]) -> tuple[list[float], list[bool]]:
    """Log-probability of each word of an `uncalibrated` recogniser, and whether it is right."""
    confidences = np.array([item.word.confidence for item in judged])
    return np.log(np.maximum(confidences, 1e-300)).tolist(), [item.correct for item in judged]
