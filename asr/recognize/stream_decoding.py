"""Decoding a stream: the best path or a beam search, as far as it has got."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from asr.decode.beam import BeamDecoder
from asr.decode.ctc import BLANK, Hypothesis, greedy
from asr.decode.partial import Partials, closed_tokens, decided_text
from asr.decode.search.state import BeamState
from asr.decode.search.storage import StoredSearch
from asr.text.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class GreedyState:
    """The best path so far.

    Attributes:
        tokens, first_frames, last_frames, log_probs: As in `Hypothesis` (U,).
        total: Log-probability of the path, in nats.
        frames: Emission frames so far.
        last: The best token of the last of them.
    """

    tokens: tuple[int, ...] = ()
    first_frames: tuple[int, ...] = ()
    last_frames: tuple[int, ...] = ()
    log_probs: tuple[float, ...] = ()
    total: float = 0.0
    frames: int = 0
    last: int = BLANK


Decoding = GreedyState | BeamState | StoredSearch
"""Where the decoding of a stream stands; the last is a search at rest."""


@dataclass(frozen=True, slots=True, eq=False)
class GreedyStream:
    """Takes the best token of every frame."""

    tokenizer: Tokenizer

    def start(self) -> GreedyState:
        """Before the first frame."""
        return GreedyState()

    def advance(self, state: Decoding, log_probs: NDArray[np.float32]) -> GreedyState:
        """Goes on by frames (S, V); the last token before them may go on in the first of them."""
        state = _greedy(state)
        if not len(log_probs):
            return state
        new = greedy(log_probs)
        first = tuple(state.frames + frame for frame in new.first_frames)
        last = tuple(state.frames + frame for frame in new.last_frames)
        before, peaks = len(state.tokens), new.log_probs
        joined = bool(new.tokens) and first[0] == state.frames and new.tokens[0] == state.last
        if joined:
            before, first = before - 1, (state.first_frames[-1], *first[1:])
            peaks = (max(state.log_probs[-1], peaks[0]), *peaks[1:])
        return GreedyState(
            tokens=state.tokens[:before] + new.tokens,
            first_frames=state.first_frames[:before] + first,
            last_frames=state.last_frames[:before] + last,
            log_probs=state.log_probs[:before] + peaks,
            total=state.total + new.total,
            frames=state.frames + len(log_probs),
            last=int(log_probs[-1].argmax()),
        )

    def finish(self, state: Decoding) -> Hypothesis:
        """What was heard in all, but for what was settled."""
        state = _greedy(state)
        return Hypothesis(state.tokens, state.first_frames, state.last_frames, state.log_probs, state.total)

    def decided(self, state: Decoding) -> str:
        """The words that no later frame can change."""
        return decided_text(_greedy(state).tokens, self.tokenizer)

    def text(self, state: Decoding) -> str:
        """All words so far."""
        return self.tokenizer.decode(_greedy(state).tokens)

    def settle(self, state: Decoding) -> tuple[Hypothesis | None, GreedyState]:
        """Takes out the words that are finished: these, if there are any, and the new state."""
        state = _greedy(state)
        count = closed_tokens(state.tokens, self.tokenizer)
        if not count:
            return None, state
        done = Hypothesis(
            state.tokens[:count],
            state.first_frames[:count],
            state.last_frames[:count],
            state.log_probs[:count],
            total=0.0,
        )
        return done, replace(
            state,
            tokens=state.tokens[count:],
            first_frames=state.first_frames[count:],
            last_frames=state.last_frames[count:],
            log_probs=state.log_probs[count:],
        )

    def since(self, state: Decoding) -> int:
        """The emission frame before which no word will begin that has not been settled."""
        state = _greedy(state)
        return state.first_frames[0] if state.first_frames else state.frames


@dataclass(frozen=True, slots=True, eq=False)
class BeamStream:
    """Searches with a beam. The states change as it goes on."""

    decoder: BeamDecoder
    partials: Partials

    def start(self) -> BeamState:
        """Before the first frame."""
        return self.decoder.start()

    def advance(self, state: Decoding, log_probs: NDArray[np.float32]) -> BeamState:
        """Goes on by frames (S, V)."""
        self.decoder.advance(search := _search(state), log_probs)
        return search

    def finish(self, state: Decoding) -> Hypothesis:
        """The best hypothesis, but for what was settled."""
        return self.decoder.finish(_search(state))[0]

    def decided(self, state: Decoding) -> str:
        """The words that no later frame can change."""
        return self.partials.decided(_search(state))

    def text(self, state: Decoding) -> str:
        """The best text so far."""
        return self.partials.text(_search(state))

    def settle(self, state: Decoding) -> tuple[Hypothesis | None, BeamState]:
        """Takes out words that were committed: these, if there are any, and the new state."""
        search = _search(state)
        return self.partials.settle(search), search

    def since(self, state: Decoding) -> int:
        """The emission frame before which no word will begin that has not been settled."""
        search = _search(state)
        return min((search.first_frame, *search.final.first_frames[:1]))


StreamDecoder = GreedyStream | BeamStream


def _greedy(state: Decoding) -> GreedyState:
    assert isinstance(state, GreedyState)
    return state


def _search(state: Decoding) -> BeamState:
    assert isinstance(state, BeamState)
    return state
