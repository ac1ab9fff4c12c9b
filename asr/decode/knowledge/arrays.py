"""What a search knows besides the emissions, as the plain arrays that compiled code reads.

`asr.decode.fusion` says what it is; here it is laid out. Everything that is missing (no language model,
no hotwords) is there with empty arrays, so that the compiled search has one type. What is read together
stands together in one record.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.lm.arcs import STATE, Records, arc_records, records, state_records
from asr.lm.automaton import Automaton
from asr.lm.hashing import EMPTY

NONE = -1
ROOT = 0
"""The state of an automaton, and the node of a graph, where nothing has been read."""

INSIDE, SEPARATOR, STARTS, EITHER = range(4)
"""Kinds of tokens: within a word; between two words; the first of a word; within a phrase or after it."""

SPOT = np.dtype(
    [
        ("ahead", np.float64),  # the best that a word begun can still bring; 0 where none has begun
        ("tokens", np.uint64),  # a bit for every token modulo 64 that an arc from here has
        ("first", np.int32),  # the first entry of the words that end here
        ("count", np.int32),  # how many there are
    ],
    align=True,
)
ENTRY = np.dtype(
    [
        ("word", np.int32),  # its number in the graph
        ("symbol", np.int32),  # its number in the word model, or -1
        ("score", np.float64),  # ln of the probability of the pronunciation
    ],
    align=True,
)
TOKEN = np.dtype(
    [
        ("kind", np.int32),  # INSIDE, SEPARATOR, STARTS or EITHER
        ("otherwise", np.int32),  # the node that it leads to from the root where the graph has none; or -1
        ("symbol", np.int32),  # its number in the token model, or -1
        ("letters", np.int32),  # how many characters it writes, marks and separators aside
        ("first", np.int32),  # the node that it leads to once a word has ended, or -1
        ("start", np.float64),  # what is gained there
        ("factor", np.uint64),  # it makes the hash h of a text ``h * factor + term`` modulo 2**64
        ("term", np.uint64),
    ],
    align=True,
)
SETTINGS = np.dtype(
    [
        ("graph", np.int64),  # whether there is a word graph; without one, words are not looked at
        ("open", np.int64),  # whether other words may be written, too
        ("merge", np.int64),  # whether prefixes that write one text with other tokens become one
        ("by_word", np.int64),  # whether texts are told apart by the numbers of words, else by spelling
        ("bare", np.int64),  # the node of the graph that a mark alone leads to, or -1
        ("words", np.int64),  # W, which is the end symbol of the hotwords among words
        ("unknown", np.int64),  # <unk> of the word model, or -1
        ("end", np.int64),  # </s> of the word model, or -1
        ("token_end", np.int64),  # </s> of the token model, or -1
        ("word_model", np.int64),  # which of them there are
        ("asks_words", np.int64),
        ("asks_tokens", np.int64),
        ("asks", np.int64),  # whether there is anything that a single token gains
        ("token_model", np.int64),
        ("word_hotwords", np.int64),
        ("token_hotwords", np.int64),
        ("alpha", np.float64),  # factor of the log-probabilities of words
        ("token_alpha", np.float64),  # the same of tokens
        ("beta", np.float64),  # bonus of a word
        ("unknown_score", np.float64),  # what is added for a word or token that the model does not know
        ("unknown_letter", np.float64),  # what is added for each of its characters; never above 0
        ("reach", np.float64),  # the most that a token can gain besides its log-probability
        ("start", np.float64),  # the most that the beginning of a word can gain
    ],
    align=True,
)


class Arcs(NamedTuple):
    """A back-off automaton; A arcs in a hash table of P places, C states, of which 0 is the root.

    Reading symbol x in state s follows the arc (s, x) and gains its score. Where there is none, the
    back-off score of s is gained and x is read in the back-off state of s; the root gains nothing then.

    Attributes:
        keys: Hash table of ``state << 24 | symbol`` (P,), as in `asr.lm.hashing`.
        following: The state that the arc leads to (P,).
        scores: What the arc gains, in nats (P,).
        backoff_scores: What backing off from a state gains, in nats (C,).
        backoff_states: Where it leads; always a smaller number but for the root (C,).
    """

    keys: NDArray[np.int64]
    following: NDArray[np.int32]
    scores: NDArray[np.float32]
    backoff_scores: NDArray[np.float32]
    backoff_states: NDArray[np.int32]


class Reader(NamedTuple):
    """An automaton as records: ARC in a hash table (P,), STATE (C,)."""

    arcs: Records
    states: Records


class Knowledge(NamedTuple):
    """All that a search knows besides the emissions.

    Attributes:
        settings: One record SETTINGS.
        tokens: TOKEN (V,).
        arcs: ARC of the word graph, whose scores are `ahead` of the node that they lead to.
        spots: SPOT of the nodes of the graph, and of two more (G + 2,): the end of a text after the last
            separator or mark, and all words that the graph does not hold.
        entries: ENTRY (E,).
        word_model, token_model: N-gram models.
        word_hotwords, token_hotwords: Automata of hotwords; their end symbols are W and V.
    """

    settings: Records
    tokens: Records
    arcs: Records
    spots: Records
    entries: Records
    word_model: Reader
    token_model: Reader
    word_hotwords: Reader
    token_hotwords: Reader


def nothing_known(vocabulary: int) -> Knowledge:
    """What a search of the emissions alone knows, for V tokens."""
    settings = records(1, SETTINGS, bare=NONE, unknown=NONE, end=NONE, token_end=NONE)
    return Knowledge(
        settings=settings,
        tokens=records(vocabulary, TOKEN, symbol=NONE, factor=1),
        arcs=arc_records(np.full(2, EMPTY), np.zeros(2)),
        spots=records(3, SPOT),
        entries=records(0, ENTRY),
        word_model=reader(None),
        token_model=reader(None),
        word_hotwords=reader(None),
        token_hotwords=reader(None),
    )


def reader(arcs: Arcs | Automaton | None) -> Reader:
    """An automaton as records; without one, an automaton that knows no symbol."""
    if isinstance(arcs, Automaton):
        return Reader(arcs.arcs, arcs.states)
    if arcs is None:
        return Reader(arc_records(np.full(2, EMPTY), np.zeros(2)), records(1, STATE))
    return Reader(
        arc_records(arcs.keys, arcs.following, arcs.scores),
        state_records(arcs.backoff_states, arcs.backoff_scores),
    )
