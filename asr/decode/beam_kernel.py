"""The compiled part of CTC prefix beam search: for every emission frame, stay, extend, prune.

A frame with log-probabilities y turns the two numbers of a prefix (see `asr.decode.beam_tree`) into

    stay    blank' = y[blank] + log(e^blank + e^spoken)
            spoken' = log(e^(y[last] + spoken) + what its parent adds, if that is in the beam too)
    extend  by a token c:  spoken' = y[c] + (blank if c is the last token, else log(e^blank + e^spoken))

and the best K of all these prefixes are the next beam.

An extension meets a prefix that is in the beam already only where it is that beam's parent, so no
table of prefixes is needed to find out: every beam knows its children in the beam.

Importing this module imports numba, so it is imported at the first search and not before.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numba import typeof, types
from numpy.typing import NDArray

from asr.compiled import compiled, once, part
from asr.decode import (
    beam_tree,
    extension_kernel,
    forgetting_kernel,
    fusion_arrays,
    fusion_kernel,
    pruning_kernel,
    selection_kernel,
)
from asr.decode.beam_tree import (
    BEAMS,
    ENDINGS,
    FINAL,
    FRAMES,
    NODES,
    NONE,
    Limits,
    Records,
    Search,
    new_search,
)
from asr.decode.extension_kernel import Row, extend
from asr.decode.forgetting_kernel import forget as tidy
from asr.decode.fusion_arrays import Knowledge, nothing_known
from asr.decode.fusion_kernel import end_gain, is_between
from asr.decode.pruning_kernel import prune
from asr.decode.selection_kernel import log_add
from asr.lm import hashing, ngrams

_PARTS = (
    beam_tree,
    extension_kernel,
    forgetting_kernel,
    fusion_arrays,
    fusion_kernel,
    hashing,
    ngrams,
    pruning_kernel,
    selection_kernel,
)
_LIMITS = Limits(width=1, endings=1, tokens=1, probability=1.0, distance=1.0, blank=0.0)


def advance(log_probs: NDArray[np.float32], limits: Limits, knowledge: Knowledge, search: Search) -> None:
    """Advances a search by frames (S, V), or by as many of them as there is room for; it counts them."""
    frozen = fusion_arrays.read_only(log_probs, np.float32)
    _compiled_advance()(frozen, limits, knowledge, search)


def finals(knowledge: Knowledge, search: Search) -> Records:
    """All texts that a search may end with, as FINAL.

    A text whose last word cannot end where the search is, is not among them.
    """
    in_beam = search.nodes[search.beams["node"][: search.counts[BEAMS]]]
    found = np.zeros(len(in_beam) + int(in_beam["ways"].sum()), FINAL)
    count = np.zeros(1, np.int64)
    _compiled_finals()(knowledge, search, found, count)
    return found[: count[0]]


def forget(search: Search) -> None:
    """Makes room by forgetting the prefixes that lead to no beam."""
    _compiled_forget()(search)


@once
def _compiled_forget() -> Callable[..., None]:
    return compiled(
        _forget, types.void(_state_types()[1]), "cleaning of the beam search", _PARTS, makes_arrays=False
    )


@once
def _compiled_advance() -> Callable[..., None]:
    log_probs = types.Array(types.float32, 2, "C", readonly=True)
    limits = typeof(_LIMITS)  # type: ignore[no-untyped-call]
    return compiled(
        _advance, types.void(log_probs, limits, *_state_types()), "beam search", _PARTS, makes_arrays=False
    )


@once
def _compiled_finals() -> Callable[..., None]:
    found, count = typeof(np.zeros(1, FINAL)), types.Array(types.int64, 1, "C")  # type: ignore[no-untyped-call]
    return compiled(
        _finals,
        types.void(*_state_types(), found, count),
        "end of the beam search",
        _PARTS,
        makes_arrays=False,
    )


def _state_types() -> tuple[types.Type, types.Type]:
    return typeof(nothing_known(2)), typeof(new_search(_LIMITS, 2))  # type: ignore[no-untyped-call]


def _advance(log_probs: NDArray[np.float32], limits: Limits, knowledge: Knowledge, search: Search) -> None:
    for frame in range(len(log_probs)):
        if not _has_room(1, limits, search):
            tidy(search)
            if not _has_room(len(search.nodes) // limits.width // 2, limits, search):
                return
        row = log_probs[frame]
        _stay(row, search.counts[BEAMS], search.nodes, search.beams)
        if row[0] >= limits.blank:
            _keep_quiet(search.counts[BEAMS], search.beams)
        else:
            extend(row, limits, knowledge, search)
            prune(row, limits, knowledge, search)
        search.counts[FRAMES] += 1


def _forget(search: Search) -> None:
    tidy(search)


@part
def _has_room(frames: int, limits: Limits, search: Search) -> bool:
    """Whether there is room for what so many frames may bring."""
    nodes = search.counts[NODES] + frames * limits.width
    endings = search.counts[ENDINGS] + frames * limits.endings
    return bool(nodes <= len(search.nodes) and endings <= len(search.endings))


def _finals(knowledge: Knowledge, search: Search, found: Records, count: NDArray[np.int64]) -> None:
    settings = knowledge.settings[0]
    for place in range(search.counts[BEAMS]):
        beam = search.beams[place]
        node = search.nodes[beam.node]
        total = log_add(beam.blank, beam.spoken) + node.score
        if not settings.graph or is_between(node.graph, knowledge):
            final = found[count[0]]
            final.total = total + end_gain(node, node.model, node.hot, knowledge)
            final.node, final.entry, final.text = beam.node, NONE, node.text
            final.model = node.model if settings.asks_words else node.slot
            count[0] += 1
        for way in range(node.ways):
            ending, final = search.endings[node.endings + way], found[count[0]]
            final.total = total + ending.gain + end_gain(node, ending.model, ending.hot, knowledge)
            final.node, final.entry, final.text = beam.node, ending.entry, ending.text
            final.model = ending.model if settings.asks_words else node.slot
            count[0] += 1


@part
def _stay(row: Row, count: int, nodes: Records, beams: Records) -> None:
    """Every prefix of the beam as it is after another frame that writes nothing new."""
    for place in range(count):
        beam = beams[place]
        beam.total = log_add(beam.blank, beam.spoken)
        beam.eldest = NONE
    for place in range(count):
        beam = beams[place]
        token, parent = nodes[beam.node].token, nodes[beam.node].parent
        spoken = beam.spoken + row[token]
        before = nodes[parent].beam if parent != NONE else NONE
        if before != NONE:
            elder = beams[before]
            reached = elder.blank if nodes[parent].token == token else elder.total
            spoken = log_add(spoken, reached + row[token])
            beam.younger = elder.eldest
            elder.eldest = place
        beam.blank_after = beam.total + row[0]
        beam.spoken_after = spoken


@part
def _keep_quiet(count: int, beams: Records) -> None:
    """The frame is taken for blank: every prefix goes on by it."""
    for place in range(count):
        beams[place].blank = beams[place].blank_after
        beams[place].spoken = -math.inf
