"""Grammars: the graph of a list of phrases, each of which counts as one word with several tokens."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import product

import numpy as np

from asr.decode.graph.pronunciation import graph_of_lexicon, whole_words
from asr.decode.graph.spelling import graph_of_texts
from asr.decode.graph.word_graph import WordGraph
from asr.errors import TextError
from asr.text.lexicon import Lexicon, lexicon_from
from asr.text.units import Units

MOST = 300_000
"""Pronunciations that the phrases of a grammar may have together."""

Pronunciation = tuple[tuple[int, ...], float]


def graph_of_phrases(phrases: Iterable[str], units: Units, lexicon: Lexicon | None = None) -> WordGraph:
    """The graph of phrases, such as the commands that a device understands.

    Args:
        phrases: Normalised texts; empty ones are passed over, and one that stands twice counts once.
        units: Tokens.
        lexicon: How words are pronounced, in these units; needed where tokens are phones. A phrase
            is pronounced in all ways in which its words are, with the product of their
            probabilities; where two of these are the same tokens, with the sum.

    Returns:
        The graph; its words are the phrases.

    Raises:
        TextError: If there are no phrases, one cannot be written in the tokens or the lexicon, or they
            have more than 300,000 pronunciations.
    """
    distinct = list(dict.fromkeys(" ".join(phrase.split()) for phrase in phrases))
    distinct = [phrase for phrase in distinct if phrase]
    if not distinct:
        raise TextError("the grammar has no phrases; write one a line")
    if lexicon is None and units.spells:
        return _spelled(distinct, units)
    return graph_of_lexicon(
        _pronounced(distinct, units, lexicon or whole_words(_words(distinct), units)), units
    )


def _words(phrases: list[str]) -> list[str]:
    return [word for phrase in phrases for word in phrase.split()]


def _spelled(phrases: list[str], units: Units) -> WordGraph:
    between = units.texts[units.separator] if units.separator >= 0 else units.mark
    spelled = [
        "" if between and between in phrase else units.mark + phrase.replace(" ", between)
        for phrase in phrases
    ]
    graph = graph_of_texts(phrases, spelled, units.texts, units.mark)
    if graph.left_out:
        written = set(graph.words)
        lost = next(phrase for phrase in phrases if phrase not in written)
        raise TextError(
            f"the phrase {lost[:60]!r} of the grammar cannot be written in the tokens of the model; correct "
            "it, or take it out"
        )
    return graph


def _pronounced(phrases: list[str], units: Units, lexicon: Lexicon) -> Lexicon:
    """The lexicon of the phrases."""
    known = _by_word(lexicon)
    between = (units.separator,) if units.separator >= 0 else ()
    left = MOST
    entries = []
    for phrase in phrases:
        words = phrase.split()
        for word in words:
            if word not in known:
                raise TextError(
                    f"{word[:60]!r} in the phrase {phrase[:60]!r} of the grammar is neither in the lexicon "
                    "nor a token of the model; correct the phrase, or add the word"
                )
        left -= math.prod(len(known[word]) for word in words)
        if left < 0:
            raise TextError(
                f"the grammar has more than {MOST} pronunciations, with those of {phrase[:60]!r}; take "
                "phrases out, or variants of their words out of the lexicon"
            )
        ways: dict[tuple[int, ...], float] = {}
        for choice in product(*(known[word] for word in words)):
            tokens = sum((between + tokens for tokens, _ in choice), ())[len(between) :]
            log_prob = sum(log_prob for _, log_prob in choice)
            ways[tokens] = float(np.logaddexp(ways.get(tokens, -math.inf), log_prob))
        entries += [(phrase, tokens, log_prob) for tokens, log_prob in ways.items()]
    return lexicon_from(entries)


def _by_word(lexicon: Lexicon) -> dict[str, list[Pronunciation]]:
    tokens = lexicon.tokens.tolist()
    lasts = np.cumsum(lexicon.lengths).tolist()
    known: dict[str, list[Pronunciation]] = {word: [] for word in lexicon.words}
    for word_id, log_prob, length, last in zip(
        lexicon.word_ids.tolist(), lexicon.log_probs.tolist(), lexicon.lengths.tolist(), lasts, strict=True
    ):
        known[lexicon.words[word_id]].append((tuple(tokens[last - length : last]), log_prob))
    return known
