"""A search under way: what it has written for good, and what it still weighs."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asr.decode.align import align_checked
from asr.decode.beam_tree import NONE, Search, path
from asr.decode.ctc import Hypothesis
from asr.errors import TextError
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
    rest, shift = _best_path(log_probs[skipped:], tokens), first_frame + skipped
    if rest is None:  # the prefix was heard where another one has what is final
        rest, shift = _best_path(log_probs, tokens), first_frame
    if rest is None:  # another way to write the text was heard, and has been joined to this one
        frames = np.maximum(search.nodes["frame"][nodes] - first_frame, 0)
        heard = tuple(frames.tolist())
        rest = Hypothesis(tuple(tokens.tolist()), heard, heard, tuple(log_probs[frames, tokens].tolist()), 0)
    earliest = final.last_frames[-1] if final.last_frames else 0
    return Written(
        tokens=final.tokens + rest.tokens,
        first_frames=final.first_frames + tuple(max(frame + shift, earliest) for frame in rest.first_frames),
        last_frames=final.last_frames + tuple(max(frame + shift, earliest) for frame in rest.last_frames),
        log_probs=final.log_probs + rest.log_probs,
        endings=final.endings + tuple(search.nodes["word"][nodes].tolist()),
    )


def _best_path(log_probs: NDArray[np.float32], tokens: NDArray[np.int64]) -> Hypothesis | None:
    """The most probable path that writes the tokens, if there is one."""
    if required_frames(tokens) > len(log_probs):
        return None
    try:
        return align_checked(log_probs, tokens).hypothesis
    except TextError:
        return None


def joined(parts: Sequence[NDArray[np.float32]], vocabulary: int) -> NDArray[np.float32]:
    """Frames in parts, as one array (S, V)."""
    return np.concatenate([np.empty((0, vocabulary), np.float32), *parts])
