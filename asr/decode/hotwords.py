"""Hotwords: phrases that a recogniser should expect, such as names, each with a weight.

    Ann Kowalczyk
    metformin	8
    met for men	-4

The total of a text gains the weight for every occurrence of the phrase as whole words; a negative weight
makes a phrase less likely. While a phrase is being spelled, part of its weight is lent, and taken back
if the text goes on otherwise: see `asr.decode.knowledge.matching`.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from asr.decode.knowledge.arrays import Arcs
from asr.decode.knowledge.matching import arcs_of, greatest_credit, matcher_of
from asr.errors import HotwordError
from asr.lm.automaton import ROOT
from asr.text.normalize import normalize
from asr.text.units import Units

__all__ = ["DEFAULT_WEIGHT", "Hotword", "greatest_credit", "read_hotwords", "token_hotwords", "word_hotwords"]

DEFAULT_WEIGHT = 5.0
"""Weight of a phrase that stands in a file alone, in nats."""

GREATEST_WEIGHT = 1000.0
Key = TypeVar("Key", str, tuple[str, ...])

BOUNDARY = " "
"""Stands here for what bounds words, be it a separator, a mark, or either end of the text."""


@dataclass(frozen=True, slots=True)
class Hotword:
    """A phrase that should be recognised more (or less) readily.

    Attributes:
        phrase: One or several words, in the spelling of the model.
        weight: What the total of a text gains whenever the phrase stands in it, in nats.
        where: The file and line that it comes from, for messages.

    Raises:
        HotwordError: If the phrase is empty, or the weight is not a number from -1000 to 1000.
    """

    phrase: str
    weight: float = DEFAULT_WEIGHT
    where: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not self.phrase.split():
            raise HotwordError(f"{_prefix(self.where)}the phrase is empty; write one, or take the line out")
        if not abs(self.weight) <= GREATEST_WEIGHT:  # nan too
            raise HotwordError(
                f"{_prefix(self.where)}the weight {self.weight} of {_shown(self.phrase)} is not a number "
                f"from {-GREATEST_WEIGHT:g} to {GREATEST_WEIGHT:g}; correct it"
            )

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the phrase, in composed form (NFC)."""
        return tuple(unicodedata.normalize("NFC", self.phrase).split())

    def impossible(self, problem: str) -> HotwordError:
        """The error that this phrase can never be recognised."""
        return HotwordError(
            f"{_prefix(self.where)}the hotword {_shown(self.phrase)} can never be recognised: {problem}; "
            "correct it, or take it out"
        )


def read_hotwords(
    path: Path, weight: float = DEFAULT_WEIGHT, normalizer: str = "verbatim"
) -> tuple[Hotword, ...]:
    """Reads a list of hotwords: lines ``phrase`` or ``phrase<TAB>weight`` in UTF-8; blank lines are skipped.

    Args:
        path: The file. A phrase that stands there twice with the same weight counts once.
        weight: Nats for the phrases that stand alone.
        normalizer: Name of the normaliser that phrases go through; take that of the model.

    Raises:
        HotwordError: If the file is missing, not UTF-8 or holds no phrases, or a line has an empty phrase,
            a weight that is not a number from -1000 to 1000, more than two fields, or a phrase that has
            stood there with another weight. The line is named.
    """
    found: dict[str, Hotword] = {}
    for number, line in enumerate(_content(path).split("\n"), start=1):
        if not line.strip():
            continue
        hotword = _parse(line, f"{path}, line {number}", weight, normalizer)
        earlier = found.setdefault(hotword.phrase, hotword)
        if earlier.weight != hotword.weight:
            raise HotwordError(
                f"{hotword.where}: {_shown(hotword.phrase)} has stood there with another weight "
                f"({earlier.weight:g}); take one of them out"
            )
    if not found:
        raise HotwordError(f"{path}: holds no phrases; write one a line")
    return tuple(found.values())


def _content(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise HotwordError(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise HotwordError(f"{path}: cannot be read: {error.strerror or error}; check it") from None
    except UnicodeDecodeError as error:
        number = error.object.count(b"\n", 0, error.start) + 1
        raise HotwordError(f"{path}, line {number}: not UTF-8; save the file as UTF-8") from None


def _parse(line: str, where: str, weight: float, normalizer: str) -> Hotword:
    phrase, *numbers = line.rstrip("\r").split("\t")
    if len(numbers) > 1:
        raise HotwordError(f"{where}: more than one tab; write: phrase, tab, weight")
    if numbers:
        try:
            weight = float(numbers[0])
        except ValueError:
            weight = math.nan
        if math.isnan(weight):
            raise HotwordError(f"{where}: the weight {_shown(numbers[0])} is not a number; correct it")
    return Hotword(normalize(phrase, normalizer), weight, where)


def token_hotwords(hotwords: Sequence[Hotword], units: Units) -> tuple[Arcs, int]:
    """The automaton that reads tokens and gives credit for hotwords.

    A phrase is matched with what tokens write, in any segmentation, and counts where it begins with a
    word and ends with one; the boundary between two words belongs to both. Credit is lent evenly over
    its characters and the boundary after it.

    Args:
        hotwords: Phrases; where one stands twice, the weights are added.
        units: The tokens. If these do not say where words are bounded, each is taken for a word.

    Returns:
        The automaton, whose symbols are the V tokens and, at the end of the text, V; and the state in
        which a text begins. The last symbol takes all back that is still lent.

    Raises:
        HotwordError: If the tokens cannot write a phrase.
    """
    if not units.bounded:
        return word_hotwords(hotwords, units.texts)
    texts = _bounded_texts(units)
    lead = BOUNDARY if units.mark else ""
    for hotword, problem in _unwritable(hotwords, lead, texts):
        raise hotword.impossible(problem)
    weights = _weights((_framed(hotword.words), hotword) for hotword in hotwords)
    ids = {character: index for index, character in enumerate(sorted({BOUNDARY, *"".join(weights)}))}
    phrases = [[ids[character] for character in phrase] for phrase in weights]
    matcher = matcher_of(phrases, list(weights.values()), free=len(BOUNDARY))
    spellings = [[ids.get(character, len(ids)) for character in text] for text in texts]
    boundary = np.array([ids[BOUNDARY]], np.int32)
    _, start = matcher.read(np.array([ROOT], np.int32), boundary)
    return arcs_of(matcher, spellings, boundary.tolist()), int(start[0])


def word_hotwords(hotwords: Sequence[Hotword], words: Sequence[str]) -> tuple[Arcs, int]:
    """The automaton that reads words and gives credit for hotwords, lent evenly over their words.

    Args:
        hotwords: Phrases; where one stands twice, the weights are added.
        words: The words that there are; one with spaces in it counts as several, read at once.

    Returns:
        The automaton, whose symbols are indices of `words` and, at the end of the text, their number;
        and the state in which a text begins.

    Raises:
        HotwordError: If a word of a phrase is not among the words.
    """
    ids: dict[str, int] = {}
    for hotword in hotwords:
        for word in hotword.words:
            ids.setdefault(word, len(ids))
    spellings = [[ids.get(part, len(ids)) for part in word.split()] for word in words]
    known = {index for spelling in spellings for index in spelling}
    for hotword in hotwords:
        for word in hotword.words:
            if ids[word] not in known:
                raise hotword.impossible(f"{_shown(word)} is not in the vocabulary")
    weights = _weights((hotword.words, hotword) for hotword in hotwords)
    phrases = [[ids[word] for word in phrase] for phrase in weights]
    return arcs_of(matcher_of(phrases, list(weights.values())), spellings, []), ROOT


def _bounded_texts(units: Units) -> list[str]:
    """What each token writes, with one sign for all boundaries."""
    sign = units.texts[units.separator] if units.separator >= 0 else units.mark
    return [text.replace(sign, BOUNDARY) for text in units.texts]


def _framed(words: Sequence[str]) -> str:
    """The characters of a phrase with its boundaries."""
    return BOUNDARY + BOUNDARY.join(words) + BOUNDARY


def _unwritable(
    hotwords: Iterable[Hotword], lead: str, texts: Sequence[str]
) -> Iterator[tuple[Hotword, str]]:
    """The hotwords that no tokens can write, after `lead`, and why not."""
    known, alphabet, longest = set(texts), set("".join(texts)), max(map(len, texts))
    for hotword in hotwords:
        wanted = lead + BOUNDARY.join(hotword.words)
        strange = next((character for character in wanted if character not in alphabet), "")
        if strange:
            yield hotword, f"{strange!r} (U+{ord(strange):04X}) is not in the vocabulary"
            continue
        reached = [True] + [False] * len(wanted)  # what tokens can write of it, by length
        for first in range(len(wanted)):
            if reached[first]:
                for last in range(first + 1, min(first + longest, len(wanted)) + 1):
                    reached[last] |= wanted[first:last] in known
        if not reached[-1]:
            yield hotword, "no tokens put together write it"


def _weights(keyed: Iterable[tuple[Key, Hotword]]) -> dict[Key, float]:
    """The weights of distinct phrases; those of the same phrase are added."""
    weights: dict[Key, float] = {}
    for phrase, hotword in keyed:
        weights[phrase] = weights.get(phrase, 0.0) + hotword.weight
    return weights


def _prefix(where: str) -> str:
    return f"{where}: " if where else ""


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")
