"""Scorers: any language model, asked in batches, whose states the search carries along.

N-grams are read inside the compiled search. Everything else comes through one of two doors: a
`WordScorer` is asked when words are finished, a `TokenScorer` after every token. Neither keeps anything
between two calls: what a model remembers of a text is a state, which goes in and comes out. So one model
serves any number of searches at once, and a search may drop or double its hypotheses as it likes.

States can be compared and hashed: equal ones remember the same.

>>> scorer = AutomatonScorer(load_language_model(Path("lm.arpa")))
>>> log_probs, states = scorer.advance([scorer.start()] * 2, ["yes", "no"])
>>> at_the_end = log_probs + scorer.finish(states)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from asr.lm.automaton import Automaton

State = TypeVar("State")
Reals = NDArray[np.float64]


class WordScorer(Protocol[State]):
    """A language model that reads words."""

    @property
    def reads(self) -> Literal["words"]:
        """What the model reads."""

    def start(self) -> State:
        """The state at the beginning of a text."""

    def knows(self, word: str) -> bool:
        """Whether a word is in the model's vocabulary."""

    def advance(self, states: Sequence[State], words: Sequence[str]) -> tuple[Reals, list[State]]:
        """Reads one word in each of N states.

        Args:
            states: Where each text is.
            words: Its next word.

        Returns:
            Natural log-probabilities (N,), and the next states. A word that the model does not know has
            that of <unk>; in a model without <unk> it has 0, and all before it is forgotten.
        """

    def finish(self, states: Sequence[State]) -> Reals:
        """Natural log-probabilities (N,) that the texts end; zeros in a model without </s>."""


class TokenScorer(Protocol[State]):
    """A language model that reads tokens, and says what each of all V would be worth next."""

    @property
    def reads(self) -> Literal["tokens"]:
        """What the model reads."""

    def start(self) -> State:
        """The state at the beginning of a text."""

    def next(self, states: Sequence[State], tokens: Sequence[int]) -> tuple[Reals, list[State]]:
        """Reads one token in each of N states.

        Args:
            states: Where each text is.
            tokens: Its next token. Blank, 0, writes nothing, and leaves a state as it is: with it, one
                asks what may come at the beginning.

        Returns:
            Natural log-probabilities (N, V) of what may follow, 0 for blank; and the next states.
            Tokens that the model does not know are treated like words in `WordScorer.advance`.
        """

    def finish(self, states: Sequence[State]) -> Reals:
        """Natural log-probabilities (N,) that the texts end; zeros in a model without </s>."""


Scorer: TypeAlias = WordScorer[Any] | TokenScorer[Any]


@dataclass(frozen=True, slots=True, eq=False)
class AutomatonScorer:
    """An n-gram model of words as a `WordScorer`; states are those of the automaton."""

    automaton: Automaton

    @property
    def reads(self) -> Literal["words"]:
        """Words."""
        return "words"

    def start(self) -> int:
        """After <s>; see WordScorer."""
        return self.automaton.start

    def knows(self, word: str) -> bool:
        """Whether it is among the words of the automaton; see WordScorer."""
        return word in self.automaton.ids

    def advance(self, states: Sequence[int], words: Sequence[str]) -> tuple[Reals, list[int]]:
        """Reads one word in each state; see WordScorer."""
        log_probs, following = _advance(self.automaton, states, list(map(self.automaton.id, words)))
        return log_probs, following.tolist()

    def finish(self, states: Sequence[int]) -> Reals:
        """Reads </s>; see WordScorer."""
        return _finish(self.automaton, states)


@dataclass(frozen=True, slots=True, eq=False)
class TokenAutomatonScorer:
    """An n-gram model of tokens as a `TokenScorer`; states are those of the automaton.

    Attributes:
        automaton: The model.
        tokens: How each token is written in the model (V,); the first one, blank, is not.
    """

    automaton: Automaton
    tokens: tuple[str, ...]
    ids: NDArray[np.int32] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        ids = np.array(list(map(self.automaton.id, self.tokens)), np.int32)
        object.__setattr__(self, "ids", ids)

    @property
    def reads(self) -> Literal["tokens"]:
        """Tokens."""
        return "tokens"

    def start(self) -> int:
        """After <s>; see TokenScorer."""
        return self.automaton.start

    def next(self, states: Sequence[int], tokens: Sequence[int]) -> tuple[Reals, list[int]]:
        """Reads one token in each state, then looks at all that may follow; see TokenScorer."""
        _, reached = _advance(self.automaton, states, self.ids[list(tokens)])
        following = np.where(np.array(tokens) == 0, states, reached)
        size = len(self.tokens)
        log_probs, _ = _advance(self.automaton, np.repeat(following, size), np.tile(self.ids, len(following)))
        log_probs = log_probs.reshape(-1, size)
        log_probs[:, 0] = 0.0
        return log_probs, following.tolist()

    def finish(self, states: Sequence[int]) -> Reals:
        """Reads </s>; see TokenScorer."""
        return _finish(self.automaton, states)


Integers: TypeAlias = Sequence[int] | NDArray[np.integer]


def _advance(automaton: Automaton, states: Integers, ids: Integers) -> tuple[Reals, NDArray[np.int32]]:
    """Reads a word in each state (N,); what the model has no number for is worth 0."""
    words = np.array(ids, np.int32)
    log_probs, following = automaton.advance_all(np.array(states, np.int32), words)
    return np.where(words < 0, 0.0, log_probs), following


def _finish(automaton: Automaton, states: Sequence[int]) -> Reals:
    if automaton.end < 0:
        return np.zeros(len(states))
    return _advance(automaton, states, [automaton.end] * len(states))[0]
