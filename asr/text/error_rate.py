"""Word and character error rates: the smallest number of edits that turn a reference into a hypothesis.

Counts add up over utterances; a corpus is scored by its summed counts, not by the mean of its rates.
The alignment is jiwer's (Levenshtein distance, every edit costs 1).
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from typing import Literal

import jiwer

_Units = jiwer.ReduceToListOfListOfWords | jiwer.ReduceToListOfListOfChars
_BY_WORD = jiwer.ReduceToListOfListOfWords()
_BY_CHARACTER = jiwer.ReduceToListOfListOfChars()


@dataclass(frozen=True, slots=True)
class ErrorCounts:
    """Edits between references and hypotheses; counts of utterances add up to those of a corpus.

    Attributes:
        substitutions: Units of the reference that were replaced.
        deletions: Units of the reference that are missing in the hypothesis.
        insertions: Units of the hypothesis that are not in the reference.
        reference: Units of the reference: words or characters.
    """

    substitutions: int
    deletions: int
    insertions: int
    reference: int

    @classmethod
    def zero(cls) -> ErrorCounts:
        """The counts of an empty corpus, to start a sum from."""
        return cls(0, 0, 0, 0)

    @property
    def errors(self) -> int:
        """All edits."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Errors per unit of the reference, above 1 where much was inserted; nan without a reference."""
        return self.errors / self.reference if self.reference else math.nan

    def __add__(self, other: ErrorCounts) -> ErrorCounts:
        return ErrorCounts(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.reference + other.reference,
        )


@dataclass(frozen=True, slots=True)
class AlignedWord:
    """One column of an alignment.

    Attributes:
        op: What became of the reference word.
        reference: The word of the reference; None where a word was inserted.
        hypothesis: The word of the hypothesis; None where a word was deleted.
    """

    op: Literal["equal", "substitute", "delete", "insert"]
    reference: str | None
    hypothesis: str | None


def word_errors(reference: str, hypothesis: str) -> ErrorCounts:
    """Counts word errors; words are what white space divides.

    Args:
        reference: The true text, normalised; where it is empty, every hypothesis word is an insertion.
        hypothesis: The recognised text.
    """
    return _count(reference, hypothesis, _BY_WORD)


def character_errors(reference: str, hypothesis: str) -> ErrorCounts:
    """Counts character errors over composed characters (NFC), the space between words being one of them."""
    return _count(reference, hypothesis, _BY_CHARACTER)


def align_words(reference: str, hypothesis: str) -> tuple[AlignedWord, ...]:
    """Aligns two texts word by word, with as few errors as possible.

    Returns:
        The columns in order; without the gaps they spell the reference and the hypothesis.
    """
    spoken, heard = _words(reference), _words(hypothesis)
    columns: list[AlignedWord] = []
    for chunk in _align(spoken, heard, _BY_WORD).alignments[0]:
        left = spoken[chunk.ref_start_idx : chunk.ref_end_idx]
        right = heard[chunk.hyp_start_idx : chunk.hyp_end_idx]
        if chunk.type == "delete":
            columns.extend(AlignedWord("delete", word, None) for word in left)
        elif chunk.type == "insert":
            columns.extend(AlignedWord("insert", None, word) for word in right)
        else:
            op: Literal["equal", "substitute"] = "equal" if chunk.type == "equal" else "substitute"
            columns.extend(AlignedWord(op, *pair) for pair in zip(left, right, strict=True))
    return tuple(columns)


def format_wer(counts: ErrorCounts, name: str = "WER") -> str:
    """Writes counts as Kaldi does: ``%WER 5.95 [ 46 / 773, 3 ins, 3 del, 40 sub ]``."""
    return (
        f"%{name} {100 * counts.rate:.2f} [ {counts.errors} / {counts.reference}, "
        f"{counts.insertions} ins, {counts.deletions} del, {counts.substitutions} sub ]"
    )


def _words(text: str) -> list[str]:
    return unicodedata.normalize("NFC", text).split()


def _align(reference: list[str], hypothesis: list[str], units: _Units) -> jiwer.WordOutput:
    return jiwer.process_words(" ".join(reference), " ".join(hypothesis), units, units)


def _count(reference: str, hypothesis: str, units: _Units) -> ErrorCounts:
    output = _align(_words(reference), _words(hypothesis), units)
    return ErrorCounts(output.substitutions, output.deletions, output.insertions, len(output.references[0]))
