"""The compiled part of beam search that extends prefixes by tokens."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.compiled import inlined, part
from asr.decode.knowledge.arrays import ROOT, SEPARATOR, STARTS, Knowledge
from asr.decode.knowledge.kernel import follow, strangeness, token_gain
from asr.decode.search.selection_kernel import best_first, collect, sort
from asr.decode.search.tree import BEAMS, FOUND, NONE, STAMP, Int, Limits, Records, Search

Row = NDArray[np.float32]

BLOCK = 64
"""So many tokens at once are compared with a bound."""

NOTHING = np.int64(NONE)
"""NONE as a number of one type: every other type that a function is given means compiling it again."""


@part
def extend(row: Row, limits: Limits, knowledge: Knowledge, search: Search) -> None:
    """Collects candidates: what stayed, and the extensions that may be among the best K of all.

    Once the beam is full, an extension below the worst prefix that stayed cannot be. Tokens come in the
    order of their probability, so the first that is too unlikely for a beam ends the search for it.
    """
    beams, counts = search.beams, search.counts
    floor, best, within, behind = _stayed(limits, knowledge, search)
    if limits.probability < 1 and math.exp(row[0]) >= limits.probability:
        return
    most = max(within, behind + knowledge.settings[0].start)
    if not _how_many_above(floor - most, row, 1, len(row)):
        return
    floor = max(floor, _surest(best, row, knowledge, search) - limits.distance)
    likely = _tokens_above(floor - within, floor - behind, row, knowledge, search.likely)
    likely = _best_tokens(likely, row, limits, search.likely)
    for place in range(counts[BEAMS]):
        counts[STAMP] += 1
        _stamp_children(beams[place].eldest, counts[STAMP], search.nodes, beams, search.stamps)
        floor = _go_on(place, floor, likely, limits, knowledge, search)
        if search.nodes[beams[place].node].ways:
            floor = _end_words(place, floor, likely, limits, knowledge, search)


@part
def _stayed(limits: Limits, knowledge: Knowledge, search: Search) -> tuple[float, Int, float, float]:
    """Makes candidates of the prefixes as they stayed.

    Returns:
        What a candidate must be above to be chosen; the place of the best beam; the most that an
        extension can have by a token that ends no word, but for its log-probability; the same by a token
        that does, but for what it gains as the start of the next word.
    """
    count, nodes, beams, candidates = search.counts[BEAMS], search.nodes, search.beams, search.candidates
    settings = knowledge.settings[0]
    floor, highest, within, behind, total = math.inf, -math.inf, -math.inf, -math.inf, -math.inf
    best: Int = 0
    for place in range(count):
        beam = beams[place]
        node = nodes[beam.node]
        score = beam.stayed + node.score
        collect(candidates, place, score, place, NOTHING, NOTHING)
        floor, highest = min(floor, score), max(highest, score)
        beam.reach = node.score + settings.reach + node.within
        beam.reach_of_end = node.score + settings.reach + settings.start + node.most
        within = max(within, beam.total + beam.reach)
        behind = max(behind, beam.total + beam.reach_of_end - settings.start)
        if beam.total + node.score > total:
            best, total = place, beam.total + node.score
    search.counts[FOUND] = count
    if count < limits.width:
        floor = -math.inf
    return max(floor, highest - limits.distance), best, within, behind


@inlined
def _go_on(
    place: Int, floor: float, likely: Int, limits: Limits, knowledge: Knowledge, search: Search
) -> float:
    """Collects the extensions of a beam by tokens that end no word.

    Args:
        place: Of the beam.
        floor: What a candidate must be above to be chosen.
        likely: How many tokens to look at.
        limits: See there.
        knowledge: See there.
        search: See there.

    Returns:
        What a candidate must be above now.
    """
    nodes, beams, tokens = search.nodes, search.beams, search.likely
    beam = beams[place]
    node = nodes[beam.node]
    for rank in range(likely):
        token, likelihood = tokens[rank].token, tokens[rank].score
        if beam.total + likelihood + beam.reach <= floor:
            break
        spoken = likelihood + _reached(beam, node, token)
        if spoken + beam.reach <= floor:
            continue
        score = _within_word(spoken, node, token, knowledge, search)
        if score <= floor:
            continue
        known = search.stamps[token] == search.counts[STAMP]
        if known and _is_beam(beam.eldest, token, NOTHING, nodes, beams):
            continue
        floor = _keep(score, (place, token, NOTHING), floor, limits, search)
    return floor


@inlined
def _end_words(
    place: Int, floor: float, likely: Int, limits: Limits, knowledge: Knowledge, search: Search
) -> float:
    """Collects the extensions of a beam by tokens that end its last word; see `_go_on`."""
    nodes, beams, tokens = search.nodes, search.beams, search.likely
    beam = beams[place]
    node = nodes[beam.node]
    for rank in range(likely):
        token, likelihood = tokens[rank].token, tokens[rank].score
        if beam.total + likelihood + beam.reach_of_end <= floor:
            break
        score = _after_word(likelihood + _reached(beam, node, token), node, token, knowledge, search)
        if score + node.most <= floor:
            continue
        eldest = beam.eldest if search.stamps[token] == search.counts[STAMP] else NONE
        for way in range(node.ways):
            ended = score + search.endings[node.endings + way].gain
            if ended > floor and not _is_beam(eldest, token, way, nodes, beams):
                floor = _keep(ended, (place, token, way), floor, limits, search)
    return floor


@inlined
def _reached(beam: Any, node: Any, token: Int) -> Any:
    """The log-probability of the paths of a prefix that a token can follow."""
    return beam.total if token != node.token else beam.total + np.log(beam.blank)


@inlined
def _within_word(spoken: float, node: Any, token: Int, knowledge: Knowledge, search: Search) -> float:
    """The total of a prefix after one more token that ends no word, heard with `spoken` in all; or -inf."""
    settings, spots = knowledge.settings[0], knowledge.spots
    score = spoken + node.score
    if settings.graph:
        kind = knowledge.tokens[token].kind
        if kind == SEPARATOR or (kind == STARTS and node.graph != ROOT):
            return -math.inf
        after, ahead = follow(node.graph, token, knowledge)
        if after == NONE:
            return -math.inf
        score += ahead - spots[node.graph].ahead + strangeness(after, token, knowledge)
    if settings.asks:
        score += token_gain(node, token, knowledge, search.token_scores)
    return float(score)


@inlined
def _after_word(spoken: float, node: Any, token: Int, knowledge: Knowledge, search: Search) -> float:
    """The same for a token before which a word ends, but for what the ending gains."""
    unit = knowledge.tokens[token]
    if unit.first == NONE:
        return -math.inf
    score = spoken + node.score + unit.start
    if knowledge.settings[0].asks:
        score += token_gain(node, token, knowledge, search.token_scores)
    return float(score)


@part
def _surest(place: Int, row: Row, knowledge: Knowledge, search: Search) -> float:
    """The total of a beam extended by the most probable token."""
    beam = search.beams[place]
    node = search.nodes[beam.node]
    best: Int = np.int64(1)
    for token in range(2, len(row)):
        if row[token] > row[best]:
            best = token
    spoken = row[best] + _reached(beam, node, best)
    total = _within_word(spoken, node, best, knowledge, search)
    if node.ways:
        total = max(total, _after_word(spoken, node, best, knowledge, search) + node.most)
    return total


@inlined
def _keep(
    score: float, extension: tuple[Int, Int, Int], floor: float, limits: Limits, search: Search
) -> float:
    """Collects a candidate: a beam, a token and the ending before it. If there is no room, the best K stay.

    Returns:
        What a candidate must be above now.
    """
    counts, candidates = search.counts, search.candidates
    place, token, ending = extension
    if counts[FOUND] == len(candidates):
        floor = max(floor, best_first(candidates, counts[FOUND], limits.width))
        counts[FOUND] = limits.width
    if score > floor:
        collect(candidates, counts[FOUND], score, place, np.int64(token), np.int64(ending))
        counts[FOUND] += 1
    return max(floor, score - limits.distance)


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


@inlined
def _how_many_above(bound: float, row: Row, first: Int, end: Int) -> Int:
    """Counts tokens above a bound, or so little below it that it is all the same in single precision."""
    above, loose = 0, np.float32(bound - 1e-3)
    for token in range(first, end):
        above += row[token] > loose
    return above


@part
def _tokens_above(within: float, behind: float, row: Row, knowledge: Knowledge, likely: Records) -> Int:
    """Finds the tokens of a frame that are above a bound.

    Args:
        within: What a token must be above that ends no word.
        behind: The same for one that does, together with what it gains as the start of the next word.
        row: Log-probabilities (V,).
        knowledge: See there.
        likely: Where the tokens are written to.
    """
    count: Int = 0
    bound = min(within, behind - knowledge.settings[0].start)
    for first in range(1, len(row), BLOCK):
        end = min(first + BLOCK, len(row))
        if not _how_many_above(bound, row, first, end):
            continue
        for token in range(first, end):
            if row[token] > within or row[token] + knowledge.tokens[token].start > behind:
                collect(likely, np.int64(count), np.float64(row[token]), NOTHING, np.int64(token), NOTHING)
                count += 1
    return count


@part
def _best_tokens(count: Int, row: Row, limits: Limits, likely: Records) -> Int:
    """Puts the tokens in order, best first, and keeps those within the limits."""
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
