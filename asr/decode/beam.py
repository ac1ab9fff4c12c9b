"""CTC prefix beam search: the most probable texts, each summed over all alignments that write it.

Greedy decoding reads the best path. A text may have many paths, and the best text is the one whose paths
have the most probability together (Graves et al., 2006; Hannun et al., 2014). The search keeps the best K
prefixes at every emission frame. All that it knows is in a `BeamState`, so any number of utterances and
streams can go on side by side, and decoding a whole utterance is one `advance`.

>>> decoder = BeamDecoder(DecodingConfig(beam_size=50))
>>> best, second = decoder.decode(log_probs, nbest=2)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from asr.config import DecodingConfig
from asr.decode.align import align, checked_log_probs
from asr.decode.beam_tree import BEAMS, FRAMES, Limits, Search, commit, make_room, new_search, path
from asr.decode.ctc import Emission, Hypothesis
from asr.errors import TextError

NOTHING = Hypothesis((), (), (), (), 0.0)
FRAMES_AT_ONCE = 64  # between two looks at how much room there is


@dataclass(slots=True)
class BeamState:
    """A search under way: one utterance or stream.

    Attributes:
        search: Prefixes since the last commit.
        log_probs: The frames (S, V) since then, in parts.
        first_frame: Number of the first of them.
        final: What was committed before; its total is 0.
    """

    search: Search
    log_probs: list[NDArray[np.float32]] = field(default_factory=list)
    first_frame: int = 0
    final: Hypothesis = NOTHING


class BeamDecoder:
    """Prefix beam search. It keeps no state; `start` gives one out.

    Args:
        config: How wide to search.
        vocabulary: Number of tokens V, blank included.
    """

    def __init__(self, config: DecodingConfig, vocabulary: int) -> None:
        self.config = config
        self._vocabulary = vocabulary
        self._limits = Limits(
            width=config.beam_size,
            tokens=config.cutoff_top_n,
            probability=config.cutoff_prob,
            distance=config.beam_threshold,
            blank=math.log(config.blank_threshold) if config.blank_threshold < 1 else math.inf,
        )

    def start(self) -> BeamState:
        """A search before its first frame."""
        width = self.config.beam_size
        return BeamState(new_search(width, self._vocabulary, 1 + width * FRAMES_AT_ONCE))

    def advance(self, state: BeamState, log_probs: NDArray[np.float32]) -> None:
        """Goes on with a search; how frames are divided into calls changes nothing, to the last bit.

        Args:
            state: From `start`.
            log_probs: Natural-log probabilities of the next frames (S, V); S may be 0.

        Raises:
            EmissionError: If they are no log-probabilities, or V is another one.
        """
        from asr.decode.beam_kernel import advance  # numba takes some tenths of a second to import

        log_probs = checked_log_probs(log_probs, self._vocabulary).copy()
        config = self.config
        while len(log_probs):
            frame = int(state.search.counts[FRAMES])
            part = log_probs[: min(FRAMES_AT_ONCE, config.commit_frames - frame % config.commit_frames)]
            state.search = make_room(state.search, config.beam_size * len(part))
            advance(part, self._limits, state.search)
            state.log_probs.append(part)
            log_probs = log_probs[len(part) :]
            if (frame + len(part)) % config.commit_frames == 0:
                self._commit(state)

    def finish(self, state: BeamState, nbest: int = 1) -> tuple[Hypothesis, ...]:
        """The best hypotheses so far, best first; the search can still go on.

        The frames of a token are those of the best path that writes the hypothesis.

        Args:
            state: From `start`.
            nbest: How many hypotheses at most.
        """
        log_probs = _joined(state.log_probs, self._vocabulary)
        totals = _totals(state.search)
        order = np.argsort(-totals, kind="stable")[:nbest]
        return tuple(
            replace(_aligned(state, int(beam), log_probs), total=float(totals[beam])) for beam in order
        )

    def decode(self, log_probs: NDArray[np.float32], nbest: int = 1) -> tuple[Hypothesis, ...]:
        """Decodes a whole utterance (S, V); see `advance` and `finish`."""
        state = self.start()
        self.advance(state, log_probs)
        return self.finish(state, nbest)

    def decode_batch(
        self, emission: Emission, nbest: int = 1, threads: int = 1
    ) -> list[tuple[Hypothesis, ...]]:
        """Decodes utterances side by side in threads; each result is the one it would have alone."""
        utterances = [row[:length] for row, length in zip(emission.log_probs, emission.lengths, strict=True)]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(lambda utterance: self.decode(utterance, nbest), utterances))

    def _commit(self, state: BeamState) -> None:
        """Makes final what the best prefix wrote long ago, and forgets all prefixes that disagree."""
        search = state.search
        due = int(search.counts[FRAMES]) - self.config.commit_frames
        beam = int(np.argmax(_totals(search)))
        nodes = path(search.nodes, int(search.beams.node[beam]))
        old = [node for node in nodes if search.nodes["frame"][node] < due]
        if not old:
            return
        log_probs = _joined(state.log_probs, self._vocabulary)
        state.final = _first(_aligned(state, beam, log_probs), len(state.final.tokens) + len(old))
        after = int(search.nodes["frame"][old[-1]]) + 1  # nothing that follows was ever heard before
        state.log_probs, state.first_frame = [log_probs[after - state.first_frame :]], after
        state.search = commit(search, old[-1])


def _totals(search: Search) -> NDArray[np.float64]:
    count = search.counts[BEAMS]
    return np.logaddexp(search.beams.blank[:count], search.beams.spoken[:count])


def _joined(parts: Sequence[NDArray[np.float32]], vocabulary: int) -> NDArray[np.float32]:
    return np.concatenate([np.empty((0, vocabulary), np.float32), *parts])


def _aligned(state: BeamState, beam: int, log_probs: NDArray[np.float32]) -> Hypothesis:
    """The tokens of a beam, with the frames at which the best path that writes them has them."""
    search, final = state.search, state.final
    nodes = path(search.nodes, int(search.beams.node[beam]))
    tokens = search.nodes["token"][nodes].tolist()
    skipped = 0
    if tokens and final.tokens:
        skipped = final.last_frames[-1] + 1 + (tokens[0] == final.tokens[-1]) - state.first_frame
    try:
        rest = align(log_probs[max(skipped, 0) :], tokens).hypothesis
    except TextError:  # this prefix was heard where another one has what is final
        skipped, rest = 0, align(log_probs, tokens).hypothesis
    shift = state.first_frame + max(skipped, 0)
    return Hypothesis(
        tokens=final.tokens + rest.tokens,
        first_frames=final.first_frames + tuple(frame + shift for frame in rest.first_frames),
        last_frames=final.last_frames + tuple(frame + shift for frame in rest.last_frames),
        log_probs=final.log_probs + rest.log_probs,
        total=rest.total,
    )


def _first(hypothesis: Hypothesis, count: int) -> Hypothesis:
    """The first `count` tokens of a hypothesis."""
    return Hypothesis(
        tokens=hypothesis.tokens[:count],
        first_frames=hypothesis.first_frames[:count],
        last_frames=hypothesis.last_frames[:count],
        log_probs=hypothesis.log_probs[:count],
        total=0.0,
    )
