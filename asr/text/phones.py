"""Phones: a tokenizer that writes how words sound, by a lexicon.

What is spelled in many ways sounds in few, so with little speech phones are learned sooner than letters.
Which words they are is for a lexicon and a language model to say; see asr/decode.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from asr.errors import LexiconError, TextError
from asr.text.lexicon import first_pronunciations
from asr.text.units import SPACE, Units, WordSpan

JOINED = "-"
"""Between the phones of a word, where they are written as text."""

Pronunciations = Mapping[str, tuple[str, ...]]
"""The phones of each word."""


@dataclass(frozen=True, slots=True)
class PhoneTokenizer:
    """One token for every phone, and one that stands between words.

    Attributes:
        vocabulary: Blank, the separator and the phones.
        pronunciations: How words are encoded; nothing, where only tokens are decoded.
    """

    vocabulary: tuple[str, ...]
    pronunciations: Pronunciations = field(default_factory=dict)

    @property
    def units(self) -> Units:
        """Words are separated by a token; phones do not spell them. See Tokenizer."""
        return Units(("", *self.vocabulary[1:]), separator=self.vocabulary.index(SPACE), sounds=True)

    def encode(self, text: str) -> list[int]:
        """Sounds out a normalised text. Raises TextError if a word has no pronunciation."""
        ids = {token: index for index, token in enumerate(self.vocabulary)}
        tokens: list[int] = []
        for word in unicodedata.normalize("NFC", text).split():
            if word not in self.pronunciations:
                raise TextError(
                    f"{word!r} in {text[:60]!r} has no pronunciation in the lexicon; "
                    "asr lexicon add LEXICON WORD adds one"
                )
            tokens += [ids[SPACE]] * bool(tokens)
            tokens += [ids[phone] for phone in self.pronunciations[word]]
        return tokens

    def unknown(self, text: str) -> list[str]:
        """Words without a pronunciation, in order of appearance."""
        words = unicodedata.normalize("NFC", text).split()
        return [word for word in dict.fromkeys(words) if word not in self.pronunciations]

    def decode(self, tokens: Sequence[int]) -> str:
        """Writes the phones of each word, joined by hyphens, with a space between words."""
        return " ".join(word.text for word in self.words(tokens))

    def heard(self, text: str) -> str:
        """How a text reads if all its words are heard rightly; words without a pronunciation stay."""
        words = unicodedata.normalize("NFC", text).split()
        return " ".join(JOINED.join(self.pronunciations.get(word, (word,))) for word in words)

    def words(self, tokens: Sequence[int]) -> tuple[WordSpan, ...]:
        """Cuts at the separators; see Tokenizer."""
        return spans_between(self.vocabulary, tokens, JOINED)


def spans_between(vocabulary: Sequence[str], tokens: Sequence[int], joined: str) -> tuple[WordSpan, ...]:
    """The words among tokens: what stands between separators, put together with `joined`."""
    spans = []
    first = 0
    for position, token in enumerate([*tokens, None]):
        if token is None or vocabulary[token] == SPACE:
            if position > first:
                text = joined.join(vocabulary[token] for token in tokens[first:position])
                spans.append(WordSpan(text, first, position))
            first = position + 1
    return tuple(spans)


def read_pronunciations(path: Path, texts: Iterable[str]) -> Pronunciations:
    """The first pronunciation of every word of normalised texts.

    Raises:
        LexiconError: If the lexicon cannot be read, or words of the texts are not in it.
    """
    known = first_pronunciations(path)
    wanted = dict.fromkeys(word for text in texts for word in unicodedata.normalize("NFC", text).split())
    missing = [word for word in wanted if word not in known]
    if missing:
        near = get_close_matches(missing[0], known, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise LexiconError(
            f"{path}: {len(missing)} of {len(wanted)} words have no pronunciation, {missing[0]!r} for one"
            f"{hint}; asr lexicon add LEXICON WORD adds one"
        )
    return known
