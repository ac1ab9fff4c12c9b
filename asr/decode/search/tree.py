"""What CTC prefix beam search remembers: a tree of prefixes, and which of them are in the beam.

A prefix is a node; its tokens are read off on the way up to the root. Of each prefix in the beam two
numbers are known: the log-probability of all alignments of the frames so far that write it and end in
blank, and of those that end in its last token. They are kept apart because a token that follows itself
is only written again after a blank (Graves et al., 2006; Hannun et al., 2014).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

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
        ("ending", np.int32),  # which ending of the parent came before this token, -1 if its word goes on
        ("word", np.int32),  # that ending's entry in the word graph, -2 if it is not in there, or -1
        ("graph", np.int32),  # the node of the word graph that the unfinished word has reached
        ("model", np.int32),  # the word model's state after the finished words
        ("hot", np.int32),  # the same of the hotwords among words
        ("token_model", np.int32),  # the token model's state
        ("token_hot", np.int32),  # the same of the hotwords among tokens
        ("slot", np.int32),  # the row of `Search.token_scores`, or -1
        ("endings", np.int32),  # the first of the ways in which the last word can end
        ("ways", np.int32),  # how many there are
        ("most", np.float64),  # the most that one of them gains
        ("within", np.float64),  # the most that a token gains that ends no word
        ("score", np.float64),  # all that is added to the log-probability of the prefix
        ("language", np.float64),  # what of it language models give
        ("hotwords", np.float64),  # and hotwords
        ("text", np.uint64),  # hash of the text, without the last separator
    ],
    align=True,
)
BEAM = np.dtype(
    [
        ("node", np.int32),
        ("eldest", np.int32),  # the beam of its first child that is in the beam, or -1
        ("younger", np.int32),  # the next beam with the same parent, or -1
        ("total", np.float64),  # the log-probability of all alignments
        ("blank", np.float64),  # the share of it that ends in blank, and the share that does not
        ("spoken", np.float64),
        ("stayed", np.float64),  # the same three one frame later, without a new token
        ("blank_after", np.float64),
        ("spoken_after", np.float64),
        ("reach", np.float64),  # what the prefix has gained besides, and the most that one token can add
        ("reach_of_end", np.float64),  # the same for a token that ends a word
    ],
    align=True,
)
CANDIDATE = np.dtype(
    [
        ("score", np.float64),  # its total
        ("beam", np.int32),  # that it comes from
        ("token", np.int32),  # that extends it; -1 if it stayed as it was
        ("ending", np.int32),  # which ending the word before has
    ],
    align=True,
)
ENDING = np.dtype(
    [
        ("gain", np.float64),  # what it adds to the score
        ("language", np.float64),  # what of it the language model gives
        ("hotwords", np.float64),  # and hotwords
        ("text", np.uint64),  # hash of the text after it
        ("entry", np.int32),  # the word's entry in the graph, or -2 if it is not in there
        ("model", np.int32),  # states of the word model and of the hotwords among words after it
        ("hot", np.int32),
    ],
    align=True,
)
FINAL = np.dtype(
    [
        ("total", np.float64),
        ("best", np.float64),  # that of the best of all ways to write the text
        ("language", np.float64),  # what of the latter language models give
        ("hotwords", np.float64),  # and hotwords
        ("text", np.uint64),  # its hash
        ("node", np.int32),  # the prefix
        ("entry", np.int32),  # that of the last word, -2 if it is not in the graph, -1 if there is none
        ("model", np.int32),  # the word model's state after it, or the prefix's row of `Search.token_scores`
    ],
    align=True,
)
NONE = -1
TINY = 1e-200
"""Probabilities below this one are added up as logarithms."""

UNKNOWN = -2
"""The entry of a word that is not in the word graph."""
STAY = -1
"""The token of a candidate that is no extension."""
BEAMS, NODES, FRAMES, STAMP, ENDINGS, FOUND = range(6)
"""Places in `Search.counts`."""

FRAMES_AT_FIRST = 64
"""For how many frames there is room at the beginning, if every one brings as many new prefixes as it can."""

NODES_AT_FIRST = 6400
"""If that would be more nodes, there is room for fewer frames: memory that is never used costs time, too."""

Records = NDArray[np.void]
Int = int | np.signedinteger[Any]
"""What is a number in Python is one of numpy's in compiled code."""


class Limits(NamedTuple):
    """What is not looked at.

    Attributes:
        width: Beams K.
        endings: The most ways in which the last words of K prefixes can end.
        tokens: An extension is one of so many best tokens of a frame.
        probability: Once the best tokens of a frame, blank included, have this much together, the others
            are left out.
        distance: A beam falls out that is so much below the best.
        blank: A frame whose blank has at least this log-probability extends nothing.
    """

    width: int
    endings: int
    tokens: int
    probability: float
    distance: float
    blank: float


class Search(NamedTuple):
    """All that a search knows, and room to work in.

    Attributes:
        nodes: NODE; the root is number 0.
        moves: Where each node goes when others are forgotten.
        endings: ENDING of the nodes.
        beams, chosen: BEAM of the beam and of the next one (K,) each.
        candidates: CANDIDATE, at least 2 K of them.
        likely: The same, of tokens worth extending by at a frame, best first (V,).
        stamps: When a token was last found to lead to a beam (V,).
        places: Hash table of prefixes by their text.
        token_scores: What a model outside says to every next token (slots, V).
        counts: Beams, nodes, frames, the last stamp given, endings, and candidates (6,).
    """

    nodes: Records
    moves: NDArray[np.int32]
    endings: Records
    beams: Records
    chosen: Records
    candidates: Records
    likely: Records
    stamps: NDArray[np.int64]
    places: NDArray[np.int32]
    token_scores: NDArray[np.float64]
    counts: NDArray[np.int64]


def empty_prefix(known: Mapping[str, float] | None = None) -> Records:
    """The node of the empty prefix (1,).

    Args:
        known: What is known of it besides, by the names of fields of NODE.
    """
    node = np.zeros(1, NODE)
    for name in ("parent", "child", "sibling", "ending", "word", "slot"):
        node[name] = NONE
    node["most"] = -np.inf
    for name, value in (known or {}).items():
        node[name] = value
    return node


def new_search(limits: Limits, vocabulary: int, root: Records) -> Search:
    """The search before the first frame: the empty prefix, with certainty.

    Args:
        limits: How wide it is to be.
        vocabulary: Number of tokens V.
        root: From `empty_prefix`.
    """
    width = limits.width
    frames = min(FRAMES_AT_FIRST, -(-NODES_AT_FIRST // width))
    search = Search(
        nodes=np.zeros(1 + frames * width, NODE),
        moves=np.zeros(1 + frames * width, np.int32),
        endings=np.zeros(frames * limits.endings, ENDING),
        beams=np.zeros(width, BEAM),
        chosen=np.zeros(width, BEAM),
        candidates=np.zeros(4 * width + 64, CANDIDATE),
        likely=np.zeros(vocabulary, CANDIDATE),
        stamps=np.zeros(vocabulary, np.int64),
        places=np.zeros(1 << (2 * width).bit_length(), np.int32),
        token_scores=np.zeros((1, vocabulary)),
        counts=np.array([1, 1, 0, 0, 0, 0]),
    )
    search.nodes[:1] = root
    search.beams["blank"][0] = 1.0
    return search


def path(nodes: NDArray[np.void], node: int) -> list[int]:
    """The nodes from below the root down to `node`, a prefix token by token."""
    found, parents = [], nodes["parent"]
    while (parent := int(parents[node])) != NONE:
        found.append(node)
        node = parent
    return found[::-1]


def make_room(search: Search, limits: Limits) -> Search:
    """The same search with twice the room, or more where that is not enough for a frame."""
    nodes = max(len(search.nodes), limits.width)
    endings = max(len(search.endings), limits.endings)
    return search._replace(
        nodes=np.concatenate([search.nodes, np.zeros(nodes, NODE)]),
        moves=np.zeros(len(search.nodes) + nodes, np.int32),
        endings=np.concatenate([search.endings, np.zeros(endings, ENDING)]),
    )


def commit(search: Search, node: int) -> None:
    """Makes `node` the root of a search: beams that do not go on from there are forgotten."""
    above = _in_beam(search)
    while (above > node).any():  # parents come before their children
        above = np.where(above > node, search.nodes["parent"][above], above)
    _keep(search, above == node)
    search.nodes["parent"][node] = NONE


def drop_old(search: Search, since: int, but: int) -> None:
    """Forgets beams whose first token after the root came up before frame `since`, unless it is `but`."""
    parents, above = search.nodes["parent"], _in_beam(search)
    while (parents[above] > 0).any():
        above = np.where(parents[above] > 0, parents[above], above)
    _keep(search, (above == 0) | (above == but) | (search.nodes["frame"][above] >= since))


def _in_beam(search: Search) -> NDArray[np.int32]:
    return np.asarray(search.beams["node"][: search.counts[BEAMS]].copy())


def _keep(search: Search, chosen: NDArray[np.bool_]) -> None:
    """Keeps some of the beams."""
    nodes, beams = search.nodes, search.beams[: search.counts[BEAMS]]
    kept = beams[chosen]
    nodes["beam"][beams["node"]] = NONE
    search.beams[: len(kept)] = kept
    nodes["beam"][kept["node"]] = np.arange(len(kept))
    search.counts[BEAMS] = len(kept)
