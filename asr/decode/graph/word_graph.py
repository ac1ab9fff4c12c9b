"""The word graph: which words tokens spell, as a machine that reads tokens.

A node is the beginning of words. It is reached by every sequence of tokens that writes that beginning,
however it is cut into subwords, so hypotheses with the same text meet there. Words that are written
(or sound) alike end in one node; a word that has several pronunciations ends in several nodes.

The nodes form a tree, numbered level by level: the root is 0, and parents come before their children,
in the same order. Builders are in `asr.decode.graph.spelling` (words by their letters),
`asr.decode.graph.pronunciation` (words by a lexicon) and `asr.decode.graph.phrases` (grammars).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.decode.graph.trie import levels
from asr.lm.hashing import find, insert, new_table
from asr.lm.ngrams import key

ROOT = 0
"""The node where no token has been read."""


@dataclass(frozen=True, slots=True, eq=False)
class WordGraph:
    """Words and the tokens that spell them: G nodes, E ends of words, arcs in a hash table of P places.

    Attributes:
        words: Their texts, each once.
        arc_keys: Hash table of ``node << 24 | token`` (P,), as in `asr.lm.hashing`; -1 where empty.
        arc_next: The node that the arc leads to (P,), a greater number.
        first_word: The words that end at node g are entries ``first_word[g]`` to
            ``first_word[g + 1]`` (G + 1,).
        word_ids: Entries: indices into `words` (E,).
        word_log_probs: Entries: natural logarithm of the probability of that pronunciation (E,); 0
            unless it was given.
        parents: The node whose beginning is one character, or token of a lexicon, shorter (G,); -1 for
            the root. Never decreasing.
        bare: The node that the mark of a word's beginning leads to, alone, so that no word is open there
            yet; -1 if none.
        left_out: Number of words that were asked for and cannot be spelled.
        origin: Hash of what it was made of, which stands for all of it; empty if nobody took one.
    """

    words: tuple[str, ...]
    arc_keys: NDArray[np.int64]
    arc_next: NDArray[np.int32]
    first_word: NDArray[np.int32]
    word_ids: NDArray[np.int32]
    word_log_probs: NDArray[np.float32]
    parents: NDArray[np.int32]
    bare: int = -1
    left_out: int = 0
    origin: str = field(default="", compare=False)

    def read(self, node: int, token: int) -> int:
        """The node that a token leads to, or -1; one at a time, for everything but the search itself."""
        place = find(self.arc_keys, key(np.array([node]), np.array([token])))[0]
        return int(self.arc_next[place]) if place >= 0 else -1

    def ends(self, node: int) -> tuple[int, ...]:
        """The words that end at a node, as indices into `words`."""
        return tuple(self.word_ids[self.first_word[node] : self.first_word[node + 1]].tolist())


class Steps(NamedTuple):
    """Arcs in a list, from which a hash table is made: sources, tokens and targets (A,)."""

    sources: NDArray[np.integer]
    tokens: NDArray[np.integer]
    targets: NDArray[np.integer]


class Ends(NamedTuple):
    """Where words end: nodes, words (as indices) and log-probabilities of pronunciations (E,)."""

    nodes: NDArray[np.integer]
    word_ids: NDArray[np.integer]
    log_probs: NDArray[np.floating]


def assemble(
    words: tuple[str, ...], parents: NDArray[np.int32], steps: Steps, ends: Ends, bare: int, left_out: int
) -> WordGraph:
    """Puts a graph together; see WordGraph. No source may have two arcs for one token."""
    table = new_table(len(steps.tokens))
    following = np.zeros(len(table), np.int32)
    following[insert(table, key(steps.sources, steps.tokens))] = steps.targets
    order = np.argsort(ends.nodes, kind="stable")
    first_word = np.zeros(len(parents) + 1, np.int32)
    np.cumsum(np.bincount(ends.nodes, minlength=len(parents)), out=first_word[1:])
    return WordGraph(
        words=words,
        arc_keys=table,
        arc_next=following,
        first_word=first_word,
        word_ids=ends.word_ids[order].astype(np.int32),
        word_log_probs=ends.log_probs[order].astype(np.float32),
        parents=parents,
        bare=bare,
        left_out=left_out,
    )


def look_ahead(graph: WordGraph, scores: NDArray[np.floating]) -> NDArray[np.float32]:
    """What the best word that has begun at each node can still bring, for scoring words before they end.

    Args:
        graph: G nodes.
        scores: Of each word (W,), such as its unigram log-probability times a weight.

    Returns:
        At each node the best score of a word at or below it, which is the word's own plus the
        log-probability of its pronunciation (G,). Where no word is open yet it is 0: at the root and at
        `graph.bare`.
    """
    nodes = np.repeat(np.arange(len(graph.parents)), np.diff(graph.first_word))
    best = np.full(len(graph.parents), -np.inf, np.float32)
    np.maximum.at(best, nodes, (scores[graph.word_ids] + graph.word_log_probs).astype(np.float32))
    for first, last in reversed(levels(graph.parents)):
        np.maximum.at(best, graph.parents[first:last], best[first:last])
    best[ROOT] = 0
    if graph.bare >= 0:
        best[graph.bare] = 0
    return best
