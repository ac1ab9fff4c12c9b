"""The compiled part of beam search that extends prefixes by tokens."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from asr.compiled import inlined, part
from asr.decode.beam_tree import BEAMS, FOUND, NONE, STAMP, Int, Limits, Records, Search
from asr.decode.fusion_arrays import EITHER, INSIDE, ROOT, STARTS, Knowledge
from asr.decode.fusion_kernel import follow, is_between, start, strangeness, token_gain
from asr.decode.selection_kernel import best_first, collect, log_add, sort

Row = NDArray[np.float32]

NOTHING = np.int64(NONE)
"""NONE as a number of one type: every other type that a function is given means compiling it again."""


@part
def extend(row: Row, limits: Limits, knowledge: Knowledge, search: Search) -> None:
    """Collects candidates: what stayed, and the extensions that may be among the best K of all.

    Once the beam is full, an extension below the worst prefix that stayed cannot be. Tokens come in the
    order of their probability, so the first that is too unlikely for a beam ends the search for it.
    """
    beams, counts = search.beams, search.counts
    floor, best = _stayed(limits, knowledge, search)
    likely = _likely_tokens(row, floor - best, limits, search.likely)
    for place in range(counts[BEAMS]):
        counts[STAMP] += 1
        _stamp_children(beams[place].eldest, counts[STAMP], search.nodes, beams, search.stamps)
        floor = _go_on(place, floor, likely, limits.width, knowledge, search)
        if search.nodes[beams[place].node].ways:
            floor = _end_words(place, floor, likely, limits.width, knowledge, search)


@part
def _stayed(limits: Limits, knowledge: Knowledge, search: Search) -> tuple[float, float]:
    """Makes candidates of the prefixes as they stayed.

    Returns:
        What a candidate must be above to be chosen, and the most that an extension can have, but for
        the log-probability of its token.
    """
    count, nodes, beams, candidates = search.counts[BEAMS], search.nodes, search.beams, search.candidates
    settings = knowledge.settings[0]
    floor, highest, best = math.inf, -math.inf, -math.inf
    for place in range(count):
        beam = beams[place]
        node = nodes[beam.node]
        score = log_add(beam.blank_after, beam.spoken_after) + node.score
        collect(candidates, place, score, place, NOTHING, NOTHING)
        floor, highest = min(floor, score), max(highest, score)
        beam.reach = node.score + settings.reach + _most_within_words(node.graph, knowledge)
        beam.reach_of_end = node.score + settings.reach + settings.start + node.most
        best = max(best, beam.total + max(beam.reach, beam.reach_of_end))
    search.counts[FOUND] = count
    if count < limits.width:
        floor = -math.inf
    return max(floor, highest - limits.distance), best


@inlined
def _most_within_words(graph: Int, knowledge: Knowledge) -> float:
    """The most that a token can gain that ends no word: one begins, or turns out to be unknown."""
    settings, spots = knowledge.settings[0], knowledge.spots
    if not settings.graph:
        return 0.0
    if is_between(graph, knowledge):
        return float(settings.start)
    return max(0.0, spots[len(spots) - 1].ahead - spots[graph].ahead) if settings.open else 0.0


@inlined
def _go_on(place: Int, floor: float, likely: Int, width: int, knowledge: Knowledge, search: Search) -> float:
    """Collects the extensions of a beam by tokens that end no word.

    Args:
        place: Of the beam.
        floor: What a candidate must be above to be chosen.
        likely: How many tokens to look at.
        width: Beams K.
        knowledge: See there.
        search: See there.

    Returns:
        What a candidate must be above now.
    """
    nodes, beams, counts, stamps = search.nodes, search.beams, search.counts, search.stamps
    tokens = search.likely
    settings, spots, beam = knowledge.settings[0], knowledge.spots, beams[place]
    node = nodes[beam.node]
    asks = settings.token_model or settings.token_hotwords or settings.asks_tokens
    for rank in range(likely):
        token, likelihood = tokens[rank].token, tokens[rank].score
        if beam.total + likelihood + beam.reach <= floor:
            break
        spoken = likelihood + (beam.blank if token == node.token else beam.total)
        if spoken + beam.reach <= floor:
            continue
        score = spoken + node.score
        if settings.graph:
            kind = knowledge.tokens[token].kind
            after: Int = np.int64(NONE)
            if kind in (INSIDE, EITHER) or (kind == STARTS and node.graph == ROOT):
                after = follow(node.graph, token, knowledge)
            if after == NONE:
                continue
            score += spots[after].ahead - spots[node.graph].ahead + strangeness(after, token, knowledge)
        if asks:
            score += token_gain(node, token, knowledge, search.token_scores)
        if score <= floor:
            continue
        if stamps[token] == counts[STAMP] and _is_beam(beam.eldest, token, NOTHING, nodes, beams):
            continue
        floor = _keep(score, (place, token, NOTHING), floor, width, search)
    return floor


@inlined
def _end_words(
    place: Int, floor: float, likely: Int, width: int, knowledge: Knowledge, search: Search
) -> float:
    """Collects the extensions of a beam by tokens that end its last word; see `_go_on`."""
    nodes, beams, counts, stamps = search.nodes, search.beams, search.counts, search.stamps
    tokens, endings = search.likely, search.endings
    settings, spots, beam = knowledge.settings[0], knowledge.spots, beams[place]
    node = nodes[beam.node]
    asks = settings.token_model or settings.token_hotwords or settings.asks_tokens
    for rank in range(likely):
        token, likelihood = tokens[rank].token, tokens[rank].score
        if beam.total + likelihood + beam.reach_of_end <= floor:
            break
        if knowledge.tokens[token].kind == INSIDE and not settings.unbounded:
            continue
        first = start(token, knowledge)
        if first == NONE:
            continue
        spoken = likelihood + (beam.blank if token == node.token else beam.total)
        score = spoken + node.score + spots[first].ahead + strangeness(first, token, knowledge)
        if score + settings.reach + node.most <= floor:
            continue
        if asks:
            score += token_gain(node, token, knowledge, search.token_scores)
        eldest = beam.eldest if stamps[token] == counts[STAMP] else NONE
        for way in range(node.ways):
            ended = score + endings[node.endings + way].gain
            if ended > floor and not _is_beam(eldest, token, way, nodes, beams):
                floor = _keep(ended, (place, token, way), floor, width, search)
    return floor


@inlined
def _keep(score: float, extension: tuple[Int, Int, Int], floor: float, width: int, search: Search) -> float:
    """Collects a candidate: a beam, a token and the ending before it. If there is no room, the best K stay.

    Returns:
        What a candidate must be above now.
    """
    counts, candidates = search.counts, search.candidates
    place, token, ending = extension
    if counts[FOUND] == len(candidates):
        floor = max(floor, best_first(candidates, counts[FOUND], width))
        counts[FOUND] = width
    if score > floor:
        collect(candidates, counts[FOUND], score, place, np.int64(token), np.int64(ending))
        counts[FOUND] += 1
    return floor


@inlined
def _stamp_children(
    eldest: Int, stamp: Int, nodes: Records, beams: Records, stamps: NDArray[np.int64]
) -> None:
    """Marks the tokens that lead from a beam to another; `stay` has counted those extensions."""
    child = eldest
    while child != NONE:
        stamps[nodes[beams[child].node].token] = stamp
        child = beams[child].younger


@part
def _is_beam(eldest: Int, token: Int, ending: Int, nodes: Records, beams: Records) -> bool:
    """Whether a token leads to one of these children after a certain ending of the word before."""
    child = eldest
    while child != NONE:
        node = nodes[beams[child].node]
        if node.token == token and node.ending == ending:
            return True
        child = beams[child].younger
    return False


@part
def _likely_tokens(row: Row, bound: float, limits: Limits, likely: Records) -> Int:
    """Finds the tokens of a frame that are above a bound and within the limits, best first."""
    count = 0
    for token in range(1, len(row)):
        if row[token] > bound:
            collect(likely, np.int64(count), np.float64(row[token]), NOTHING, np.int64(token), NOTHING)
            count += 1
    if count > limits.tokens:
        best_first(likely, count, limits.tokens)
        count = limits.tokens
    sort(likely, count)
    if limits.probability < 1:
        together = math.exp(row[0])
        for place in range(count):
            if together >= limits.probability:
                return place
            together += math.exp(likely[place].score)
    return count
