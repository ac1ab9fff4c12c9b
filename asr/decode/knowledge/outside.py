"""Language models outside the compiled search: after every frame they are asked about all that is new.

For words, that is how the last words of new prefixes may end; for tokens, what may follow each new prefix
in the beam. All questions of a frame are asked at once. The search knows the models' states by numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.decode.fusion import Fusion
from asr.decode.scorer import TokenScorer, WordScorer
from asr.decode.search.state import BeamState
from asr.decode.search.texts import Texts
from asr.decode.search.tree import BEAMS, ENDINGS, NODES, NONE, Records, path

SPARE = 4
"""States are sorted out once there are so many times more of them than are in use."""


@dataclass(frozen=True, slots=True, eq=False)
class WordsOutside:
    """Asks a model of words.

    Attributes:
        scorer: The model.
        texts: Reads the words of prefixes.
    """

    scorer: WordScorer[Any]
    texts: Texts

    def begin(self, state: BeamState) -> None:
        """Before the first frame."""
        state.search.nodes["model"][0] = state.model.number(self.scorer.start())

    def update(self, state: BeamState) -> None:
        """After a frame: scores the endings that have not been scored."""
        search, fusion = state.search, self.texts.fusion
        nodes, endings = search.nodes[: search.counts[NODES]], search.endings[: search.counts[ENDINGS]]
        owners = np.flatnonzero(nodes["ways"] > 0)
        owners = owners[endings["model"][nodes["endings"][owners]] == NONE]
        if not len(owners):
            return
        places, asking = _endings_of(nodes, owners)
        words = [
            self._word(state, node, entry)
            for node, entry in zip(asking.tolist(), endings["entry"][places].tolist(), strict=True)
        ]
        log_probs, following = self.scorer.advance(state.model.at(nodes["model"][asking]), words)
        strange = np.array([not self.scorer.knows(word) for word in words])
        language = fusion.alpha * log_probs + fusion.unknown_score * strange
        endings["language"][places] += language
        endings["gain"][places] += language
        endings["model"][places] = [state.model.number(after) for after in following]
        nodes["most"][owners] = -np.inf
        np.maximum.at(nodes["most"], asking, endings["gain"][places])
        if len(state.model.states) > SPARE * (len(nodes) + len(endings)):
            used, numbers = np.unique(np.concatenate([nodes["model"], endings["model"]]), return_inverse=True)
            state.model.keep(used)
            nodes["model"], endings["model"] = numbers[: len(nodes)], numbers[len(nodes) :]

    def finish(self, state: BeamState, found: Records) -> None:
        """Adds what texts, given as FINAL, gain at their ends."""
        _add(found, self.texts.fusion.alpha * self.scorer.finish(state.model.at(found["model"])))

    def _word(self, state: BeamState, node: int, entry: int) -> str:
        """The text of the last word of a prefix."""
        nodes = path(state.search.nodes, node)
        tokens = [*state.final.tokens, *state.search.nodes["token"][nodes].tolist()]
        endings = [*state.final.endings, *state.search.nodes["word"][nodes].tolist()]
        begins = [place for place, ending in enumerate(endings) if ending != NONE]
        word = tokens[begins[-1] if begins else 0 :]
        return self.texts.word(entry, [token for token in word if token != self.texts.fusion.units.separator])


@dataclass(frozen=True, slots=True, eq=False)
class TokensOutside:
    """Asks a model of tokens.

    Attributes:
        scorer: The model.
        alpha: Factor of its log-probabilities.
    """

    scorer: TokenScorer[Any]
    alpha: float

    def begin(self, state: BeamState) -> None:
        """Before the first frame."""
        log_probs, state.model.states = self.scorer.next([self.scorer.start()], [0])
        state.search.nodes["slot"][0] = 0
        state.search = state.search._replace(token_scores=self.alpha * log_probs)

    def update(self, state: BeamState) -> None:
        """After a frame: says what may follow the prefixes that are new in the beam."""
        search, model = state.search, state.model
        nodes = search.nodes[: search.counts[NODES]]
        in_beam = search.beams["node"][: search.counts[BEAMS]]
        new = np.sort(in_beam[nodes["slot"][in_beam] == NONE])
        if not len(new):
            return
        before = model.at(nodes["slot"][nodes["parent"][new]])
        log_probs, following = self.scorer.next(before, nodes["token"][new].tolist())
        first = len(model.states)
        rows = np.concatenate([search.token_scores[:first], self.alpha * log_probs])
        model.states += following
        nodes["slot"][new] = np.arange(first, first + len(new))
        used, numbers = np.unique(nodes["slot"], return_inverse=True)
        if len(rows) > SPARE * len(used):
            kept = used[used != NONE]
            model.keep(kept)
            nodes["slot"], rows = numbers - (len(used) - len(kept)), rows[kept]
        state.search = search._replace(token_scores=rows)

    def finish(self, state: BeamState, found: Records) -> None:
        """Adds what texts, given as FINAL, gain at their ends."""
        _add(found, self.alpha * self.scorer.finish(state.model.at(found["model"])))


def outside_of(fusion: Fusion, texts: Texts) -> WordsOutside | TokensOutside | None:
    """What asks the scorer of a fusion, if it has one."""
    if fusion.scorer is None:
        return None
    if fusion.scorer.reads == "words":
        return WordsOutside(fusion.scorer, texts)
    return TokensOutside(fusion.scorer, fusion.token_alpha)


def _add(found: Records, language: NDArray[np.float64]) -> None:
    for part in ("total", "best", "language"):
        found[part] += language


def _endings_of(nodes: Records, owners: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of the endings of some nodes, and whose each is."""
    first, count = nodes["endings"][owners].astype(np.int64), nodes["ways"][owners].astype(np.int64)
    shifts = first - (np.cumsum(count) - count)
    return np.repeat(shifts, count) + np.arange(count.sum()), np.repeat(owners, count)
