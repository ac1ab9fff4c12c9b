"""Tries: sequences that begin alike share a path from the root. Built level by level, on whole arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.lm.ngrams import WORD_BITS, key


@dataclass(frozen=True, slots=True, eq=False)
class Trie:
    """M sequences of symbols as a tree of G nodes; node 0 is the root, the empty sequence.

    Attributes:
        parents: The node with the last symbol taken away (G,); -1 for the root. Never decreasing.
        symbols: The last symbol (G,); -1 for the root.
        ends: The node of each sequence (M,).
    """

    parents: NDArray[np.int32]
    symbols: NDArray[np.int32]
    ends: NDArray[np.int32]


def trie_of(symbols: NDArray[np.integer], lengths: NDArray[np.integer]) -> Trie:
    """Builds the trie of sequences.

    Args:
        symbols: All sequences, one after the other, less than 2**24 each.
        lengths: Symbols in each (M,).
    """
    firsts = np.cumsum(lengths) - lengths
    ends = np.zeros(len(lengths), np.int32)
    parents, last_symbols = [np.array([-1])], [np.array([-1])]
    count, depth = 1, 0
    longer = np.flatnonzero(lengths)
    while len(longer):
        steps, which = np.unique(key(ends[longer], symbols[firsts[longer] + depth]), return_inverse=True)
        parents.append(steps >> WORD_BITS)
        last_symbols.append(steps & (1 << WORD_BITS) - 1)
        ends[longer] = count + which
        count += len(steps)
        depth += 1
        longer = longer[lengths[longer] > depth]
    return Trie(np.concatenate(parents).astype(np.int32), np.concatenate(last_symbols).astype(np.int32), ends)


def trie_of_texts(texts: Sequence[str]) -> Trie:
    """Builds the trie of texts; symbols are code points."""
    content = "".join(texts).encode("utf-32-le", "surrogatepass")
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    return trie_of(np.frombuffer(content, "<u4").astype(np.int64), lengths)


def levels(parents: NDArray[np.int32]) -> list[tuple[int, int]]:
    """First and last node (exclusive) of each depth below the root, from the top down."""
    bounds = []
    first = 1
    while first < len(parents):
        last = int(np.searchsorted(parents, first))
        bounds.append((first, last))
        first = last
    return bounds
