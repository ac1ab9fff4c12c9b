"""Finds all phrases of a list in a text at once, and lends part of their weights while they are spelled.

The automaton of Aho and Corasick (*Efficient string matching*, CACM 18, 1975). Its states are the
beginnings of phrases, kept as a trie; the state after some text is the longest one that the text ends in.
Where a state cannot go on with a symbol, the longest shorter state that the text ends in is asked: its
back-off, which is why it has the same form as a back-off language model. A phrase that ends inside another
one is found, too, for the weights gained on arrival are those of all phrases that end there.

A weight gained only when the last symbol is read comes too late for a beam search, which may have dropped
the text by then. So a state that has read d of n symbols holds d/n of the weight of its phrase in advance
(of several that begin like this, the greatest share), and reading pays the differences:

    score = weights of the phrases that end here + pending(new state) - pending(old state)

What a text has gained is therefore always the weights of the phrases in it, plus pending(state). What is
lent is a multiple of 2**-12, so that it comes back to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.decode.graph.trie import Trie, levels, trie_of
from asr.decode.knowledge.arrays import Arcs
from asr.lm.automaton import ROOT
from asr.lm.hashing import find, insert, new_table
from asr.lm.ngrams import WORD_BITS, key

GRAIN = 1 / 4096
"""What is lent is a multiple of this, in nats; below 4096 such sums are exact in single precision."""

Ints = NDArray[np.int32]
Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Matcher:
    """Phrases over an alphabet of symbols; N states, of which 0 is the root.

    Attributes:
        keys: Hash table of ``state << 24 | symbol`` (P,), as in `asr.lm.hashing`.
        following: The state that the symbol leads to (P,).
        completed: The weights of all phrases that end with the symbol (P,).
        shorter: The longest shorter state that the symbols read end in (N,); 0 for the root.
        pending: What each state holds in advance (N,).
    """

    keys: NDArray[np.int64]
    following: Ints
    completed: Reals
    shorter: Ints
    pending: Reals

    def read(self, states: Ints, symbols: Ints) -> tuple[Reals, Ints]:
        """Reads one symbol in each of many states (M,): the weights completed, and the next states."""
        places = _arcs_taken(self.keys, self.shorter, states, symbols)
        found = places >= 0
        return np.where(found, self.completed[places], 0.0), np.where(found, self.following[places], ROOT)


def _arcs_taken(keys: NDArray[np.int64], shorter: Ints, states: Ints, symbols: Ints) -> NDArray[np.int64]:
    """Places of the arcs (M,) by which states are left, after backing off; -1 where none reads the symbol."""
    taken = np.full(len(states), -1)
    reading, at = np.arange(len(states)), states
    while len(reading):
        taken[reading] = find(keys, key(at, symbols[reading]))
        go_on = (taken[reading] < 0) & (at != ROOT)
        reading, at = reading[go_on], shorter[at[go_on]]
    return taken


def matcher_of(phrases: Sequence[Sequence[int]], weights: Sequence[float], free: int = 0) -> Matcher:
    """Builds the automaton of some phrases.

    Args:
        phrases: Distinct phrases of more than `free` symbols; symbols are less than 2**24.
        weights: Nats for each occurrence of each phrase.
        free: Nothing is lent for so many symbols at the beginning of a phrase.
    """
    lengths = np.array([len(phrase) for phrase in phrases], np.int64)
    trie = trie_of(np.array([symbol for phrase in phrases for symbol in phrase], np.int64), lengths)
    keys = new_table(len(trie.parents))
    children = np.zeros(len(keys), np.int32)
    places = insert(keys, key(trie.parents[1:], trie.symbols[1:]))
    children[places] = np.arange(1, len(trie.parents))
    goes_on = np.zeros(len(trie.parents), bool)
    goes_on[trie.parents[1:]] = True
    completed = np.zeros(len(trie.parents))
    completed[trie.ends] = weights
    nodes = np.arange(len(trie.parents), dtype=np.int32)
    # a phrase that no other goes on from is left at once: its node stands for a shorter one
    kept = np.where(goes_on, nodes, ROOT)
    shorter, pending = np.zeros_like(nodes), _shares(trie, lengths, np.array(weights), free)
    for first, last in levels(trie.parents):
        level = nodes[first:last]
        above, symbols = trie.parents[level], trie.symbols[level]
        if first > 1:
            places = _arcs_taken(keys, shorter, shorter[above], symbols)
            shorter[level] = np.where(places < 0, ROOT, children[places])
        completed[level] += completed[shorter[level]]
        kept[level] = np.where(goes_on[level], level, kept[shorter[level]])
    return Matcher(keys, kept[children], completed[children], kept[shorter], pending[kept])


def _shares(trie: Trie, lengths: NDArray[np.int64], weights: Reals, free: int) -> Reals:
    """What each node of a trie of phrases holds in advance; phrases that end there have no part in it."""
    shares = np.full(len(trie.parents), -np.inf)
    nodes, depths = trie.ends, lengths
    while True:
        nodes, depths = trie.parents[nodes], depths - 1
        inside = depths > 0
        if not inside.any():
            break
        nodes, depths, lengths, weights = nodes[inside], depths[inside], lengths[inside], weights[inside]
        read = np.maximum(depths - free, 0) / (lengths - free)
        np.maximum.at(shares, nodes, np.round(weights * read / GRAIN) * GRAIN)
    return np.where(np.isinf(shares), 0.0, shares)


def arcs_of(matcher: Matcher, spellings: Sequence[Sequence[int]], end: Sequence[int]) -> Arcs:
    """The automaton that reads tokens, each of which spells some symbols.

    Where a token does what it does in the shorter state, it has no arc.

    Args:
        matcher: Reads symbols.
        spellings: What each token spells (V,).
        end: What the end of the text, symbol V, spells; whatever is still pending is then taken back.
    """
    spelled = _padded([*spellings, end])
    states, tokens = _candidates(matcher, spelled)
    at_first, between = matcher.read(states, spelled[tokens, 0])
    later, following = _walk(matcher, between, spelled[:, 1:], tokens)
    completed = at_first + later
    otherwise, elsewhere = _walk(matcher, matcher.shorter[states], spelled, tokens)
    root = states == ROOT
    otherwise[root], elsewhere[root] = 0.0, ROOT
    is_end = tokens == len(spellings)
    following[is_end] = elsewhere[is_end] = ROOT
    kept = (completed != otherwise) | (following != elsewhere)
    states, tokens, following = states[kept], tokens[kept], following[kept]
    keys = new_table(len(states))
    places = insert(keys, key(states, tokens))
    targets, scores = np.zeros(len(keys), np.int32), np.zeros(len(keys))
    targets[places] = following
    scores[places] = completed[kept] + matcher.pending[following] - matcher.pending[states]
    return Arcs(
        keys=keys,
        following=targets,
        scores=scores.astype(np.float32),
        backoff_scores=(matcher.pending[matcher.shorter] - matcher.pending).astype(np.float32),
        backoff_states=matcher.shorter,
    )


def _padded(spellings: Sequence[Sequence[int]]) -> Ints:
    """Spellings as a matrix (V, L); -1 where one is shorter than the longest."""
    spelled = np.full((len(spellings), max(1, *map(len, spellings))), -1, np.int32)
    for token, symbols in enumerate(spellings):
        spelled[token, : len(symbols)] = symbols
    return spelled


def _candidates(matcher: Matcher, spelled: Ints) -> tuple[Ints, Ints]:
    """States and tokens (M,): the state goes on with the token's first symbol, or is the root."""
    order = np.argsort(spelled[:, 0], kind="stable")
    edges = matcher.keys[matcher.keys >= 0]
    symbols = edges & (1 << WORD_BITS) - 1
    first = np.searchsorted(spelled[order, 0], symbols, "left")
    counts = np.searchsorted(spelled[order, 0], symbols, "right") - first
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    tokens = order[np.repeat(first, counts) + within]
    states = np.repeat(edges >> WORD_BITS, counts)
    written = order[spelled[order, 0] >= 0]
    states, tokens = states[states != ROOT], tokens[states != ROOT]
    return (
        np.append(states, np.full(len(written), ROOT)).astype(np.int32),
        np.append(tokens, written).astype(np.int32),
    )


def _walk(matcher: Matcher, states: Ints, spelled: Ints, tokens: Ints) -> tuple[Reals, Ints]:
    """Reads one of the spellings (V, L) in each of many states (M,); most are of few states."""
    pairs, which = np.unique(key(states, tokens), return_inverse=True)
    at = (pairs >> WORD_BITS).astype(np.int32)
    completed = np.zeros(len(at))
    for column in spelled[pairs & (1 << WORD_BITS) - 1].T:
        going = np.flatnonzero(column >= 0)
        gained, at[going] = matcher.read(at[going], column[going])
        completed[going] += gained
    return completed[which], at[which]


def greatest_credit(arcs: Arcs) -> float:
    """The most that reading one symbol can gain in any state, back-offs included, in nats.

    It is a bound: never less than that, and never negative.
    """
    states = len(arcs.backoff_states)
    all_backed_off = arcs.backoff_scores.astype(np.float64).tolist()  # the sum on the way to the root
    backoffs = arcs.backoff_states.tolist()
    for state in range(1, states):
        all_backed_off[state] += all_backed_off[backoffs[state]]
    dearest = all_backed_off.copy()  # the most of all states that can back off to one
    for state in range(states - 1, 0, -1):
        dearest[backoffs[state]] = max(dearest[backoffs[state]], dearest[state])
    extra = np.array(dearest) - np.array(all_backed_off)
    used = arcs.keys >= 0
    scores = arcs.scores[used] + extra[arcs.keys[used] >> WORD_BITS]
    return float(max(dearest[ROOT], scores.max(initial=0.0)))
