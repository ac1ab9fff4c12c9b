"""The compiled part of choosing: candidates in arrays, the best of them to the front."""

from __future__ import annotations

import math
from typing import Any

from asr.compiled import inlined, part
from asr.decode.search.tree import Int, Records


@part
def log_add(a: float, b: float) -> float:
    """log(e^a + e^b)."""
    if a < b:
        a, b = b, a
    if b == -math.inf:
        return a
    return a + math.log1p(math.exp(b - a))


@inlined
def collect(candidates: Records, place: Int, score: float, beam: Int, token: Int, ending: Int) -> None:
    """Writes a candidate down."""
    candidate = candidates[place]
    candidate.score = score
    candidate.beam = beam
    candidate.token = token
    candidate.ending = ending


@part
def sort(candidates: Records, count: Int) -> None:
    """Puts the first `count` candidates in order, best first (Shell, 1959)."""
    gap = count // 2
    while gap:
        for first in range(gap, count):
            i: Int = first
            while i >= gap and candidates[i - gap].score < candidates[i].score:
                _swap(candidates, i - gap, i)
                i -= gap
        gap //= 2


@part
def best_first(candidates: Records, count: Any, best: Any) -> float:
    """Moves the best of the first `count` candidates to the front (quickselect, Hoare 1961).

    Returns:
        The lowest score among the best.
    """
    low, high, last = 0, count - 1, best - 1
    while low < high:
        pivot = candidates[(low + high) // 2].score
        i, j = low, high
        while i <= j:
            while candidates[i].score > pivot:
                i += 1
            while candidates[j].score < pivot:
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
        lowest = min(lowest, candidates[place].score)
    return lowest


@part
def _swap(candidates: Records, i: Int, j: Int) -> None:
    one, other = candidates[i], candidates[j]
    one.score, other.score = other.score, one.score
    one.beam, other.beam = other.beam, one.beam
    one.token, other.token = other.token, one.token
    one.ending, other.ending = other.ending, one.ending
