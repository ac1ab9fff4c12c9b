"""CTC prefix beam search: the most probable texts, each summed over all alignments that write it.

Greedy decoding reads the best path. A text may have many paths, and the best text is the one whose paths
have the most probability together (Graves et al., 2006; Hannun et al., 2014). The search keeps the best K
prefixes at every emission frame. All that it knows is in a `BeamState`, so any number of utterances and
streams can go on side by side, and decoding a whole utterance is one `advance`.

>>> decoder = BeamDecoder(DecodingConfig(beam_size=50), vocabulary=29)
>>> best, second = decoder.decode(log_probs, nbest=2)
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from asr.config import DecodingConfig
from asr.decode.align import checked_log_probs
from asr.decode.ctc import Emission, Hypothesis
from asr.decode.fusion import Fusion
from asr.decode.knowledge.arrays import nothing_known
from asr.decode.knowledge.layout import Layout, layout_of
from asr.decode.knowledge.outside import outside_of
from asr.decode.partial import Partials
from asr.decode.search.state import BeamState, Written, joined, written
from asr.decode.search.storage import StoredSearch, restore, store
from asr.decode.search.texts import Texts
from asr.decode.search.tree import (
    BEAMS,
    FRAMES,
    NONE,
    Limits,
    Search,
    commit,
    drop_old,
    empty_prefix,
    make_room,
    new_search,
    path,
)
from asr.errors import FusionError, StreamError
from asr.text.tokenizer import Tokenizer


class BeamDecoder:
    """Prefix beam search. It keeps no state; `start` gives one out.

    Args:
        config: How wide to search.
        vocabulary: Number of tokens V, blank included.
        fusion: What to know besides the emissions.

    Raises:
        FusionError: If `fusion` is about another number of tokens.
    """

    def __init__(self, config: DecodingConfig, vocabulary: int, fusion: Fusion | None = None) -> None:
        self.config = config
        self.fusion = fusion
        self._vocabulary = vocabulary
        self._layout = _layout(vocabulary, fusion)
        self._texts = Texts(fusion, self._layout) if fusion is not None else None
        self._outside = outside_of(fusion, self._texts) if fusion and self._texts else None
        self._root = empty_prefix(self._layout.starts)
        self._limits = Limits(
            width=config.beam_size,
            endings=config.beam_size * self._layout.most_endings,
            tokens=config.cutoff_top_n,
            probability=float(config.cutoff_prob),
            distance=float(config.beam_threshold),
            blank=math.log(config.blank_threshold) if config.blank_threshold < 1 else math.inf,
        )

    def start(self) -> BeamState:
        """A search before its first frame."""
        state = BeamState(new_search(self._limits, self._vocabulary, self._root))
        if self._outside is not None:
            self._outside.begin(state)
        return state

    def advance(self, state: BeamState, log_probs: NDArray[np.float32]) -> None:
        """Goes on with a search; how frames are divided into calls changes nothing, to the last bit.

        Args:
            state: From `start`.
            log_probs: Natural-log probabilities of the next frames (S, V); S may be 0.

        Raises:
            EmissionError: If they are no log-probabilities, or V is another one.
        """
        self._advance(state, checked_log_probs(log_probs, self._vocabulary).copy())

    def finish(self, state: BeamState, nbest: int = 1) -> tuple[Hypothesis, ...]:
        """The best hypotheses so far, best first; the search can still go on.

        The frames of a token are those of the best path that writes the hypothesis.

        Args:
            state: From `start`.
            nbest: How many hypotheses at most; with a `Fusion` that knows words, each has another text.
        """
        from asr.decode.search.kernel import finals, join_texts

        found = finals(self._layout.knowledge, state.search)
        if not len(found):
            return (self._unfinished(state),)
        if self._outside is not None:
            self._outside.finish(state, found)
        if self._layout.graph is not None:
            found = join_texts(found)
        order = np.argsort(-found["total"], kind="stable")[:nbest]
        log_probs = joined(state.log_probs, self._vocabulary)
        hypotheses = []
        for final in found[order].tolist():
            total, _, language, hotwords, _, node, last, _ = final
            text = written(state.search, node, log_probs, state.first_frame, state.final)
            hypotheses.append(self._hypothesis(text, last, total, language, hotwords))
        return tuple(hypotheses)

    def decode(self, log_probs: NDArray[np.float32], nbest: int = 1) -> tuple[Hypothesis, ...]:
        """Decodes a whole utterance (S, V); see `advance` and `finish`."""
        state = self.start()
        self._advance(state, checked_log_probs(log_probs, self._vocabulary))
        return self.finish(state, nbest)

    def decode_batch(
        self, emission: Emission, nbest: int = 1, threads: int = 1
    ) -> list[tuple[Hypothesis, ...]]:
        """Decodes utterances side by side in threads; each result is the one it would have alone."""
        utterances = [row[:length] for row, length in zip(emission.log_probs, emission.lengths, strict=True)]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(lambda utterance: self.decode(utterance, nbest), utterances))

    def partials(self, tokenizer: Tokenizer) -> Partials:
        """What reads searches that are under way."""
        return Partials(self._layout, self._texts, tokenizer)

    def store(self, state: BeamState) -> StoredSearch:
        """A search as plain values.

        Raises:
            StreamError: If it asks a model outside, whose states only that model knows.
        """
        if self._outside is not None:
            raise StreamError(
                "a stream that asks a language model from outside cannot be stored; finish it here, or give "
                "the model as an ARPA file"
            )
        return store(state)

    def restore(self, stored: StoredSearch) -> BeamState:
        """The search that `store` was given. Raises StreamError if it does not fit this decoder."""
        if self._outside is not None or len(stored.stamps) != self._vocabulary:
            raise StreamError("a stored stream was decoded in another way; load it with the same options")
        return restore(stored, self._limits, self._root)

    def _advance(self, state: BeamState, log_probs: NDArray[np.float32]) -> None:
        """Goes on by frames that have been checked, and that nobody changes while they are kept."""
        from asr.decode.search.kernel import advance  # numba takes some tenths of a second to import

        every = self.config.commit_frames
        while len(log_probs):
            frame = int(state.search.counts[FRAMES])
            most = 1 if self._outside is not None else every - frame % every
            advance(log_probs[:most], self._limits, self._layout.knowledge, state.search)
            done = int(state.search.counts[FRAMES]) - frame
            if not done:
                state.search = make_room(state.search, self._limits)
                continue
            if self._outside is not None:
                self._outside.update(state)
            state.log_probs.append(log_probs[:done])
            log_probs = log_probs[done:]
            if (frame + done) % every == 0:
                self._commit(state)

    def _commit(self, state: BeamState) -> None:
        """Makes final what the best prefix wrote long ago, and forgets all prefixes that disagree."""
        from asr.decode.search.kernel import forget

        search = state.search
        due = int(search.counts[FRAMES]) - self.config.commit_frames
        node = int(search.beams["node"][np.argmax(_totals(search))])
        nodes = path(search.nodes, node)
        log_probs = joined(state.log_probs, self._vocabulary)
        text = written(search, node, log_probs, state.first_frame, state.final)
        before = len(state.final.tokens)
        heard = np.maximum(search.nodes["frame"][nodes], text.last_frames[before:])
        count = int(np.argmax(np.append(heard >= due, True)))
        if count:
            state.final = text.first(before + count)
            after = int(search.nodes["frame"][nodes[count - 1]]) + 1  # what follows was never heard before
            commit(search, nodes[count - 1])
        else:
            following = nodes[0] if nodes else NONE
            after = min([due, *search.nodes["frame"][nodes[:1]].tolist()])
            drop_old(search, due, following)
        after = max(after, state.first_frame)
        state.log_probs, state.first_frame = [log_probs[after - state.first_frame :]], after
        forget(search)

    def _hypothesis(
        self, text: Written, last: int, total: float, language: float, hotwords: float
    ) -> Hypothesis:
        if self._texts is None:
            return Hypothesis(text.tokens, text.first_frames, text.last_frames, text.log_probs, total)
        return self._texts.hypothesis(text, last, total, language, hotwords)

    def _unfinished(self, state: BeamState) -> Hypothesis:
        """The best prefix where none can end: without its last word, of which only a part was heard."""
        totals = _totals(state.search)
        if not len(totals):  # everything that may be written was impossible to hear
            return Hypothesis((), (), (), (), -np.inf)
        best = int(np.argmax(totals))
        log_probs = joined(state.log_probs, self._vocabulary)
        place = int(state.search.beams["node"][best])
        text, last = written(state.search, place, log_probs, state.first_frame, state.final).finished()
        node = state.search.nodes[place]
        parts = float(node["language"]), float(node["hotwords"])
        return self._hypothesis(text, last, float(totals[best]), *parts)


def _layout(vocabulary: int, fusion: Fusion | None) -> Layout:
    if fusion is None:
        return Layout(nothing_known(vocabulary))
    if len(fusion.units) != vocabulary:
        raise FusionError(
            f"a fusion for {len(fusion.units)} tokens and a model of {vocabulary}; "
            "take the units of the model"
        )
    return layout_of(fusion)


def _totals(search: Search) -> NDArray[np.float64]:
    beams = search.beams[: search.counts[BEAMS]]
    return np.asarray(beams["total"] + search.nodes["score"][beams["node"]])
