"""From n-grams to the automaton that `asr.lm.automaton` describes, one length of n-grams at a time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.errors import LanguageModelError
from asr.lm.arcs import arc_records, state_records
from asr.lm.arpa import read_arpa, write_arpa
from asr.lm.automaton import ROOT, Automaton
from asr.lm.hashing import find, insert, new_table
from asr.lm.ngrams import BEGIN, END, UNKNOWN, Level, NgramModel, key
from asr.lm.packed_storage import SUFFIX as PACKED
from asr.lm.packed_storage import load_packed, save_packed
from asr.lm.storage import load_automaton, save_automaton

UNKNOWN_NAMES = (UNKNOWN, "<UNK>")
"""How models write the word that stands for all others."""

SUFFIX = ".lm"
"""Ending of the names of files that hold an automaton."""


def load_language_model(path: Path) -> Automaton:
    """Reads a language model: an automaton (.lm), packed n-grams (.ngrams), else an ARPA file.

    Raises:
        LanguageModelError: If the file is missing or damaged.
    """
    return load_automaton(path) if path.suffix == SUFFIX else automaton_from(load_ngrams(path))


def load_ngrams(path: Path) -> NgramModel:
    """Reads the n-grams of a language model: packed ones (.ngrams), else an ARPA file.

    Raises:
        LanguageModelError: If the file is missing or damaged, or has no n-grams in it any more (.lm).
    """
    if path.suffix == SUFFIX:
        raise LanguageModelError(f"{path}: is made for decoding; name the .arpa or .ngrams it was made of")
    return load_packed(path) if path.suffix == PACKED else read_arpa(path)


def save_ngrams(model: NgramModel, path: Path) -> None:
    """Writes a model as the ending of the name says: .ngrams, .lm, .arpa or .arpa.gz.

    Raises:
        LanguageModelError: If it cannot be packed.
        RunError: If it cannot be written.
    """
    if path.suffix == PACKED:
        save_packed(model, path)
    elif path.suffix == SUFFIX:
        save_automaton(automaton_from(model), path)
    else:
        write_arpa(path, model)


def automaton_from(model: NgramModel) -> Automaton:
    """Builds the automaton of a model.

    An n-gram becomes a state where it is the context of longer ones, or has a back-off weight other
    than 1: any other would do nothing but back off for free. The states of shorter contexts come first.
    """
    states = _number_states(model.levels)
    count = 1 + sum(int((level >= 0).sum()) for level in states)
    size = sum(map(len, model.levels))
    keys = new_table(size)
    following = np.zeros(len(keys), np.int32)
    log_probs = np.zeros(len(keys), np.float32)
    backoff_log_probs = np.zeros(count, np.float32)
    backoff_states = np.zeros(count, np.int32)
    sources = np.zeros(len(model.words), np.int32)  # single words start from the root
    for n, (level, own) in enumerate(zip(model.levels, states, strict=True)):
        if n:
            sources = states[n - 1][level.contexts]
        shorter = _shorter(keys, following, backoff_states, sources, level.words)
        places = insert(keys, key(sources, level.words))
        following[places] = np.where(own >= 0, own, shorter)
        log_probs[places] = level.log_probs
        backoff_log_probs[own[own >= 0]] = level.backoffs[own >= 0]
        backoff_states[own[own >= 0]] = shorter[own >= 0]
    ids = {word: index for index, word in enumerate(model.words)}
    begin = ids.get(BEGIN, -1)
    return Automaton(
        order=model.order,
        words=model.words,
        arcs=arc_records(keys, following, log_probs),
        states=state_records(backoff_states, backoff_log_probs),
        start=max(int(states[0][begin]), ROOT) if begin >= 0 else ROOT,
        end=ids.get(END, -1),
        unknown=next((ids[name] for name in UNKNOWN_NAMES if name in ids), -1),
    )


def _number_states(levels: tuple[Level, ...]) -> list[NDArray[np.int32]]:
    """The state of every n-gram, level by level; -1 for those that are none."""
    states = []
    first = ROOT + 1
    for level, longer in pairwise(levels):
        is_state = level.backoffs != 0
        is_state[longer.contexts] = True
        states.append(np.where(is_state, first - 1 + np.cumsum(is_state), -1).astype(np.int32))
        first += int(is_state.sum())
    return [*states, np.full(len(levels[-1]), -1, np.int32)]


def _shorter(
    keys: NDArray[np.int64],
    following: NDArray[np.int32],
    backoff_states: NDArray[np.int32],
    sources: NDArray[np.int32],
    words: NDArray[np.int32],
) -> NDArray[np.int32]:
    """Where one arrives on each word after backing off from each source; the root for single words.

    That is the longest context that is shorter than source and word together: the shorter n-grams are
    in the table already, and backing off goes through all contexts that have longer n-grams.
    """
    arrived = np.zeros(len(words), np.int32)
    walking = np.flatnonzero(sources != ROOT)
    state = backoff_states[sources[walking]]
    while len(walking):
        places = find(keys, key(state, words[walking]))
        hit = places >= 0
        arrived[walking[hit]] = following[places[hit]]
        walking, state = walking[~hit], backoff_states[state[~hit]]
    return arrived
