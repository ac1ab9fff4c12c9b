"""A text as numbers on disk: every word by its id, so that n-grams are counted without holding the text."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.errors import LanguageModelError
from asr.lm.ngrams import SPECIAL, WORD_BITS

UNKNOWN_ID, BEGIN_ID, END_ID = range(3)
"""Ids of <unk>, <s> and </s>; words follow in the order in which they first appear."""

TOKENS = 1 << 20
"""Tokens that are read or written together."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """A text whose words were numbered.

    Attributes:
        path: Holds the tokens, int32: every sentence as <s> word word … </s>.
        vocabulary: The special words and all words of the text; a word's index is its id.
        tokens: How many there are.
        sentences: How many of them are sentences' beginnings.
    """

    path: Path
    vocabulary: tuple[str, ...]
    tokens: int
    sentences: int

    @property
    def words(self) -> int:
        """Words of the text, the marks of beginnings and ends not counted."""
        return self.tokens - 2 * self.sentences


def write_corpus(sentences: Iterable[Sequence[str]], path: Path) -> Corpus:
    """Numbers the words of a text and writes the numbers into a file; empty sentences are left out.

    Raises:
        LanguageModelError: If there are no words, too many different ones, or special ones among them.
    """
    ids: defaultdict[str, int] = defaultdict(None, {word: index for index, word in enumerate(SPECIAL)})
    ids.default_factory = ids.__len__  # a new word gets the next id
    special = set(SPECIAL)
    tokens = count = 0
    buffer = array("i")
    with path.open("wb") as file:
        for sentence in sentences:
            if not special.isdisjoint(sentence):
                raise LanguageModelError(f"the text holds {' '.join(SPECIAL)}: take these out")
            if not sentence:
                continue
            count += 1
            buffer.append(BEGIN_ID)
            buffer.extend(map(ids.__getitem__, sentence))
            buffer.append(END_ID)
            if len(buffer) >= TOKENS:
                tokens += len(buffer)
                file.write(buffer.tobytes())
                buffer = array("i")
        tokens += len(buffer)
        file.write(buffer.tobytes())
    if not count:
        raise LanguageModelError("the text is empty: give it one sentence a line")
    if len(ids) >= 1 << WORD_BITS or tokens >= 1 << 31:
        limit = f"{1 << WORD_BITS} different words or {1 << 31} in all"
        raise LanguageModelError(f"the text is too large: it must have less than {limit}; use a part of it")
    return Corpus(path, tuple(ids), tokens, count)


def windows(corpus: Corpus, order: int) -> Iterator[NDArray[np.int32]]:
    """Yields all words of the text, each with the `order` - 1 words before it, some million at a time.

    Yields:
        Columns (order, M): the word itself, then the word before it, and so on backwards; <s> and all
        that would stand before it is <s>. The word itself is never <s>.
    """
    before = np.full(order - 1, BEGIN_ID, np.int32)
    with corpus.path.open("rb") as file:
        while content := file.read(4 * TOKENS):
            tokens = np.concatenate([before, np.frombuffer(content, np.int32)])
            before = tokens[len(tokens) - order + 1 :]
            columns = np.lib.stride_tricks.sliding_window_view(tokens, order).T[::-1]
            columns = columns[:, columns[0] != BEGIN_ID]
            for word, earlier in pairwise(columns[1:]):
                earlier[word == BEGIN_ID] = BEGIN_ID
            yield columns
