"""The compiled part of beam search that forgets prefixes which lead to no beam."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asr.compiled import part
from asr.decode.search.tree import BEAMS, ENDINGS, NODES, NONE, Int, Records, Search


@part
def forget(search: Search) -> None:
    """Keeps the prefixes in the beam and those that lead to them, in their order, without gaps."""
    nodes, beams, endings, counts = search.nodes, search.beams, search.endings, search.counts
    place = search.moves
    _find_places(counts[NODES], nodes, place)
    kept, ended = 0, 0
    for old in range(counts[NODES]):
        new = place[old]
        if new == NONE:
            continue
        node = nodes[new]
        if new != old:
            nodes[new] = nodes[old]
        node.child = NONE
        if node.parent != NONE:
            node.parent = place[node.parent]
            node.sibling = nodes[node.parent].child
            nodes[node.parent].child = new
        for way in range(node.ways):
            if ended != node.endings:
                endings[ended + way] = endings[node.endings + way]
        node.endings = ended
        ended += node.ways
        kept += 1
    for beam in range(counts[BEAMS]):
        beams[beam].node = place[beams[beam].node]
    counts[NODES], counts[ENDINGS] = kept, ended


@part
def _find_places(count: Int, nodes: Records, place: NDArray[np.int32]) -> None:
    """Says where each node goes, or -1; parents come before their children."""
    place[:count] = NONE
    for node in range(count - 1, -1, -1):
        if nodes[node].beam != NONE or place[node] == 0:
            place[node] = 0
            if nodes[node].parent != NONE:
                place[nodes[node].parent] = 0
    kept = 0
    for node in range(count):
        if place[node] == 0:
            place[node] = kept
            kept += 1
