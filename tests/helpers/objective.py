"""What a text is worth to a beam search with language models: the definition, by brute force.

Everything that tokens can write is enumerated, read as words in every way in which the vocabulary lets it
be read, and what writes the same words is added up. Slow, and to be believed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np

from asr.lm.automaton import Automaton
from tests.helpers.beam import Emissions, Tokens, enumerate_texts

Words = tuple[str, ...]
Text = str | Tokens
"""What a result is known by: words joined by spaces; tokens, where nothing knows of words."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """A line of a lexicon: a word, the tokens that write it, and how probable they are for it."""

    word: str
    tokens: Tokens
    log_prob: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a search knows besides the emissions.

    Attributes:
        texts: What each token writes; "" for blank.
        separator: The token between words, or -1.
        mark: What the text of a token begins with that begins a word; "" if there is none.
        vocabulary: `tokens`: nothing knows of words. `open`: every spelling is a word. `closed`: words are
            those of `words` and `spellings`. `grammar`: the text is one of `phrases`, or empty.
        words: Words that are spelled as they are written, in all ways in which tokens can write them.
        spellings: Words that are spelled in given ways.
        hotwords: Phrases and their weights.
    """

    texts: tuple[str, ...]
    separator: int = -1
    mark: str = ""
    vocabulary: Literal["tokens", "open", "closed", "grammar"] = "tokens"
    words: Words = ()
    spellings: tuple[Spelling, ...] = ()
    phrases: tuple[str, ...] = ()
    word_model: Automaton | None = None
    token_model: Automaton | None = None
    alpha: float = 0.5
    token_alpha: float = 0.5
    beta: float = 1.0
    unknown_score: float = -10.0
    unknown_letter: float = 0.0
    hotwords: tuple[tuple[str, float], ...] = ()

    @property
    def bounded(self) -> bool:
        """Whether tokens say where words end."""
        return self.separator >= 0 or bool(self.mark)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a total is the sum of; `unknown` is the score for words that the model does not know."""

    acoustic: float
    language: float
    unknown: float
    bonus: float
    hotwords: float

    @property
    def total(self) -> float:
        return self.acoustic + self.language + self.unknown + self.bonus + self.hotwords


def objective(world: World, log_probs: Emissions) -> dict[Text, Parts]:
    """What every text that is possible at all is worth, given emissions (S, V).

    Tokens that write the same words are added up with what a model of tokens says to them, which is then
    part of `Parts.acoustic`.
    """
    heard = {tokens: total for tokens, total in enumerate_texts(log_probs).items() if total > -np.inf}
    if world.vocabulary == "tokens":
        return {tokens: parts_of_tokens(world, tokens, total) for tokens, total in heard.items()}
    acoustic: dict[Words, float] = defaultdict(lambda: -np.inf)
    for tokens, total in heard.items():
        for words, log_prob in readings(world, tokens):
            score = total + log_prob + token_language(world, tokens)
            acoustic[words] = float(np.logaddexp(acoustic[words], score))
    return {" ".join(words): parts_of_words(world, words, total) for words, total in acoustic.items()}


def readings(world: World, tokens: Tokens) -> Iterator[tuple[Words, float]]:
    """The words that tokens can be read as, and ln of the probability of their being spelled so."""
    pieces = cut_at_boundaries(world, tokens) if world.bounded else None
    if world.bounded and pieces is None:
        return
    found = cut_by_lexicon(world, tokens) if pieces is None else product(*(known(world, p) for p in pieces))
    for spellings in found:
        words = tuple(spelling.word for spelling in spellings)
        if not words or world.vocabulary != "grammar" or " ".join(words) in world.phrases:
            yield words, sum((spelling.log_prob for spelling in spellings), 0.0)


def cut_at_boundaries(world: World, tokens: Tokens) -> list[Tokens] | None:
    """The tokens of each word; None where one but the last is empty, or the mark of the first is missing."""
    pieces: list[Tokens] = [()] if world.separator >= 0 else []
    for token in tokens:
        if token == world.separator:
            pieces.append(())
        elif world.mark and world.texts[token].startswith(world.mark):
            pieces.append((token,))
        elif not pieces:  # a text begins with the mark
            return None
        else:
            pieces[-1] = (*pieces[-1], token)
    if pieces and not written(world, pieces[-1]):
        pieces.pop()
    return pieces if all(written(world, piece) for piece in pieces) else None


def written(world: World, piece: Tokens) -> str:
    """The letters of a word."""
    return "".join(world.texts[token] for token in piece).removeprefix(world.mark)


def known(world: World, piece: Tokens) -> list[Spelling]:
    """The words that the tokens between two boundaries can be."""
    as_written = Spelling(written(world, piece), piece, world.unknown_letter * strange_letters(world, piece))
    if world.vocabulary != "closed":
        return [as_written]
    given = [spelling for spelling in world.spellings if spelling.tokens == piece]
    return given + [as_written] * (as_written.word in world.words)


def strange_letters(world: World, piece: Tokens) -> int:
    """The letters of a word from the token on that no word of the model goes on with."""
    if world.vocabulary != "open" or world.word_model is None:
        return 0
    for first in range(len(piece)):
        begun = "".join(world.texts[token] for token in piece[: first + 1])
        if not any(goes_on(world, world.mark + word, begun) for word in world.words):
            return sum(len(world.texts[token].removeprefix(world.mark)) for token in piece[first:])
    return 0


def goes_on(world: World, word: str, begun: str) -> bool:
    """Whether tokens can make a word of its beginning."""
    texts = [text for token, text in enumerate(world.texts) if text and token != world.separator]
    return word == begun or (
        word.startswith(begun) and any(goes_on(world, word, begun + text) for text in texts)
    )


def cut_by_lexicon(world: World, tokens: Tokens) -> Iterator[tuple[Spelling, ...]]:
    """All ways of cutting tokens into words of the lexicon."""
    if not tokens:
        yield ()
    for spelling in world.spellings:
        length = len(spelling.tokens)
        if tokens[:length] == spelling.tokens:
            for rest in cut_by_lexicon(world, tokens[length:]):
                yield (spelling, *rest)


def parts_of_words(world: World, words: Words, acoustic: float) -> Parts:
    """What a text of words is worth."""
    model = world.word_model
    is_unknown = [model is not None and word not in model.ids for word in words]
    return Parts(
        acoustic=acoustic,
        language=world.alpha * language(model, words) if model else 0.0,
        unknown=world.unknown_score * sum(is_unknown),
        bonus=world.beta * len(words),
        hotwords=sum(weight * occurrences(phrase.split(), words) for phrase, weight in world.hotwords),
    )


def language(model: Automaton, words: Sequence[str]) -> float:
    """ln p(words, </s>); words that a model without <unk> does not know are free."""
    scores = model.score(words)
    free = [model.unknown < 0 and word not in model.ids for word in words]
    return sum(score for score, is_free in zip(scores, [*free, False], strict=True) if not is_free)


def token_language(world: World, tokens: Tokens) -> float:
    """What a model of tokens gives to all tokens and </s>."""
    if world.token_model is None:
        return 0.0
    return world.token_alpha * language(world.token_model, [world.texts[token] for token in tokens])


def parts_of_tokens(world: World, tokens: Tokens, acoustic: float) -> Parts:
    """What tokens are worth where they are not read as words; a hotword is still bounded like a word."""
    texts = [world.texts[token] for token in tokens]
    credit = 0.0
    for phrase, weight in world.hotwords:
        if world.bounded:
            sign = world.texts[world.separator] if world.separator >= 0 else world.mark
            sought, text = framed(sign, sign.join(phrase.split())), framed(sign, "".join(texts))
            credit += weight * occurrences(sought, text)
        else:
            credit += weight * occurrences(phrase.split(), texts)
    return Parts(
        acoustic=acoustic,
        language=token_language(world, tokens),
        unknown=0.0,
        bonus=0.0,
        hotwords=credit,
    )


def framed(sign: str, text: str) -> str:
    return sign + text + sign


def occurrences(sought: Sequence[str], text: Sequence[str]) -> int:
    """How often a sequence stands in another, overlaps counted."""
    length = len(sought)
    places = range(len(text) - length + 1)
    return sum(tuple(text[place : place + length]) == tuple(sought) for place in places)
