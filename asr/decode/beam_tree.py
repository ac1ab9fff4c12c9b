"""What CTC prefix beam search remembers: a tree of prefixes, and which of them are in the beam.

A prefix is a node; its tokens are read off on the way up to the root. Of each prefix in the beam two
numbers are known: the log-probability of all alignments of the frames so far that write it and end in
blank, and of those that end in its last token. They are kept apart because a token that follows itself
is only written again after a blank (Graves et al., 2006; Hannun et al., 2014).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NODE = np.dtype(
    [
        ("parent", np.int32),
        ("token", np.int32),  # that the parent is extended by; blank at the root of all
        ("frame", np.int32),  # at which the prefix came up first
        ("beam", np.int32),  # its place in the beam; -1 where it is not in it
        ("child", np.int32),  # the newest child
        ("sibling", np.int32),  # the child of the same parent that came before this one
    ]
)
NONE = -1
BEAMS, NODES, FRAMES, STAMP = range(4)
"""Places in `Search.counts`."""

Ints = NDArray[np.int32]
Reals = NDArray[np.float64]


class Limits(NamedTuple):
    """What is not looked at.

    Attributes:
        width: Beams K.
        tokens: An extension is one of so many best tokens of a frame.
        probability: Once the best tokens of a frame, blank included, have this much together, the others
            are left out.
        distance: A beam falls out that is so much below the best.
        blank: A frame whose blank has at least this log-probability extends nothing.
    """

    width: int
    tokens: int
    probability: float
    distance: float
    blank: float


class Beams(NamedTuple):
    """Up to K prefixes: their nodes, and the two log-probabilities (K,) each."""

    node: Ints
    blank: Reals
    spoken: Reals


class Candidates(NamedTuple):
    """What may be chosen: its log-probability, the beam it comes from, its token."""

    score: Reals
    origin: Ints
    token: Ints


class Search(NamedTuple):
    """All that a search knows, and room to work in.

    Attributes:
        nodes: Of the type NODE; the root is number 0.
        beams, stayed: The beam, and the same prefixes one frame later without a new token.
        candidates: At least 2 K of them.
        totals: Sum of the two log-probabilities of each beam (K,).
        eldest, younger: The beam of a beam's first child; the next beam with the same parent (K,) each.
        likely: Tokens worth extending by at a frame, best first; at least V.
        stamps: When a token was last found to lead to a beam (V,).
        counts: Beams, nodes, frames, and the last stamp given (4,).
    """

    nodes: NDArray[np.void]
    beams: Beams
    stayed: Beams
    candidates: Candidates
    totals: Reals
    eldest: Ints
    younger: Ints
    likely: Candidates
    stamps: NDArray[np.int64]
    counts: NDArray[np.int64]


def new_search(width: int, vocabulary: int, nodes: int) -> Search:
    """The search before the first frame: the empty prefix, with certainty."""
    search = Search(
        nodes=np.zeros(nodes, NODE),
        beams=_room_for_beams(width),
        stayed=_room_for_beams(width),
        candidates=_room_for_candidates(4 * width + 64),
        totals=np.zeros(width),
        eldest=np.zeros(width, np.int32),
        younger=np.zeros(width, np.int32),
        likely=_room_for_candidates(vocabulary),
        stamps=np.zeros(vocabulary, np.int64),
        counts=np.array([1, 1, 0, 0]),
    )
    search.nodes[0] = (NONE, 0, 0, 0, NONE, NONE)
    search.beams.spoken[0] = -np.inf
    return search


def _room_for_beams(width: int) -> Beams:
    return Beams(np.zeros(width, np.int32), np.zeros(width), np.zeros(width))


def _room_for_candidates(count: int) -> Candidates:
    return Candidates(np.zeros(count), np.zeros(count, np.int32), np.zeros(count, np.int32))


def path(nodes: NDArray[np.void], node: int) -> list[int]:
    """The nodes from below the root down to `node`, a prefix token by token."""
    found = []
    while nodes[node]["parent"] != NONE:
        found.append(node)
        node = int(nodes[node]["parent"])
    return found[::-1]


def make_room(search: Search, more: int) -> Search:
    """The same search with room for `more` nodes; prefixes that lead to no beam are forgotten first."""
    if search.counts[NODES] + more <= len(search.nodes):
        return search
    search = _without(search, ~_ancestors(search))
    missing = int(search.counts[NODES]) + more - len(search.nodes)
    if missing <= 0:
        return search
    nodes = np.concatenate([search.nodes, np.zeros(max(missing, len(search.nodes)), NODE)])
    return search._replace(nodes=nodes)


def commit(search: Search, node: int) -> Search:
    """The same search with `node` as its root: beams that do not go on from there are forgotten."""
    beams, nodes, count = search.beams, search.nodes, int(search.counts[BEAMS])
    above = beams.node[:count].copy()
    while (above > node).any():  # parents come before their children
        above = np.where(above > node, nodes["parent"][above], above)
    kept = np.flatnonzero(above == node)
    nodes["beam"][beams.node[:count]] = NONE
    for array in beams:
        array[: len(kept)] = array[kept]
    nodes["beam"][beams.node[: len(kept)]] = np.arange(len(kept))
    nodes["parent"][node] = NONE
    search.counts[BEAMS] = len(kept)
    return _without(search, ~_ancestors(search))


def _ancestors(search: Search) -> NDArray[np.bool_]:
    """Which nodes are a beam or lead to one."""
    wanted = np.zeros(len(search.nodes), bool)
    level = search.beams.node[: search.counts[BEAMS]]
    while len(level):
        wanted[level] = True
        level = np.unique(search.nodes["parent"][level])
        level = level[level != NONE]
        level = level[~wanted[level]]
    return wanted


def _without(search: Search, gone: NDArray[np.bool_]) -> Search:
    """The same search without some nodes; the order of the others stays."""
    old = np.flatnonzero(~gone)
    place = np.full(len(gone) + 1, NONE, np.int32)  # that of NONE is the last
    place[old] = np.arange(len(old))
    nodes = np.zeros_like(search.nodes)
    nodes[: len(old)] = search.nodes[old]
    parents = nodes["parent"][: len(old)] = place[search.nodes["parent"][old]]
    nodes["child"], nodes["sibling"] = NONE, NONE
    order = np.argsort(parents, kind="stable")
    order = order[parents[order] != NONE]
    same = parents[order[1:]] == parents[order[:-1]]
    nodes["sibling"][order[1:][same]] = order[:-1][same]
    nodes["child"][parents[order]] = order
    count = search.counts[BEAMS]
    search.beams.node[:count] = place[search.beams.node[:count]]
    search.counts[NODES] = len(old)
    return search._replace(nodes=nodes)
