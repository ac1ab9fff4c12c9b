"""Decoding a stream: the best path or a beam search, as far as it has got."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from asr.audio.features import joined
from asr.decode.beam import BeamDecoder
from asr.decode.ctc import BLANK, Hypothesis
from asr.decode.partial import Partials, Reader
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
class Emitted:
    """What the acoustic model gave for the next frames of a stream.

    Attributes:
        log_probs: Log-probabilities (S, V).
        tokens: The best token of each frame (S,); of equal ones the smallest.
        best: Their log-probabilities (S,).
        total: The sum of these.
    """

    log_probs: NDArray[np.float32]
    tokens: tuple[int, ...]
    best: tuple[float, ...]
    total: float


def emitted(emissions: Sequence[NDArray[np.float32]]) -> list[Emitted]:
    """Finds the best tokens in the emissions (S_i, V) of some streams, in all of them at once."""
    together = joined(emissions)
    best = together.max(1)
    all_tokens, all_best = tuple(together.argmax(1).tolist()), tuple(best.tolist())
    wide = best.astype(np.float64)
    found, first = [], 0
    for log_probs in emissions:
        last = first + len(log_probs)
        total = float(wide[first:last].sum())
        found.append(Emitted(log_probs, all_tokens[first:last], all_best[first:last], total))
        first = last
    return found


class GreedyStream:
    """Takes the best token of every frame.

    Args:
        tokenizer: Says what tokens spell.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._reader = Reader(tokenizer)

    def start(self) -> GreedyState:
        """Before the first frame."""
        return GreedyState()

    def advance(self, state: Decoding, new: Emitted) -> GreedyState:
        """Goes on by frames; the last token before them may go on in the first of them."""
        state = _greedy(state)
        kept = len(state.tokens) - (state.last != BLANK)
        tokens, first_frames = list(state.tokens[kept:]), list(state.first_frames[kept:])
        last_frames, peaks = list(state.last_frames[kept:]), list(state.log_probs[kept:])
        frame, last = state.frames, state.last
        for token, log_prob in zip(new.tokens, new.best, strict=True):
            if token != BLANK and token != last:
                tokens.append(token)
                first_frames.append(frame)
                last_frames.append(frame)
                peaks.append(log_prob)
            elif token != BLANK:
                last_frames[-1], peaks[-1] = frame, max(peaks[-1], log_prob)
            frame, last = frame + 1, token
        return GreedyState(
            tokens=(*state.tokens[:kept], *tokens),
            first_frames=(*state.first_frames[:kept], *first_frames),
            last_frames=(*state.last_frames[:kept], *last_frames),
            log_probs=(*state.log_probs[:kept], *peaks),
            total=state.total + new.total,
            frames=frame,
            last=last,
        )

    def decides(self, before: Decoding, after: Decoding) -> bool:
        """Whether more words may be decided after some frames than before them."""
        return self._reader.decides(_greedy(after).tokens[len(_greedy(before).tokens) :])

    def finish(self, state: Decoding) -> Hypothesis:
        """What was heard in all, but for what was settled."""
        state = _greedy(state)
        return Hypothesis(state.tokens, state.first_frames, state.last_frames, state.log_probs, state.total)

    def decided(self, state: Decoding) -> str:
        """The words that no later frame can change."""
        return self._reader.decided(_greedy(state).tokens)

    def text(self, state: Decoding) -> str:
        """All words so far."""
        return self._reader.text(_greedy(state).tokens)

    def settle(self, state: Decoding) -> tuple[Hypothesis | None, GreedyState]:
        """Takes out the words that are finished: these, if there are any, and the new state."""
        state = _greedy(state)
        count = self._reader.closed(state.tokens)
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

    def advance(self, state: Decoding, new: Emitted) -> BeamState:
        """Goes on by frames."""
        self.decoder.advance(search := _search(state), new.log_probs)
        return search

    def decides(self, before: Decoding, after: Decoding) -> bool:
        """Whether more words may be decided after some frames than before them."""
        return True

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
