"""How much a language model counts beside an acoustic model, which depends on both of them.

`asr.recognize.tune` finds it; a model folder that carries a language model keeps it.
"""

from __future__ import annotations

from dataclasses import dataclass

from asr.carried import Carried
from asr.config import NotNegative, NotPositive, Positive
from asr.lm.automaton import Automaton


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a search with a language model of words uses.

    Attributes:
        alpha: Factor of the log-probabilities of the language model.
        beta: Bonus of every word, in nats.
        unknown_score: What a word is given that the language model does not know, in nats.
        unknown_letter: What it is given for each of its characters, at most 0.
        closed: Whether only words are written that the language model knows.
        beam_size: Prefixes kept at each frame.
    """

    alpha: NotNegative = 0.5
    beta: float = 1.0
    unknown_score: float = -2.0
    unknown_letter: NotPositive = -1.0
    closed: bool = False
    beam_size: Positive = 100


@dataclass(frozen=True, slots=True, eq=False)
class TunedModel:
    """A language model of words, and how it is used.

    Attributes:
        model: Ready for use.
        tuning: How it is used.
        packed: The same in few bytes (`asr.lm.packed_storage`), if that is how it is to be stored.
    """

    model: Automaton
    tuning: Tuning = Tuning()
    packed: Carried | None = None
