"""The compiled part of beam search that extends prefixes by tokens."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from asr.compiled import part
from asr.decode.beam_tree import BEAMS, FOUND, NONE, STAMP, Int, Limits, Records, Search
from asr.decode.fusion_arrays import EITHER, INSIDE, ROOT, STARTS, Knowledge
from asr.decode.fusion_kernel import follow, start, token_gain
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
    nodes, beams, counts, settings = search.nodes, search.beams, search.counts, knowledge.settings[0]
    stamps, best_tokens, candidates = search.stamps, search.likely, search.candidates
    floor, best = _stayed(limits.width, settings.reach + settings.start, search)
    likely = _likely_tokens(row, floor - best, limits, best_tokens)
    knowing = settings.token_model or settings.token_hotwords or settings.asks_tokens
    for place in range(counts[BEAMS]):
        beam = beams[place]
        node = nodes[beam.node]
        counts[STAMP] += 1
        _stamp_children(beam.eldest, counts[STAMP], nodes, beams, stamps)
        for rank in range(likely):
            token, likelihood = best_tokens[rank].token, best_tokens[rank].score
            if beam.total + likelihood + beam.reach <= floor:
                break
            spoken = likelihood + (beam.blank if token == node.token else beam.total)
            if spoken + beam.reach <= floor:
                continue
            if counts[FOUND] + 1 + node.ways > len(candidates):
                floor = max(floor, best_first(candidates, counts[FOUND], limits.width))
                counts[FOUND] = limits.width
            score = spoken + node.score
            if knowing:
                score += token_gain(node, token, knowledge, search.token_scores)
            if settings.graph:
                _within_words(score, floor, place, token, knowledge, search)
            elif score > floor and stamps[token] != counts[STAMP]:
                collect(candidates, counts[FOUND], score, place, np.int64(token), NOTHING)
                counts[FOUND] += 1


@part
def _stayed(width: int, reach: float, search: Search) -> tuple[float, float]:
    """Makes candidates of the prefixes as they stayed.

    Args:
        width: Beams K.
        reach: The most that an extension gains while no word ends.
        search: See there.

    Returns:
        What a candidate must be above to be chosen, and the most that an extension can have, but for
        the log-probability of its token.
    """
    count, nodes, beams, candidates = search.counts[BEAMS], search.nodes, search.beams, search.candidates
    floor, best = math.inf, -math.inf
    for place in range(count):
        beam = beams[place]
        node = nodes[beam.node]
        score = log_add(beam.blank_after, beam.spoken_after) + node.score
        collect(candidates, place, score, place, NOTHING, NOTHING)
        floor = min(floor, score)
        beam.reach = node.score + reach + max(0.0, node.most)
        best = max(best, beam.total + beam.reach)
    search.counts[FOUND] = count
    return (floor if count == width else -math.inf), best


@part
def _within_words(
    score: float, floor: float, place: Int, token: Int, knowledge: Knowledge, search: Search
) -> None:
    """Collects the ways in which a token can extend a prefix in a graph of words."""
    settings, spots = knowledge.settings[0], knowledge.spots
    nodes, beams, counts = search.nodes, search.beams, search.counts
    node, kind = nodes[beams[place].node], knowledge.tokens[token].kind
    eldest = beams[place].eldest if search.stamps[token] == counts[STAMP] else NONE
    if kind in (INSIDE, EITHER) or (kind == STARTS and node.graph == ROOT):
        after = follow(node.graph, token, knowledge)
        if after != NONE:
            inside = score + spots[after].ahead - spots[node.graph].ahead
            if inside > floor and not _is_beam(eldest, token, NOTHING, nodes, beams):
                collect(search.candidates, counts[FOUND], inside, place, np.int64(token), NOTHING)
                counts[FOUND] += 1
    if (kind != INSIDE or settings.unbounded) and node.ways and score + node.most + settings.start > floor:
        first = start(token, knowledge)
        for way in range(node.ways if first != NONE else 0):
            ended = score + search.endings[node.endings + way].gain + spots[first].ahead
            if ended > floor and not _is_beam(eldest, token, way, nodes, beams):
                collect(search.candidates, counts[FOUND], ended, place, np.int64(token), np.int64(way))
                counts[FOUND] += 1


@part
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
