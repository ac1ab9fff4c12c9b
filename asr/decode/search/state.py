"""A search under way: what it has written for good, and what it still weighs."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asr.decode.search.tree import NONE, Search, path
from asr.model.lengths import required_frames


@dataclass(frozen=True, slots=True)
class Written:
    """Tokens that have been written.

    Attributes:
        tokens, first_frames, last_frames, log_probs: As in `Hypothesis` (U,).
        endings: The entry of the word graph that ended before each token, UNKNOWN for a word that is not
            in there, NONE where no word ended (U,).
    """

    tokens: tuple[int, ...] = ()
    first_frames: tuple[int, ...] = ()
    last_frames: tuple[int, ...] = ()
    log_probs: tuple[float, ...] = ()
    endings: tuple[int, ...] = ()

    def first(self, count: int) -> Written:
        """The first `count` tokens."""
        return Written(
            self.tokens[:count],
            self.first_frames[:count],
            self.last_frames[:count],
            self.log_probs[:count],
            self.endings[:count],
        )

    def rest(self, count: int) -> Written:
        """The tokens after the first `count`; no word ended before them."""
        endings = self.endings[count:]
        return Written(
            self.tokens[count:],
            self.first_frames[count:],
            self.last_frames[count:],
            self.log_probs[count:],
            (NONE, *endings[1:]) if endings else (),
        )

    def finished(self) -> tuple[Written, int]:
        """The tokens without those of a last word that is not finished, and the entry of the word before."""
        ends = [place for place, ending in enumerate(self.endings) if ending != NONE]
        return (self.first(ends[-1]), self.endings[ends[-1]]) if ends else (self.first(0), NONE)


@dataclass(slots=True)
class ModelStates:
    """What a language model outside the search remembers, by number.

    Attributes:
        states: The states.
        numbers: The number of each.
    """

    states: list[Hashable] = field(default_factory=list)
    numbers: dict[Hashable, int] = field(default_factory=dict)

    def number(self, state: Hashable) -> int:
        """The number of a state; equal ones have the same."""
        found = self.numbers.setdefault(state, len(self.states))
        if found == len(self.states):
            self.states.append(state)
        return found

    def at(self, numbers: NDArray[np.integer]) -> list[Hashable]:
        """The states that have these numbers."""
        return [self.states[number] for number in numbers.tolist()]

    def keep(self, numbers: NDArray[np.integer]) -> None:
        """Forgets all states but these, which are numbered anew from 0."""
        self.states = self.at(numbers)
        self.numbers = {state: number for number, state in enumerate(self.states)}


@dataclass(slots=True)
class BeamState:
    """A search under way: one utterance or stream.

    Attributes:
        search: Prefixes since the last commit.
        log_probs: The frames (S, V) since then, in parts.
        first_frame: Number of the first of them.
        final: What was committed before.
        model: States of a model outside.
    """

    search: Search
    log_probs: list[NDArray[np.float32]] = field(default_factory=list)
    first_frame: int = 0
    final: Written = field(default_factory=Written)
    model: ModelStates = field(default_factory=ModelStates)


def written(
    search: Search, node: int, log_probs: NDArray[np.float32], first_frame: int, final: Written
) -> Written:
    """The tokens of a prefix, with the frames at which the best path that writes them has them.

    Args:
        search: Prefixes since the last commit.
        node: The prefix.
        log_probs: The frames (S, V) since then.
        first_frame: Number of the first of them.
        final: What was committed before.
    """
    nodes = path(search.nodes, node)
    tokens = search.nodes["token"][nodes].astype(np.int64)
    skipped = 0
    if len(tokens) and final.tokens:
        skipped = max(final.last_frames[-1] + 1 + (tokens[0] == final.tokens[-1]) - first_frame, 0)
    first, last, peaks = (
        _best_path(log_probs, tokens, skipped)
        or _best_path(log_probs, tokens)  # the prefix was heard where another one has what is final
        or _when_heard(search, nodes, log_probs, first_frame)  # another way to write the text was heard
    )
    earliest = final.last_frames[-1] if final.last_frames else 0
    return Written(
        tokens=final.tokens + tuple(tokens.tolist()),
        first_frames=final.first_frames + tuple(np.maximum(first + first_frame, earliest).tolist()),
        last_frames=final.last_frames + tuple(np.maximum(last + first_frame, earliest).tolist()),
        log_probs=final.log_probs + tuple(peaks.tolist()),
        endings=final.endings + tuple(search.nodes["word"][nodes].tolist()),
    )


Runs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]
"""First and last frame of each token (U,), and its log-probability at the best."""


def _best_path(log_probs: NDArray[np.float32], tokens: NDArray[np.int64], skipped: int = 0) -> Runs | None:
    """The most probable path that writes the tokens without the first frames, if there is one."""
    from asr.decode.align_kernel import best_path  # numba takes some tenths of a second to import

    if required_frames(tokens) > len(log_probs) - skipped:
        return None
    path = best_path(log_probs[skipped:], tokens)
    return (path.first + skipped, path.last + skipped, path.peaks) if path.total[0] > -np.inf else None


def _when_heard(
    search: Search, nodes: Sequence[int], log_probs: NDArray[np.float32], first_frame: int
) -> Runs:
    """The frames at which the prefixes came up."""
    frames = np.maximum(search.nodes["frame"][nodes] - first_frame, 0).astype(np.int64)
    return frames, frames, log_probs[frames, search.nodes["token"][nodes]]


def joined(parts: Sequence[NDArray[np.float32]], vocabulary: int) -> NDArray[np.float32]:
    """Frames in parts, as one array (S, V)."""
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([np.empty((0, vocabulary), np.float32), *parts])
