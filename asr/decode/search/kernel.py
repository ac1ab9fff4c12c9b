"""The compiled part of CTC prefix beam search: for every emission frame, stay, extend, prune.

A frame with log-probabilities y turns the two numbers of a prefix (see `asr.decode.search.tree`) into

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
from typing import Any

import numpy as np
from numba import typeof, types
from numpy.typing import NDArray

from asr.compiled import compiled, once, part
from asr.decode.knowledge import arrays
from asr.decode.knowledge import kernel as knowledge_kernel
from asr.decode.knowledge.arrays import Knowledge, nothing_known
from asr.decode.knowledge.kernel import end_text, is_between
from asr.decode.search import extension_kernel, forgetting_kernel, pruning_kernel, selection_kernel, tree
from asr.decode.search.extension_kernel import Row, extend
from asr.decode.search.forgetting_kernel import forget as tidy
from asr.decode.search.pruning_kernel import prune
from asr.decode.search.selection_kernel import log_add
from asr.decode.search.tree import (
    BEAMS,
    ENDINGS,
    FINAL,
    FRAMES,
    NODES,
    NONE,
    TINY,
    Limits,
    Records,
    Search,
    empty_prefix,
    new_search,
)
from asr.lm import arcs, hashing, ngrams

_PARTS = (
    arcs,
    arrays,
    extension_kernel,
    forgetting_kernel,
    hashing,
    knowledge_kernel,
    ngrams,
    pruning_kernel,
    selection_kernel,
    tree,
)
_LIMITS = Limits(width=1, endings=1, tokens=1, probability=1.0, distance=1.0, blank=0.0)


def advance(log_probs: NDArray[np.float32], limits: Limits, knowledge: Knowledge, search: Search) -> None:
    """Advances a search by frames (S, V), or by as many of them as there is room for; it counts them."""
    frozen = arcs.read_only(log_probs, np.float32)
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


def join_texts(found: Records) -> Records:
    """Makes one of all FINAL of a text; its total is that of all together."""
    count = np.array([len(found)])
    _compiled_join_texts()(found, count)
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


@once
def _compiled_join_texts() -> Callable[..., None]:
    found, count = typeof(np.zeros(1, FINAL)), types.Array(types.int64, 1, "C")  # type: ignore[no-untyped-call]
    return compiled(
        _join_texts, types.void(found, count), "end of the beam search", _PARTS, makes_arrays=False
    )


def _state_types() -> tuple[types.Type, types.Type]:
    return typeof(nothing_known(2)), typeof(new_search(_LIMITS, 2, empty_prefix()))  # type: ignore[no-untyped-call]


def _advance(log_probs: NDArray[np.float32], limits: Limits, knowledge: Knowledge, search: Search) -> None:
    for frame in range(len(log_probs)):
        if not _has_room(1, limits, search):
            tidy(search)
            if not _has_room(len(search.nodes) // limits.width // 2, limits, search):
                return
        row = log_probs[frame]
        if row[0] >= limits.blank:
            _keep_quiet(row[0], search.counts[BEAMS], search.beams)
        else:
            _stay(row, search.counts[BEAMS], search.nodes, search.beams)
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
        if not settings.graph or is_between(node.graph, knowledge):
            final = found[count[0]]
            final.total = beam.total + node.score
            final.language, final.hotwords = node.language, node.hotwords
            final.node, final.entry, final.text, final.model = beam.node, NONE, node.text, node.model
            end_text(final, node, node.hot, knowledge)
            count[0] += 1
        for way in range(node.ways):
            ending, final = search.endings[node.endings + way], found[count[0]]
            final.total = beam.total + node.score + ending.gain
            final.language = node.language + ending.language
            final.hotwords = node.hotwords + ending.hotwords
            final.node, final.entry, final.text = beam.node, ending.entry, ending.text
            final.model = ending.model
            end_text(final, node, ending.hot, knowledge)
            count[0] += 1


def _join_texts(found: Records, count: NDArray[np.int64]) -> None:
    """Adds up the totals of each text, and keeps the best way to write it."""
    kept = 0
    for place in range(count[0]):
        this, other = found[place], 0
        while other < kept and found[other].text != this.text:
            other += 1
        if other == kept:
            found[kept] = found[place]
            kept += 1
            continue
        together = log_add(found[other].total, this.total)
        if this.best > found[other].best:
            found[other] = found[place]
        found[other].total = together
    count[0] = kept


@part
def _stay(row: Row, count: int, nodes: Records, beams: Records) -> None:
    """Every prefix of the beam as it is after another frame that writes nothing new."""
    quiet = math.exp(np.float64(row[0]))
    for place in range(count):
        beams[place].eldest = NONE
    for place in range(count):
        beam = beams[place]
        token, parent = nodes[beam.node].token, nodes[beam.node].parent
        heard, reached, share = math.exp(np.float64(row[token])), -math.inf, 1.0
        spoken = beam.spoken
        before = nodes[parent].beam if parent != NONE else NONE
        if before != NONE:
            elder = beams[before]
            reached = elder.total
            share = elder.blank if nodes[parent].token == token else 1.0
            spoken += share * math.exp(reached - beam.total)
            beam.younger = elder.eldest
            elder.eldest = place
        mass = quiet + spoken * heard
        if TINY < mass < 1 / TINY:
            beam.stayed = beam.total + math.log(mass)
            beam.blank_after, beam.spoken_after = quiet / mass, spoken * heard / mass
        else:
            _stay_in_logs(beam, row[0], row[token], reached + np.log(share))


@part
def _stay_in_logs(beam: Any, quiet: float, heard: float, reached: float) -> None:
    """The same for one prefix, where probabilities are too small or too far apart to be added up."""
    blank = beam.total + quiet
    spoken = log_add(beam.total + np.log(beam.spoken), reached) + heard
    beam.stayed = log_add(blank, spoken)
    if beam.stayed != -math.inf:
        beam.blank_after, beam.spoken_after = math.exp(blank - beam.stayed), math.exp(spoken - beam.stayed)


@part
def _keep_quiet(silent: float, count: int, beams: Records) -> None:
    """The frame is taken for blank: every prefix goes on by it."""
    for place in range(count):
        beam = beams[place]
        beam.total += silent
        beam.blank, beam.spoken = 1.0, 0.0
