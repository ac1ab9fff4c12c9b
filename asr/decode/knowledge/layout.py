"""From a `Fusion` to the arrays that the compiled search reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asr.decode.fusion import Fusion
from asr.decode.graph.spelling import graph_of_words
from asr.decode.graph.word_graph import ROOT, WordGraph, look_ahead
from asr.decode.hotwords import greatest_credit, token_hotwords, word_hotwords
from asr.decode.knowledge.arrays import (
    EITHER,
    ENTRY,
    INSIDE,
    NONE,
    SEPARATOR,
    SETTINGS,
    SPOT,
    STARTS,
    TOKEN,
    Arcs,
    Knowledge,
    nothing_known,
    reader,
)
from asr.lm.arcs import Records, arc_records, read_only, records
from asr.lm.hashing import EMPTY, find
from asr.lm.ngrams import WORD_BITS, key

CHARACTER_FACTOR = 0x5851F42D4C957F2D
SPACE_NAMES = ("<space>", "|", "▁", " ")
"""How language models of characters write the space between words."""


def word_graph(fusion: Fusion) -> WordGraph | None:
    """The graph of a fusion: its own, or that of the words of its model."""
    if fusion.graph is None and fusion.word_model is not None:
        return graph_of_words(fusion.word_model.words, fusion.units)
    return fusion.graph


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """A fusion as arrays.

    Attributes:
        knowledge: What the compiled search reads.
        graph: The words that tokens spell.
        token_symbols: The number of each token in the token model, or -1 (V,).
        word_hotwords, token_hotwords: Automata of the hotwords; at most one of them is there.
        starts: What is known of the beginning of a text, such as the states of the models, by the names
            of the fields of `asr.decode.search.tree.NODE`.
        most_endings: The greatest number of words that end at one node of the graph.
    """

    knowledge: Knowledge
    graph: WordGraph | None = None
    token_symbols: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    word_hotwords: Arcs | None = None
    token_hotwords: Arcs | None = None
    starts: Mapping[str, float] = field(default_factory=dict)
    most_endings: int = 1


def layout_of(fusion: Fusion) -> Layout:
    """Lays a fusion out."""
    graph, units, model = fusion.graph, fusion.units, fusion.word_model
    if graph is None and fusion.reads_words:
        graph = graph_of_words(model.words if model else (), units)
    by_token, by_word = None, None
    starts: dict[str, float] = {"model": model.start if model else ROOT}
    if fusion.hotwords and (graph is None or _is_open(fusion)):
        by_token, starts["token_hot"] = token_hotwords(fusion.hotwords, units)
    elif fusion.hotwords and graph is not None:
        by_word, starts["hot"] = word_hotwords(fusion.hotwords, graph.words)
    if fusion.token_model is not None:
        starts["token_model"] = fusion.token_model.start
    symbols = _token_symbols(fusion)
    spots, entries = _words(fusion, graph)
    knowledge = nothing_known(len(units))._replace(
        settings=_settings(fusion, graph, by_token, by_word, spots),
        tokens=_tokens(fusion, symbols, graph, spots),
        spots=spots,
        entries=entries,
        word_model=reader(model),
        token_model=reader(fusion.token_model),
        word_hotwords=reader(by_word),
        token_hotwords=reader(by_token),
    )
    if graph is not None:
        ahead = spots["ahead"][np.maximum(graph.arc_next, 0)]
        knowledge = knowledge._replace(arcs=arc_records(graph.arc_keys, graph.arc_next, ahead))
        starts["within"] = float(knowledge.settings["start"][0])
    most = int(spots["count"].max())
    return Layout(knowledge, graph, symbols, by_word, by_token, starts, max(most, 1))


def _settings(
    fusion: Fusion, graph: WordGraph | None, by_token: Arcs | None, by_word: Arcs | None, spots: Records
) -> Records:
    units, model, tokens = fusion.units, fusion.word_model, fusion.token_model
    variants = graph is not None and len(graph.word_ids) > len(graph.words)
    credit = greatest_credit(by_token) if by_token is not None else 0.0
    return records(
        1,
        SETTINGS,
        graph=graph is not None,
        open=_is_open(fusion),
        merge=graph is not None and (bool(units.mark) or variants),
        by_word=not _is_open(fusion),
        bare=graph.bare if graph is not None else NONE,
        words=len(graph.words) if graph is not None else 0,
        unknown=model.unknown if model else NONE,
        end=model.end if model else NONE,
        token_end=tokens.end if tokens else NONE,
        word_model=model is not None,
        asks_words=fusion.asks_words,
        asks_tokens=(asks_tokens := fusion.scorer is not None and not fusion.asks_words),
        asks=asks_tokens or tokens is not None or by_token is not None,
        token_model=tokens is not None,
        word_hotwords=by_word is not None,
        token_hotwords=by_token is not None,
        alpha=fusion.alpha,
        token_alpha=fusion.token_alpha,
        beta=_beta(fusion),
        unknown_score=fusion.unknown_score,
        unknown_letter=_unknown_letter(fusion),
        reach=credit + (_most_of_tokens(fusion) if tokens else 0.0),
        start=max(0.0, float(spots["ahead"].max())),
    )


def _most_of_tokens(fusion: Fusion) -> float:
    """The most that a token gains by the token model."""
    model = fusion.token_model
    likely = max(0.0, model.greatest_log_prob()) if model else 0.0
    return max(0.0, fusion.unknown_score) + fusion.token_alpha * likely


def _is_open(fusion: Fusion) -> bool:
    return fusion.vocabulary == "open" and fusion.units.bounded


def _is_unbounded(fusion: Fusion) -> bool:
    """Whether a word may end, and the next begin, at any token."""
    return not fusion.units.bounded and fusion.vocabulary != "grammar"


def _unknown_letter(fusion: Fusion) -> float:
    knows = fusion.word_model is not None or (fusion.asks_words and fusion.graph is not None)
    return fusion.unknown_letter if knows else 0.0


def _beta(fusion: Fusion) -> float:
    return 0.0 if fusion.vocabulary == "grammar" else fusion.beta


def _words(fusion: Fusion, graph: WordGraph | None) -> tuple[Records, Records]:
    """The nodes of the graph, with one for all other words at the end, and its entries."""
    if graph is None:
        return records(3, SPOT), records(0, ENTRY)
    model, count = fusion.word_model, len(graph.parents)
    symbols = np.array([model.ids.get(word, NONE) if model else NONE for word in graph.words], np.int32)
    scores = np.full(len(symbols) + 1, float(_beta(fusion)))  # the last is of words that are not in the graph
    if model is not None:
        ids = np.append(symbols, np.int32(NONE))
        log_probs, _ = model.advance_all(np.full(len(ids), ROOT, np.int32), ids)
        scores += np.where((ids >= 0) | (model.unknown >= 0), fusion.alpha * log_probs, 0.0)
        scores += np.where(ids >= 0, 0.0, fusion.unknown_score)
    spots = np.zeros(count + 2, SPOT)
    spots["ahead"][:count] = look_ahead(graph, scores[:-1])
    spots["ahead"][-1] = scores[-1] if _is_open(fusion) else 0.0
    keys = graph.arc_keys[graph.arc_keys != EMPTY]
    np.bitwise_or.at(spots["tokens"], keys >> WORD_BITS, np.uint64(1) << (keys & 63).astype(np.uint64))
    spots["first"][:count] = graph.first_word[:-1]
    spots["count"][:count] = np.diff(graph.first_word)
    words = graph.word_ids
    entries = records(len(words), ENTRY, word=words, symbol=symbols[words], score=graph.word_log_probs)
    return read_only(spots, SPOT), entries


def _tokens(fusion: Fusion, symbols: NDArray[np.int32], graph: WordGraph | None, spots: Records) -> Records:
    units, grammar = fusion.units, fusion.vocabulary == "grammar"
    outside, tail = len(spots) - 1, len(spots) - 2
    kinds = np.full(len(units), INSIDE)
    otherwise = np.full(len(units), outside if _is_open(fusion) else NONE)
    if units.separator >= 0:
        kinds[units.separator] = EITHER if grammar else SEPARATOR
        otherwise[units.separator] = NONE
    if units.mark:
        bare = [text == units.mark for text in units.texts]
        kinds[[text.startswith(units.mark) and not grammar for text in units.texts]] = STARTS
        kinds[[grammar and is_bare for is_bare in bare]] = EITHER
        otherwise[kinds == INSIDE] = NONE  # a text begins with the mark
        otherwise[bare] = tail
    factors, terms = _text_hashes(fusion)
    unknown = fusion.token_model.unknown if fusion.token_model else NONE
    encoded = np.where(symbols < 0, -2 - unknown, symbols)  # -1, or that of <unk> below -1
    letters = [
        len(text.removeprefix(units.mark)) if token != units.separator else 0
        for token, text in enumerate(units.texts)
    ]
    first = _first_nodes(graph, kinds, otherwise, _is_unbounded(fusion), tail)
    price = np.where(first == outside, _unknown_letter(fusion) * np.array(letters), 0.0)
    return records(
        len(units),
        TOKEN,
        kind=kinds,
        otherwise=otherwise,
        symbol=encoded,
        letters=letters,
        first=first,
        start=np.where(first >= 0, spots["ahead"][first], 0.0) + price,
        factor=factors,
        term=terms,
    )


def _first_nodes(
    graph: WordGraph | None,
    kinds: NDArray[np.int64],
    otherwise: NDArray[np.int64],
    unbounded: bool,
    tail: int,
) -> NDArray[np.int64]:
    """The node that each token leads to once a word has ended, or -1 (V,)."""
    if graph is None:
        return np.full(len(kinds), NONE)
    tokens = np.arange(len(kinds))
    places = find(graph.arc_keys, key(np.full(len(tokens), ROOT), tokens))
    first = np.where(places >= 0, graph.arc_next[places], otherwise)
    first[kinds == SEPARATOR] = ROOT
    first[kinds == EITHER] = tail
    if not unbounded:
        first[kinds == INSIDE] = NONE
    return np.asarray(first)


def _token_symbols(fusion: Fusion) -> NDArray[np.int32]:
    """The number of each token in the token model, or -1 (V,)."""
    model, units = fusion.token_model, fusion.units
    if model is None:
        return np.full(len(units), -1, np.int32)
    names: list[Sequence[str]] = [(text,) for text in units.texts]
    if units.separator >= 0:
        names[units.separator] = (units.texts[units.separator], *SPACE_NAMES)
    known = [next((model.ids[name] for name in several if name in model.ids), -1) for several in names]
    return np.array(known, np.int32)


def _text_hashes(fusion: Fusion) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Factor and term of every token (V,), of the polynomial hash of what it writes within a word."""
    factors, terms = [], []
    for token, text in enumerate(fusion.units.texts):
        factor, term = 1, 0
        if _is_open(fusion) and token != fusion.units.separator:
            for character in text.removeprefix(fusion.units.mark):
                factor = factor * CHARACTER_FACTOR % 2**64
                term = (term * CHARACTER_FACTOR + ord(character) + 1) % 2**64
        factors.append(factor)
        terms.append(term)
    return np.array(factors, np.uint64), np.array(terms, np.uint64)
