"""The compiled part of language-model fusion: what a prefix is worth besides its emissions.

All of it is a function of the prefix: the node of the word graph that its unfinished word has reached,
and the states of the models after its words and tokens. It is kept at the prefix's node in the search
tree, and worked out once, when the prefix first comes into the beam. While a word is being spelled it
counts as the best word that it can still become (look-ahead), and gets what it deserves when it ends.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from asr.compiled import inlined, part
from asr.decode.knowledge.arrays import ROOT, Knowledge, Reader
from asr.decode.search.tree import ENDINGS, NONE, UNKNOWN, Int, Search
from asr.lm.arcs import Records
from asr.lm.hashing import MULTIPLIER
from asr.lm.ngrams import WORD_BITS

HASH_FACTOR = np.uint64(MULTIPLIER)
WORD_FACTOR = np.uint64(0xD1342543DE82EF95)


@inlined
def find(arcs: Records, state: Int, symbol: Int) -> Int:
    """Where in a hash table an arc is, or -1."""
    wanted = (np.int64(state) << WORD_BITS) | np.int64(symbol)
    mask = len(arcs) - 1
    mixed = np.uint64(wanted) * HASH_FACTOR
    place = np.int64(mixed ^ (mixed >> np.uint64(32))) & mask
    while arcs[place].key != wanted:
        if arcs[place].key == NONE:
            return NONE
        place = (place + 1) & mask
    return place


@part
def read(reader: Reader, state: Int, symbol: Int) -> tuple[float, Int]:
    """What reading a symbol gains, and the state that it leads to."""
    arcs, states = reader.arcs, reader.states
    gained, at = 0.0, np.int64(state)
    while True:
        place = find(arcs, at, np.int64(symbol))
        if place != NONE:
            return gained + arcs[place].score, np.int64(arcs[place].following)
        if at == ROOT:
            return gained, np.int64(ROOT)
        gained += states[at].score
        at = np.int64(states[at].following)


@inlined
def follow(node: Int, token: Int, knowledge: Knowledge) -> tuple[Int, float]:
    """The node of the word graph that a token leads to before which no word ends, or -1; and its `ahead`."""
    arcs, spots = knowledge.arcs, knowledge.spots
    if (spots[node].tokens >> np.uint64(token & 63)) & np.uint64(1):
        place = find(arcs, np.int64(node), np.int64(token))
        if place != NONE:
            return np.int64(arcs[place].following), float(arcs[place].score)
    after = len(spots) - 1 if knowledge.settings[0].open else NONE
    if node == ROOT:
        after = knowledge.tokens[token].otherwise
    return np.int64(after), float(spots[after].ahead) if after != NONE else 0.0


@inlined
def is_between(graph: Int, knowledge: Knowledge) -> bool:
    """Whether a node of the graph is one where no word has begun."""
    return graph == ROOT or graph == knowledge.settings[0].bare or graph == len(knowledge.spots) - 2


@inlined
def strangeness(after: Int, token: Int, knowledge: Knowledge) -> float:
    """What a token costs that leads to node `after` of the graph: its characters, where no word goes on."""
    if after != len(knowledge.spots) - 1:
        return 0.0
    return float(knowledge.settings[0].unknown_letter * knowledge.tokens[token].letters)


@part
def most_within_words(graph: Int, knowledge: Knowledge) -> float:
    """The most that a token can gain that ends no word: one begins, or turns out to be unknown."""
    settings, spots = knowledge.settings[0], knowledge.spots
    if is_between(graph, knowledge):
        return float(settings.start)
    return max(0.0, spots[len(spots) - 1].ahead - spots[graph].ahead) if settings.open else 0.0


@part
def open_endings(node: Any, knowledge: Knowledge, search: Search) -> None:
    """Works out what each ending of a prefix's last word gains, once for each prefix."""
    settings, endings = knowledge.settings[0], search.endings
    spot = knowledge.spots[node.graph]
    node.ways, node.endings, node.most = spot.count, search.counts[ENDINGS], -np.inf
    if spot.count == 0 and settings.open:
        node.ways = 1
    if is_between(node.graph, knowledge):
        node.ways = 0
    search.counts[ENDINGS] += node.ways
    for way in range(node.ways):
        ending = endings[node.endings + way]
        ending.entry = spot.first + way if spot.count else UNKNOWN
        ending.gain, ending.language, ending.hotwords = settings.beta - spot.ahead, 0.0, 0.0
        symbol, word = np.int64(NONE), np.int64(NONE)
        if spot.count:
            entry = knowledge.entries[ending.entry]
            ending.gain += entry.score
            symbol, word = np.int64(entry.symbol), np.int64(entry.word)
        ending.model, ending.hot = NONE if settings.asks_words else ROOT, ROOT
        if settings.word_model:
            if symbol == NONE:
                ending.language, symbol = settings.unknown_score, settings.unknown
            if symbol != NONE:
                log_prob, ending.model = read(knowledge.word_model, node.model, symbol)
                ending.language += settings.alpha * log_prob
        if settings.word_hotwords:
            ending.hotwords, ending.hot = read(knowledge.word_hotwords, node.hot, word)
        ending.gain += ending.language + ending.hotwords
        ending.text = text_after(node.text, word if settings.by_word else 0)
        node.most = max(node.most, ending.gain)


@part
def text_after(text: Any, number: Int) -> Any:
    """The hash of a text whose last word has ended."""
    return text * WORD_FACTOR + np.uint64(number + 1)


@inlined
def token_gain(node: Any, token: Int, knowledge: Knowledge, token_scores: Any) -> float:
    """What is gained by one more token besides what words gain."""
    return _token_language(node, token, knowledge, token_scores) + _token_hotwords(node, token, knowledge)


@part
def _token_language(node: Any, token: Int, knowledge: Knowledge, token_scores: Any) -> float:
    settings = knowledge.settings[0]
    gain = 0.0
    if settings.token_model:
        gain += _token_log_prob(node.token_model, token, knowledge)[0]
    if settings.asks_tokens:
        gain += token_scores[node.slot, token]
    return gain


@part
def _token_hotwords(node: Any, token: Int, knowledge: Knowledge) -> float:
    if not knowledge.settings[0].token_hotwords:
        return 0.0
    return float(read(knowledge.token_hotwords, node.token_hot, token)[0])


@part
def _token_log_prob(state: Int, token: Int, knowledge: Knowledge) -> tuple[float, Int]:
    settings, symbol = knowledge.settings[0], knowledge.tokens[token].symbol
    gain = 0.0
    if symbol < 0:
        gain = settings.unknown_score
        symbol = -2 - symbol
    if symbol < 0:
        return gain, np.int64(ROOT)
    log_prob, following = read(knowledge.token_model, state, symbol)
    return gain + settings.token_alpha * log_prob, following


@part
def enter(after: Any, before: Any, token: Int, ending: Int, knowledge: Knowledge, search: Search) -> None:
    """Works out what a new prefix is worth, and where its models are.

    Args:
        after: The new node of the search tree.
        before: Its parent.
        token: What the parent is extended by.
        ending: Which ending the parent's last word has; -1 if it goes on, or there is none.
        knowledge: See there.
        search: See there.
    """
    settings, spots, unit = knowledge.settings[0], knowledge.spots, knowledge.tokens[token]
    language = _token_language(before, token, knowledge, search.token_scores)
    credit = _token_hotwords(before, token, knowledge)
    after.score = before.score + language + credit
    after.language, after.hotwords = before.language + language, before.hotwords + credit
    after.model, after.hot, after.text, after.word = before.model, before.hot, before.text, NONE
    after.slot = NONE
    if settings.token_model:
        after.token_model = _token_log_prob(before.token_model, token, knowledge)[1]
    if settings.token_hotwords:
        after.token_hot = read(knowledge.token_hotwords, before.token_hot, token)[1]
    if not settings.graph:
        return
    if ending == NONE:
        after.graph, ahead = follow(before.graph, token, knowledge)
        after.score += ahead + strangeness(after.graph, token, knowledge)
        after.score -= spots[before.graph].ahead
    else:
        ended = search.endings[before.endings + ending]
        after.model, after.hot, after.text, after.word = ended.model, ended.hot, ended.text, ended.entry
        after.graph = unit.first
        after.score += ended.gain + unit.start
        after.language += ended.language
        after.hotwords += ended.hotwords
    after.text = after.text * unit.factor + unit.term
    after.within = most_within_words(after.graph, knowledge)
    open_endings(after, knowledge, search)


@part
def end_text(final: Any, node: Any, hot: Int, knowledge: Knowledge) -> None:
    """Adds what is gained when the text ends: </s>, and hotwords that end with it or are not completed.

    Args:
        final: The text as it is before; `final.model` is the state of the word model.
        node: Of the search tree.
        hot: The state of the hotwords among words.
        knowledge: See there.
    """
    settings = knowledge.settings[0]
    language, credit = 0.0, 0.0
    if settings.end != NONE:
        language += settings.alpha * read(knowledge.word_model, final.model, settings.end)[0]
    if settings.token_end != NONE:
        end = read(knowledge.token_model, node.token_model, settings.token_end)[0]
        language += settings.token_alpha * end
    if settings.word_hotwords:
        credit += read(knowledge.word_hotwords, hot, settings.words)[0]
    if settings.token_hotwords:
        credit += read(knowledge.token_hotwords, node.token_hot, len(knowledge.tokens))[0]
    final.language += language
    final.hotwords += credit
    final.total += language + credit
    final.best = final.total
    if settings.asks_tokens:
        final.model = node.slot
