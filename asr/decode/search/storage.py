"""A search under way as plain values, so that it can be stored, sent, and gone on with elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.decode.search.state import BeamState, Written, joined
from asr.decode.search.tree import BEAM, BEAMS, ENDING, ENDINGS, NODE, NODES, Limits, Search, new_search
from asr.errors import StreamError

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class StoredSearch:
    """All that a search remembers.

    Attributes:
        nodes, endings, beams: Those that are in use, as bytes.
        room: For how many nodes and endings there was room: it says when the search will tidy up.
        stamps, counts: As in `Search`.
        log_probs, first_frame, final: As in `BeamState`; the frames in one piece.
    """

    nodes: Bytes
    endings: Bytes
    beams: Bytes
    room: tuple[int, int]
    stamps: NDArray[np.int64]
    counts: NDArray[np.int64]
    log_probs: NDArray[np.float32]
    first_frame: int
    final: Written


def store(state: BeamState) -> StoredSearch:
    """Copies what a search remembers."""
    search = state.search
    counts = search.counts
    return StoredSearch(
        nodes=_bytes(search.nodes[: counts[NODES]]),
        endings=_bytes(search.endings[: counts[ENDINGS]]),
        beams=_bytes(search.beams[: counts[BEAMS]]),
        room=(len(search.nodes), len(search.endings)),
        stamps=search.stamps.copy(),
        counts=counts.copy(),
        log_probs=joined(state.log_probs, len(search.stamps)).copy(),
        first_frame=state.first_frame,
        final=state.final,
    )


def restore(stored: StoredSearch, limits: Limits, root: NDArray[np.void]) -> BeamState:
    """The search that `store` was given.

    Raises:
        StreamError: If these are no values that `store` gave for a search of these limits.
    """
    search = new_search(limits, len(stored.stamps), root)
    nodes, endings = stored.room
    search = search._replace(
        nodes=np.zeros(nodes, NODE),
        moves=np.zeros(nodes, np.int32),
        endings=np.zeros(endings, ENDING),
        stamps=stored.stamps.copy(),
        counts=stored.counts.copy(),
    )
    _fill(search, stored)
    return BeamState(search, [stored.log_probs], stored.first_frame, stored.final)


def _fill(search: Search, stored: StoredSearch) -> None:
    for records, content, count in (
        (search.nodes, stored.nodes, NODES),
        (search.endings, stored.endings, ENDINGS),
        (search.beams, stored.beams, BEAMS),
    ):
        used = int(search.counts[count])
        if len(content) != used * records.dtype.itemsize or used > len(records):
            raise StreamError("a stored stream is damaged: its search does not fit together; start it anew")
        records[:used] = content.view(records.dtype)
    assert search.beams.dtype == BEAM


def _bytes(records: NDArray[np.void]) -> Bytes:
    return np.frombuffer(records.tobytes(), np.uint8)
