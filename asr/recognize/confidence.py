"""Fits the confidences of a model to what it gets right on speakers that it was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, repeat

import numpy as np
from numpy.typing import NDArray

from asr.data.manifest import Utterance
from asr.decode.calibration import Calibration, fit_calibration, reliability, word_confidence
from asr.decode.ctc import Hypothesis
from asr.decode.words import spans
from asr.errors import ManifestError
from asr.recognize.hearing import Heard, hear
from asr.recognize.recognizer import Recognizer
from asr.text.error_rate import align_words
from asr.text.tokenizer import Tokenizer
from asr.text.units import WordSpan


@dataclass(frozen=True, slots=True, eq=False)
class JudgedWords:
    """N recognised words, whether each was right, and who spoke.

    A word is right if it stands opposite the same word in an alignment with the fewest errors.

    Attributes:
        log_probs: Log-probabilities of its tokens, each at the token's best frame: one tuple a word (N,).
        correct: Whether it is right (N,).
        speakers: Who said it (N,).
    """

    log_probs: tuple[tuple[float, ...], ...]
    correct: NDArray[np.bool_]
    speakers: NDArray[np.str_]

    def of(self, speakers: Sequence[str]) -> JudgedWords:
        """The words of some speakers."""
        chosen = np.isin(self.speakers, list(speakers))
        log_probs = tuple(self.log_probs[index] for index in np.flatnonzero(chosen))
        return JudgedWords(log_probs, self.correct[chosen], self.speakers[chosen])

    def fit(self) -> Calibration:
        """The calibration of these words. Raises ManifestError where there are none."""
        if not self.log_probs:
            raise ManifestError("no word was recognised in these utterances; give some with speech")
        return fit_calibration([sum(one) for one in self.log_probs], self.correct)

    def confidences(self, calibration: Calibration | None) -> NDArray[np.float64]:
        """The confidences (N,) in these words."""
        return np.array([word_confidence(one, calibration) for one in self.log_probs])

    def error(self, calibration: Calibration | None) -> float:
        """The expected calibration error of these words, 0 … 1."""
        return reliability(self.confidences(calibration), self.correct).error

    def crosswise(self) -> NDArray[np.float64] | None:
        """Confidences (N,) fitted on other speakers: on those of the half that a word's speaker is not in.

        Returns:
            None where one of the halves has no words.
        """
        confidences = np.empty(len(self.correct))
        parts = halves(self.speakers.tolist())
        for fitted_on, tried_on in (parts, parts[::-1]):
            chosen = np.isin(self.speakers, list(tried_on))
            if not chosen.any():
                return None
            confidences[chosen] = self.of(tried_on).confidences(self.of(fitted_on).fit())
        return confidences


def halves(speakers: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Deals different speakers out in turn, in alphabetical order."""
    names = sorted(set(speakers))
    return tuple(names[::2]), tuple(names[1::2])


def judged_words(
    recognizer: Recognizer,
    utterances: Sequence[Utterance],
    progress: Callable[[int], None] = lambda count: None,
) -> JudgedWords:
    """Recognises utterances and judges every word, as a transcript has them.

    Args:
        recognizer: The model, and how it decodes; calibrations that it has play no part.
        utterances: What to recognise.
        progress: Called with the number of utterances done since the last call.

    Raises:
        AudioError: If a recording cannot be read.
    """
    found = ((one, recognizer.decode(one.log_probs)[0]) for one in hear(recognizer, utterances, progress))
    return judge_all(found, recognizer.bundle.tokenizer, [one.speaker for one in utterances])


def judge_all(
    found: Iterable[tuple[Heard, Hypothesis]], tokenizer: Tokenizer, speakers: Iterable[str] = repeat("")
) -> JudgedWords:
    """Judges every word of the best hypotheses of some utterances."""
    log_probs: list[tuple[float, ...]] = []
    correct: list[bool] = []
    names: list[str] = []
    for (heard, hypothesis), speaker in zip(found, speakers, strict=False):
        words = spans(hypothesis, tokenizer)
        log_probs += [hypothesis.log_probs[word.first : word.last] for word in words]
        correct += judge(heard.reference, words)
        names += [speaker] * len(words)
    return JudgedWords(tuple(log_probs), np.array(correct, bool), np.array(names, str))


def judge(reference: str, words: Sequence[WordSpan]) -> list[bool]:
    """Says which words are right, given the normalised reference."""
    columns = align_words(reference, " ".join(word.text for word in words))
    right = iter([column.op == "equal" for column in columns if column.hypothesis is not None])
    return [all(islice(right, len(word.text.split()))) for word in words]
