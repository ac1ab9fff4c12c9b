"""Tokens: the units that CTC writes. Nothing outside this file knows what a token stands for.

Token 0 is CTC's blank. The vocabulary comes from the training texts, in any script, in Unicode's
composed form (NFC) and sorted, and is stored with the model as `tokens.txt`, one ``token id`` a line.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from asr.config import TokenizerConfig
from asr.errors import BundleError, TextError
from asr.text.phones import PhoneTokenizer, Pronunciations, spans_between
from asr.text.subwords import SubwordTokenizer, learn_subwords
from asr.text.units import SPACE, Units, WordSpan, unknown_message

BLANK = "<blk>"


class Tokenizer(Protocol):
    """Turns text into tokens and back."""

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Every token as it is written in `tokens.txt`; the index is the id, the first is blank."""

    @property
    def units(self) -> Units:
        """What tokens write, and what bounds words."""

    def encode(self, text: str) -> list[int]:
        """Spells a normalised text. Raises TextError if something in it is not in the vocabulary."""

    def unknown(self, text: str) -> list[str]:
        """What of a normalised text the vocabulary lacks, in order of appearance."""

    def decode(self, tokens: Sequence[int]) -> str:
        """The text that tokens spell; words are separated by one space."""

    def heard(self, text: str) -> str:
        """How a normalised text reads where every token of it is decoded rightly."""

    def words(self, tokens: Sequence[int]) -> tuple[WordSpan, ...]:
        """The words that tokens spell, and which tokens spell each."""


@dataclass(frozen=True, slots=True)
class CharacterTokenizer:
    """One token for every character; the space between words is a token too."""

    vocabulary: tuple[str, ...]

    @property
    def units(self) -> Units:
        """Words are separated by a token, where the vocabulary has it; see Tokenizer."""
        separator = self.vocabulary.index(SPACE) if SPACE in self.vocabulary else -1
        return Units(("", *self.vocabulary[1:]), separator=separator)

    def encode(self, text: str) -> list[int]:
        """Spells a normalised text character by character; see Tokenizer."""
        ids = {_character(token): index for index, token in enumerate(self.vocabulary)}
        try:
            return [ids[character] for character in _composed(text)]
        except KeyError:
            raise TextError(unknown_message(self.unknown(text)[0], text)) from None

    def unknown(self, text: str) -> list[str]:
        """Characters that the vocabulary lacks; see Tokenizer."""
        known = {_character(token) for token in self.vocabulary}
        return [character for character in dict.fromkeys(_composed(text)) if character not in known]

    def decode(self, tokens: Sequence[int]) -> str:
        """Joins characters, and drops spaces that stand first, last or twice."""
        return " ".join(word.text for word in self.words(tokens))

    def heard(self, text: str) -> str:
        """The text itself."""
        return text

    def words(self, tokens: Sequence[int]) -> tuple[WordSpan, ...]:
        """Cuts at the spaces; see Tokenizer."""
        return spans_between(self.vocabulary, tokens, "")


@dataclass(frozen=True, slots=True)
class WordTokenizer:
    """One token for every word: for commands, digits and other closed vocabularies."""

    vocabulary: tuple[str, ...]

    @property
    def units(self) -> Units:
        """Nothing bounds words, as each is a token; see Tokenizer."""
        return Units(("", *self.vocabulary[1:]))

    def encode(self, text: str) -> list[int]:
        """Looks up every word; see Tokenizer."""
        ids = {token: index for index, token in enumerate(self.vocabulary) if index}
        try:
            return [ids[word] for word in _composed(text).split()]
        except KeyError:
            raise TextError(unknown_message(self.unknown(text)[0], text)) from None

    def unknown(self, text: str) -> list[str]:
        """Words that the vocabulary lacks; see Tokenizer."""
        known = set(self.vocabulary[1:])
        return [word for word in dict.fromkeys(_composed(text).split()) if word not in known]

    def decode(self, tokens: Sequence[int]) -> str:
        """Joins words by spaces."""
        return " ".join(self.vocabulary[token] for token in tokens)

    def heard(self, text: str) -> str:
        """The text itself."""
        return text

    def words(self, tokens: Sequence[int]) -> tuple[WordSpan, ...]:
        """Every token is a word; see Tokenizer."""
        return tuple(WordSpan(self.vocabulary[token], i, i + 1) for i, token in enumerate(tokens))


def tokenizer_from_pronunciations(pronunciations: Pronunciations) -> PhoneTokenizer:
    """Derives a tokenizer of all phones that words are pronounced with."""
    phones = {phone for word in pronunciations.values() for phone in word}
    return PhoneTokenizer((BLANK, SPACE, *sorted(phones)), pronunciations)


def tokenizer_from_texts(config: TokenizerConfig, texts: Iterable[str]) -> Tokenizer:
    """Derives a tokenizer of characters, subwords or words from normalised training texts.

    Raises:
        TextError: If the texts are all empty, one of them is `unwritable`, or there are too few subwords.
    """
    texts = list(texts)
    units: set[str] = set()
    for text in texts:
        if reason := unwritable(config, text):
            raise TextError(reason)
        composed = _composed(text)
        units.update(composed.split() if config.kind == "words" else map(_written, composed))
    if not units:
        raise TextError("the training texts are empty: there is nothing to derive a vocabulary from")
    if config.kind == "subwords":
        units = learn_subwords(texts, config.subwords)
    return tokenizer_from_vocabulary(config, (BLANK, *sorted(units)))


def unwritable(config: TokenizerConfig, text: str) -> str:
    """Says in one line why no vocabulary can hold the units of a normalised text; empty where one can.

    A character that stands for the space, or a word that stands for blank, would be read back as that.
    """
    if config.kind == "words" and BLANK in text.split():
        sign, meaning = BLANK, "CTC's blank"
    elif config.kind in ("characters", "subwords") and SPACE in text:
        sign, meaning = f"{SPACE} (U+{ord(SPACE):04X})", "the space between words"
    else:
        return ""
    return (
        f"the text {text[:60]!r} holds {sign}, which stands for {meaning} in tokens.txt; "
        "take it out of the text, or choose the normaliser lower_words, which does"
    )


def tokenizer_from_vocabulary(config: TokenizerConfig, vocabulary: Sequence[str]) -> Tokenizer:
    """Makes the tokenizer that `config` names from a stored vocabulary."""
    if config.kind == "words":
        return WordTokenizer(tuple(vocabulary))
    if config.kind == "subwords":
        return SubwordTokenizer(tuple(vocabulary))
    if config.kind == "phones":
        return PhoneTokenizer(tuple(vocabulary))
    return CharacterTokenizer(tuple(vocabulary))


def write_tokens(vocabulary: Sequence[str]) -> str:
    """The content of `tokens.txt`: ``token id`` a line, as k2, WeNet and sherpa-onnx read it."""
    return "".join(f"{token} {index}\n" for index, token in enumerate(vocabulary))


def read_tokens(content: str, where: str) -> tuple[str, ...]:
    """Reads `tokens.txt`.

    Raises:
        BundleError: If a line is not ``token id`` with ids counting up from 0, or blank is not first.
    """
    tokens = []
    for number, line in enumerate(content.removesuffix("\n").split("\n"), start=1):
        token, separator, index = line.rpartition(" ")
        if not separator or not token or index != str(number - 1):
            raise BundleError(
                f"{where}, line {number}: expected 'token {number - 1}'; the model folder is damaged"
            )
        tokens.append(token)
    if not tokens or tokens[0] != BLANK:
        raise BundleError(f"{where}: the first token must be {BLANK}; the model folder is damaged")
    return tuple(tokens)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _written(character: str) -> str:
    return SPACE if character == " " else character


def _character(token: str) -> str:
    return " " if token == SPACE else token
