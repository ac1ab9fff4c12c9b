"""The compiled part of beam search that keeps the best K candidates, and joins those that are one text."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.compiled import part
from asr.decode.knowledge.arrays import Knowledge
from asr.decode.knowledge.kernel import HASH_FACTOR, enter
from asr.decode.search.extension_kernel import Row
from asr.decode.search.selection_kernel import best_first
from asr.decode.search.tree import BEAMS, FOUND, FRAMES, NODES, NONE, STAY, Int, Limits, Records, Search


@part
def prune(row: Row, limits: Limits, knowledge: Knowledge, search: Search) -> None:
    """The best K candidates become the beam."""
    nodes, beams, chosen, candidates = search.nodes, search.beams, search.chosen, search.candidates
    counts = search.counts
    found = min(counts[FOUND], limits.width)
    if found < counts[FOUND]:
        best_first(candidates, counts[FOUND], found)
    highest, floor, extended = -math.inf, math.inf, False
    for place in range(found):
        highest, floor = max(highest, candidates[place].score), min(floor, candidates[place].score)
        extended |= candidates[place].token != STAY
    lowest = highest - limits.distance
    if not extended and floor >= lowest and floor > -math.inf:
        _stay_put(counts[BEAMS], beams)
        return
    count: Int = 0
    for place in range(found):
        candidate, new = candidates[place], chosen[count]
        if candidate.score < lowest or candidate.score == -math.inf:
            continue
        beam, token, ending = beams[candidate.beam], candidate.token, candidate.ending
        new.node, new.total = beam.node, beam.stayed
        new.blank, new.spoken = beam.blank_after, beam.spoken_after
        if token != STAY:
            share = beam.blank if token == nodes[beam.node].token else 1.0
            new.total, new.blank, new.spoken = row[token] + beam.total + np.log(share), 0.0, 1.0
            new.node = _find_child(beam.node, token, ending, nodes)
            if new.node == NONE:
                new.node = _new_child(beam.node, token, ending, nodes, counts)
                enter(nodes[new.node], nodes[beam.node], token, ending, knowledge, search)
        count += 1
    if knowledge.settings[0].merge and extended:
        count = _merge(count, nodes, chosen, search.places)
    _replace_beam(count, search)


@part
def _replace_beam(count: Int, search: Search) -> None:
    """The chosen prefixes become the beam."""
    nodes, beams, chosen = search.nodes, search.beams, search.chosen
    for place in range(search.counts[BEAMS]):
        nodes[beams[place].node].beam = NONE
    for place in range(count):
        beam, new = beams[place], chosen[place]
        beam.node, beam.total, beam.blank, beam.spoken = new.node, new.total, new.blank, new.spoken
        nodes[new.node].beam = place
    search.counts[BEAMS] = count


@part
def _stay_put(count: Int, beams: Records) -> None:
    """The beam is the same as before."""
    for place in range(count):
        beam = beams[place]
        beam.total, beam.blank, beam.spoken = beam.stayed, beam.blank_after, beam.spoken_after


@part
def _find_child(parent: Int, token: Int, ending: Int, nodes: Records) -> Int:
    """The node of a prefix extended by a token, if it was in the beam before; else -1."""
    child = nodes[parent].child
    while child != NONE and not (nodes[child].token == token and nodes[child].ending == ending):
        child = nodes[child].sibling
    return np.int64(child)


@part
def _new_child(parent: Int, token: Int, ending: Int, nodes: Records, counts: NDArray[np.int64]) -> Int:
    place = counts[NODES]
    counts[NODES] += 1
    node, before = nodes[place], nodes[parent]
    node.parent, node.token, node.ending, node.frame = parent, token, ending, counts[FRAMES]
    node.beam, node.child, node.sibling = NONE, NONE, before.child
    node.graph, node.endings, node.ways, node.most, node.within = before.graph, 0, 0, -np.inf, 0.0
    node.token_model, node.token_hot = before.token_model, before.token_hot
    before.child = place
    return np.int64(place)


@part
def _merge(count: Int, nodes: Records, chosen: Records, places: NDArray[np.int32]) -> Int:
    """Makes one of the chosen prefixes that have the same text, the same last token and the same future.

    Returns:
        How many are left.
    """
    places[:] = NONE
    kept = 0
    for this in range(count):
        node = nodes[chosen[this].node]
        place = np.int64((node.text * HASH_FACTOR) >> np.uint64(32)) & (len(places) - 1)
        while places[place] != NONE and not _alike(node, nodes[chosen[places[place]].node]):
            place = (place + 1) & (len(places) - 1)
        if places[place] != NONE:
            _join(chosen[places[place]], chosen[this], nodes)
            continue
        places[place] = kept
        new, old = chosen[kept], chosen[this]
        new.node, new.total, new.blank, new.spoken = old.node, old.total, old.blank, old.spoken
        kept += 1
    return kept


@part
def _alike(one: Any, other: Any) -> Any:
    return (
        one.text == other.text
        and one.token == other.token
        and one.graph == other.graph
        and one.model == other.model
        and one.hot == other.hot
        and one.token_model == other.token_model
        and one.token_hot == other.token_hot
        and one.slot == other.slot
    )


@part
def _join(kept: Any, other: Any, nodes: Records) -> None:
    """Adds a prefix to another; the better one stays in the tree for both."""
    gap = nodes[other.node].score - nodes[kept.node].score
    if other.total + gap > kept.total:
        kept.node, other.node, gap = other.node, kept.node, -gap
        kept.total, other.total = other.total, kept.total
        kept.blank, other.blank = other.blank, kept.blank
        kept.spoken, other.spoken = other.spoken, kept.spoken
    weight = math.exp(other.total + gap - kept.total)
    kept.total += math.log1p(weight)
    kept.blank = (kept.blank + weight * other.blank) / (1 + weight)
    kept.spoken = (kept.spoken + weight * other.spoken) / (1 + weight)
