"""Word graphs on disk: one safetensors file of arrays, which loads in milliseconds and runs no code.

The file carries a fingerprint of the tokens it was made for, as token ids mean nothing without them.
Facts are JSON under one name in its metadata: the order of several names would differ between files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from asr.decode.graph.word_graph import WordGraph
from asr.errors import LexiconError
from asr.files import write_atomically
from asr.lm.hashing import EMPTY
from asr.lm.ngrams import WORD_BITS
from asr.text.units import Units

SUFFIX = ".graph"
"""Ending of the names of files that hold a word graph."""

KIND = "asr-word-graph"
FORMAT_VERSION = "1"

_ARRAYS = {
    "arc_keys": np.dtype(np.int64),
    "arc_next": np.dtype(np.int32),
    "first_word": np.dtype(np.int32),
    "word_ids": np.dtype(np.int32),
    "word_log_probs": np.dtype(np.float32),
    "parents": np.dtype(np.int32),
}
_NUMBERS = ("bare", "left_out")


def save_word_graph(graph: WordGraph, units: Units, path: Path) -> None:
    """Writes a graph, and for which tokens it was made.

    Raises:
        RunError: If it cannot be written.
    """
    arrays: dict[str, NDArray[np.generic]] = {name: getattr(graph, name) for name in _ARRAYS}
    arrays["words"] = np.frombuffer("\n".join(graph.words).encode(), np.uint8)
    numbers = {name: str(getattr(graph, name)) for name in _NUMBERS}
    facts = {"kind": KIND, "format_version": FORMAT_VERSION, "units": units.fingerprint(), **numbers}
    write_atomically(path, save(arrays, metadata={"facts": msgspec.json.encode(facts).decode()}))


def load_word_graph(path: Path, units: Units) -> WordGraph:
    """Reads a graph that `save_word_graph` wrote.

    Raises:
        LexiconError: If the file is missing, damaged, of another kind, from a newer version, or was made
            for other tokens.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get("facts", "{}")
            facts = msgspec.json.decode(text, type=dict[str, str])
            _check_kind(path, facts, units)
            arrays = {name: file.get_tensor(name) for name in (*_ARRAYS, "words")}
        numbers = {name: int(facts[name]) for name in _NUMBERS}
        text = arrays.pop("words").tobytes().decode()
        words = tuple(text.split("\n")) if text else ()
        _check(arrays, numbers, len(words))
        return WordGraph(words=words, bare=numbers["bare"], left_out=numbers["left_out"], **arrays)
    except FileNotFoundError:
        raise LexiconError(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise LexiconError(f"{path}: cannot be read: {error.strerror or error}; check it") from None
    except (SafetensorError, msgspec.DecodeError, ValueError, KeyError) as error:
        # UnicodeDecodeError is a ValueError
        problem = " ".join(str(error).split())
        raise LexiconError(
            f"{path}: damaged, or no word graph ({problem}); copy it again, or make it again from the lexicon"
        ) from None


def _check_kind(path: Path, facts: dict[str, str], units: Units) -> None:
    if facts.get("kind") != KIND:
        raise LexiconError(
            f"{path}: a foreign file (kind {facts.get('kind')!r}, not {KIND!r}); name one with a lexicon"
        )
    if facts.get("format_version") != FORMAT_VERSION:
        raise LexiconError(
            f"{path}: format_version {facts.get('format_version')}, but this version of asr reads "
            f"{FORMAT_VERSION}; upgrade it: pip install -U recurrent-asr"
        )
    if facts.get("units") != units.fingerprint():
        raise LexiconError(
            f"{path}: was made for other tokens than those of the model; make it again from the lexicon"
        )


def _check(arrays: dict[str, NDArray[Any]], numbers: dict[str, int], words: int) -> None:
    """Raises ValueError where the arrays would lead out of bounds or round in circles."""
    for name, kind in _ARRAYS.items():
        if arrays[name].dtype != kind or arrays[name].ndim != 1:
            raise ValueError(f"{name} is of another type")
    keys, following, parents = arrays["arc_keys"], arrays["arc_next"], arrays["parents"]
    first, ids, log_probs = arrays["first_word"], arrays["word_ids"], arrays["word_log_probs"]
    nodes, places = len(parents), len(keys)
    lengths = len(following), len(first), len(log_probs)
    if lengths != (places, nodes + 1, len(ids)) or not nodes or not places or places & (places - 1):
        raise ValueError("arrays of wrong length")
    if parents[0] != -1 or (parents[1:2] < 0).any() or (parents[1:] >= np.arange(1, nodes)).any():
        raise ValueError("nodes without a way from the root")
    if (parents[1:] < parents[:-1]).any():
        raise ValueError("nodes out of order")
    if keys.min() != EMPTY:
        raise ValueError("arcs without an end")  # a search would go on and on
    if following.max() >= nodes or (following <= keys >> WORD_BITS).any():  # -1 where empty
        raise ValueError("arcs lead nowhere")
    if first[0] != 0 or first[-1] != len(ids) or (first[1:] < first[:-1]).any():
        raise ValueError("ends of words in disorder")
    if (len(ids) and (ids.min() < 0 or ids.max() >= words)) or not np.isfinite(log_probs).all():
        raise ValueError("ends of words that there are not")
    if not -1 <= numbers["bare"] < nodes or numbers["left_out"] < 0:
        raise ValueError("a number is out of range")
