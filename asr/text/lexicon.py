"""Lexicons: which tokens spell or sound out each word, as a text file that other toolkits read, too.

    yes  j ɛ s
    the  ð ə
    the  ð i
    read 0.6 ɹ iː d
    read 0.4 ɹ ɛ d

A line is a word and its tokens: letters, subwords or phones. A word may have several pronunciations, a
line each, and words may be pronounced alike. A number between word and tokens is the probability of
the pronunciation (Kaldi's lexiconp); a number that is a token of the model is read as that. A line that
begins with # and a space is a comment.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.errors import LexiconError
from asr.text.units import Units

PROBABILITY = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
"""How the probability of a pronunciation is written."""

COMMENT = "#"
"""A line that has this as its first field says something to people."""


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """Words and the sequences of tokens that stand for them; E pronunciations.

    Attributes:
        words: Distinct words.
        word_ids: The word of each pronunciation (E,), an index into `words`.
        log_probs: Natural logarithm of the probability of each (E,); 0 where none is given.
        tokens: The tokens of all pronunciations, one after the other.
        lengths: Tokens of each, one at least (E,).
        left_out: Number of words for which no tokens were found.
    """

    words: tuple[str, ...]
    word_ids: NDArray[np.int32]
    log_probs: NDArray[np.float32]
    tokens: NDArray[np.int32]
    lengths: NDArray[np.int32]
    left_out: int = 0


def lexicon_from(entries: Sequence[tuple[str, tuple[int, ...], float]], left_out: int = 0) -> Lexicon:
    """Makes a lexicon of (word, tokens, log-probability) in any order."""
    ids: dict[str, int] = {}
    word_ids = [ids.setdefault(word, len(ids)) for word, _, _ in entries]
    return Lexicon(
        words=tuple(ids),
        word_ids=np.array(word_ids, np.int32),
        log_probs=np.array([log_prob for _, _, log_prob in entries], np.float32),
        tokens=np.array([token for _, tokens, _ in entries for token in tokens], np.int32),
        lengths=np.array([len(tokens) for _, tokens, _ in entries], np.int32),
        left_out=left_out,
    )


def read_lexicon(path: Path, units: Units) -> Lexicon:
    """Reads a lexicon: UTF-8, one pronunciation a line, fields divided by white space.

    Where words are bounded by a separator, the lines do without it. Where they are bounded by a mark,
    the first token of each pronunciation begins with it, and no other does. Blank lines and
    comments are skipped, and a line that says the same as an earlier one adds nothing.

    Args:
        path: The file.
        units: The tokens of the model.

    Raises:
        LexiconError: If the file is missing, not UTF-8 or holds no words, or a line has no tokens,
            tokens that the model has not, or an impossible probability. The line is named.
    """
    return lexicon_in(lexicon_content(path), path, units)


def lexicon_in(content: str, path: Path, units: Units) -> Lexicon:
    """Reads what stands in such a file, in composed form (NFC); `path` is for messages.

    Raises:
        LexiconError: As `read_lexicon` does.
    """
    lines = _Lines(path, units)
    probabilities: dict[tuple[str, tuple[int, ...]], float] = {}
    for number, line in enumerate(content.split("\n"), start=1):
        if (fields := line.split()) and fields[0] != COMMENT:
            word, tokens, probability = lines.parse(number, fields)
            if probabilities.setdefault((word, tokens), probability) != probability:
                raise lines.error(
                    number, f"{_shown(word)} stands in an earlier line with another probability"
                )
    if not probabilities:
        raise LexiconError(f"{path}: holds no words; write lines such as: word token token")
    log_probs = np.log(np.fromiter(probabilities.values(), float, len(probabilities))).tolist()
    return lexicon_from(
        [(word, tokens, log_prob) for (word, tokens), log_prob in zip(probabilities, log_probs, strict=True)]
    )


def first_pronunciations(path: Path) -> dict[str, tuple[str, ...]]:
    """The tokens of the first line of every word, in the manner of `read_lexicon`, whatever the model.

    Raises:
        LexiconError: If the file is missing, not UTF-8 or holds no words, or a line has no tokens.
    """
    found: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(lexicon_content(path).split("\n"), start=1):
        if (fields := line.split()) and fields[0] != COMMENT:
            word, *tokens = fields
            tokens = tokens[1:] if tokens and PROBABILITY.fullmatch(tokens[0]) else tokens
            if not tokens:
                raise LexiconError(f"{path}, line {number}: {_shown(word)} has no tokens; add them")
            found.setdefault(word, tuple(tokens))
    if not found:
        raise LexiconError(f"{path}: holds no words; write lines such as: word token token")
    return found


def lexicon_content(path: Path) -> str:
    """The text of a lexicon in composed form (NFC). Raises LexiconError if it cannot be read."""
    try:
        content = path.read_bytes()
        return unicodedata.normalize("NFC", content.decode("utf-8-sig"))
    except FileNotFoundError:
        raise LexiconError(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise LexiconError(f"{path}: cannot be read: {error.strerror or error}; check it") from None
    except UnicodeDecodeError as error:
        number = error.object.count(b"\n", 0, error.start) + 1  # utf-8-sig counts from after the mark
        raise LexiconError(f"{path}, line {number}: not UTF-8; save the lexicon as UTF-8") from None


class _Lines:
    """Takes lines apart, and knows what to say of those that are wrong."""

    def __init__(self, path: Path, units: Units) -> None:
        self._path = path
        self._units = units
        self._ids: dict[str, int] = {}
        for index, text in enumerate(units.texts):
            if text:
                self._ids.setdefault(unicodedata.normalize("NFC", text), index)
        self._begins = [bool(units.mark) and text.startswith(units.mark) for text in units.texts]

    def parse(self, number: int, fields: list[str]) -> tuple[str, tuple[int, ...], float]:
        """The word, the tokens and the probability of a line."""
        word, *texts = fields
        probability = 1.0
        if texts and texts[0] not in self._ids and PROBABILITY.fullmatch(texts[0]):
            probability = float(texts[0])
            if not 0 < probability <= 1:
                raise self.error(number, f"the probability {_shown(texts[0])} is not above 0 and at most 1")
            texts = texts[1:]
        if not texts:
            raise self.error(number, f"{_shown(word)} has no tokens")
        try:
            tokens = tuple(map(self._ids.__getitem__, texts))
        except KeyError as error:
            raise self.error(number, self._unknown(word, error.args[0])) from None
        if problem := self._misplaced(tokens):
            raise self.error(number, problem)
        return word, tokens, probability

    def error(self, number: int, problem: str) -> LexiconError:
        """An error in a line."""
        return LexiconError(f"{self._path}, line {number}: {problem}; correct the line, or take it out")

    def _unknown(self, word: str, token: str) -> str:
        near = get_close_matches(token, self._ids, n=1)
        return f"token {_shown(token)} of {_shown(word)} is not in the vocabulary of the model" + (
            f" (did you mean {near[0]!r}?)" if near else ""
        )

    def _misplaced(self, tokens: tuple[int, ...]) -> str:
        """What is wrong with the bounds of a word; empty where they are right."""
        units = self._units
        if units.separator in tokens:
            separator = units.texts[units.separator]
            return f"{separator!r} separates words and is not written in a lexicon"
        if not units.mark:
            return ""
        if not self._begins[tokens[0]]:
            return f"the first token of a word begins with {units.mark!r}, unlike {self._text(tokens[0])}"
        if tokens == (self._ids.get(units.mark, -1),):
            return f"{units.mark!r} alone is no word"
        later = next((token for token in tokens[1:] if self._begins[token]), None)
        return "" if later is None else f"{self._text(later)} begins a word, but stands inside one"

    def _text(self, token: int) -> str:
        return repr(self._units.texts[token])


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")
