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
from functools import lru_cache

import numpy as np
from numba import njit, typeof, types
from numpy.typing import NDArray

from asr.compiled import compiled
from asr.decode.beam_tree import Candidates, Limits, Search, new_search

NONE = -1
STAY = -1
"""The token of a candidate that is no extension."""
BEAMS, NODES, FRAMES, STAMP = range(4)  # repeated here, as stored code knows only of changes in this file

Row = NDArray[np.float32]


def advance(log_probs: NDArray[np.float32], limits: Limits, search: Search) -> None:
    """Advances a search by the frames of log_probs (S, V); it needs room for K more nodes a frame."""
    read_only = np.require(log_probs, np.float32, ["C", "A"]).view()
    read_only.flags.writeable = False  # another type for numba, so all emissions are given this one
    _kernel()(read_only, limits, search)


@lru_cache(maxsize=1)
def _kernel() -> Callable[..., None]:
    log_probs = types.Array(types.float32, 2, "C", readonly=True)
    limits, search = typeof(Limits(1, 1, 1.0, 1.0, 0.0)), typeof(new_search(1, 2, 2))  # type: ignore[no-untyped-call]
    return compiled(_advance, types.void(log_probs, limits, search), "beam search")


def _advance(log_probs: NDArray[np.float32], limits: Limits, search: Search) -> None:
    for frame in range(len(log_probs)):
        row = log_probs[frame]
        _stay(row, search)
        if row[0] >= limits.blank:
            _keep_quiet(search)
        else:
            _prune(_extend(row, limits, search), limits, search)
        search.counts[FRAMES] += 1


@njit(nogil=True)
def _log_add(a: float, b: float) -> float:
    """log(e^a + e^b)."""
    if a < b:
        a, b = b, a
    if b == -math.inf:
        return a
    return a + math.log1p(math.exp(b - a))


@njit(nogil=True)
def _stay(row: Row, search: Search) -> None:
    """Every prefix of the beam as it is after another frame that writes nothing new."""
    nodes, beams, stayed, totals = search.nodes, search.beams, search.stayed, search.totals
    count = search.counts[BEAMS]
    for beam in range(count):
        totals[beam] = _log_add(beams.blank[beam], beams.spoken[beam])
        search.eldest[beam] = NONE
    for beam in range(count):
        node = beams.node[beam]
        token, parent = nodes[node].token, nodes[node].parent
        spoken = beams.spoken[beam] + row[token]
        before = nodes[parent].beam if parent != NONE else NONE
        if before != NONE:
            reached = beams.blank[before] if nodes[parent].token == token else totals[before]
            spoken = _log_add(spoken, reached + row[token])
            search.younger[beam] = search.eldest[before]
            search.eldest[before] = beam
        stayed.node[beam] = node
        stayed.blank[beam] = totals[beam] + row[0]
        stayed.spoken[beam] = spoken


@njit(nogil=True)
def _keep_quiet(search: Search) -> None:
    """The frame is taken for blank: every prefix goes on by it."""
    for beam in range(search.counts[BEAMS]):
        search.beams.blank[beam] = search.stayed.blank[beam]
        search.beams.spoken[beam] = -math.inf


@njit(nogil=True)
def _extend(row: Row, limits: Limits, search: Search) -> int:
    """Collects candidates: what stayed, and the extensions that may be among the best K of all.

    Once the beam is full, an extension below the worst prefix that stayed cannot be. Tokens come in the
    order of their probability, so the first that is too unlikely for a beam ends the search for it.

    Returns:
        The number of candidates.
    """
    nodes, beams, candidates, totals = search.nodes, search.beams, search.candidates, search.totals
    count, found = search.counts[BEAMS], 0
    floor, best = math.inf, -math.inf
    for beam in range(count):
        score = _log_add(search.stayed.blank[beam], search.stayed.spoken[beam])
        _collect(candidates, found, score, beam, STAY)
        found += 1
        floor = min(floor, score)
        best = max(best, totals[beam])
    if count < limits.width:
        floor = -math.inf
    likely = _likely_tokens(row, floor - best, limits, search)
    for beam in range(count):
        _stamp_children(beam, search)
        last = nodes[beams.node[beam]].token
        for place in range(likely):
            token, likelihood = search.likely.token[place], search.likely.score[place]
            if totals[beam] + likelihood <= floor:
                break
            score = likelihood + (beams.blank[beam] if token == last else totals[beam])
            if score <= floor or search.stamps[token] == search.counts[STAMP]:
                continue
            if found == len(candidates.score):
                floor = max(floor, _best_first(candidates, found, limits.width))
                found = limits.width
                if score <= floor:
                    continue
            _collect(candidates, found, score, beam, token)
            found += 1
    return found


@njit(nogil=True)
def _collect(candidates: Candidates, place: int, score: float, origin: int, token: int) -> None:
    candidates.score[place] = score
    candidates.origin[place] = origin
    candidates.token[place] = token


@njit(nogil=True)
def _stamp_children(beam: int, search: Search) -> None:
    """Marks the tokens that lead from a beam to another; `_stay` has counted those extensions."""
    search.counts[STAMP] += 1
    child = search.eldest[beam]
    while child != NONE:
        search.stamps[search.nodes[search.beams.node[child]].token] = search.counts[STAMP]
        child = search.younger[child]


@njit(nogil=True)
def _likely_tokens(row: Row, bound: float, limits: Limits, search: Search) -> int:
    """Finds the tokens of a frame that are above a bound and within the limits, best first."""
    likely = search.likely
    count = 0
    for token in range(1, len(row)):
        if row[token] > bound:
            _collect(likely, count, row[token], NONE, token)
            count += 1
    if count > limits.tokens:
        _best_first(likely, count, limits.tokens)
        count = limits.tokens
    _sort(likely, count)
    if limits.probability < 1:
        together = math.exp(row[0])
        for place in range(count):
            if together >= limits.probability:
                return place
            together += math.exp(likely.score[place])
    return count


@njit(nogil=True)
def _sort(candidates: Candidates, count: int) -> None:
    """Puts the first `count` candidates in order, best first (Shell, 1959)."""
    gap = count // 2
    while gap:
        for first in range(gap, count):
            i = first
            while i >= gap and candidates.score[i - gap] < candidates.score[i]:
                _swap(candidates, i - gap, i)
                i -= gap
        gap //= 2


@njit(nogil=True)
def _prune(found: int, limits: Limits, search: Search) -> None:
    """The best K candidates become the beam."""
    nodes, beams, stayed, candidates = search.nodes, search.beams, search.stayed, search.candidates
    if found > limits.width:
        _best_first(candidates, found, limits.width)
        found = limits.width
    for beam in range(search.counts[BEAMS]):
        nodes[beams.node[beam]].beam = NONE
    lowest = -math.inf
    for place in range(found):
        lowest = max(lowest, candidates.score[place] - limits.distance)
    count = 0
    for place in range(found):
        score, origin, token = candidates.score[place], candidates.origin[place], candidates.token[place]
        if score < lowest or score == -math.inf:
            continue
        if token == STAY:
            beams.node[count] = stayed.node[origin]
            beams.blank[count], beams.spoken[count] = stayed.blank[origin], stayed.spoken[origin]
        else:
            beams.node[count] = _child(stayed.node[origin], token, search)
            beams.blank[count], beams.spoken[count] = -math.inf, score
        nodes[beams.node[count]].beam = count
        count += 1
    search.counts[BEAMS] = count


@njit(nogil=True)
def _child(parent: int, token: int, search: Search) -> int:
    """The node of a prefix extended by a token; it is made where it never was in the beam before."""
    nodes = search.nodes
    child = nodes[parent].child
    while child != NONE:
        if nodes[child].token == token:
            return int(child)
        child = nodes[child].sibling
    node = search.counts[NODES]
    search.counts[NODES] += 1
    nodes[node].parent = parent
    nodes[node].token = token
    nodes[node].frame = search.counts[FRAMES]
    nodes[node].child = NONE
    nodes[node].sibling = nodes[parent].child
    nodes[parent].child = node
    return int(node)


@njit(nogil=True)
def _best_first(candidates: Candidates, count: int, best: int) -> float:
    """Moves the best of the first `count` candidates to the front (quickselect, Hoare 1961).

    Returns:
        The lowest score among the best.
    """
    score = candidates.score
    low, high, last = 0, count - 1, best - 1
    while low < high:
        pivot = score[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while score[i] > pivot:
                i += 1
            while score[j] < pivot:
                j -= 1
            if i <= j:
                _swap(candidates, i, j)
                i += 1
                j -= 1
        if last <= j:
            high = j
        elif last >= i:
            low = i
        else:
            break
    lowest = math.inf
    for place in range(best):
        lowest = min(lowest, score[place])
    return lowest


@njit(nogil=True)
def _swap(candidates: Candidates, i: int, j: int) -> None:
    score, origin, token = candidates
    score[i], score[j] = score[j], score[i]
    origin[i], origin[j] = origin[j], origin[i]
    token[i], token[j] = token[j], token[i]
