"""Automata on disk: one safetensors file of arrays, which loads in milliseconds and runs no code.

Numbers are JSON under one name in its metadata: the order of several names would differ between files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from asr.errors import LanguageModelError
from asr.files import write_atomically
from asr.lm.automaton import Automaton
from asr.lm.hashing import EMPTY

KIND = "asr-ngram-automaton"
FORMAT_VERSION = "1"

_ARRAYS = {
    "arc_keys": np.dtype(np.int64),
    "arc_next": np.dtype(np.int32),
    "arc_log_probs": np.dtype(np.float32),
    "backoff_log_probs": np.dtype(np.float32),
    "backoff_states": np.dtype(np.int32),
}
_NUMBERS = ("order", "start", "end", "unknown")


def save_automaton(automaton: Automaton, path: Path) -> None:
    """Writes an automaton.

    Raises:
        RunError: If it cannot be written.
    """
    arrays: dict[str, NDArray[np.generic]] = {name: getattr(automaton, name) for name in _ARRAYS}
    arrays["words"] = np.frombuffer("\n".join(automaton.words).encode(), np.uint8)
    numbers = {name: str(getattr(automaton, name)) for name in _NUMBERS}
    facts = {"kind": KIND, "format_version": FORMAT_VERSION, **numbers}
    write_atomically(path, save(arrays, metadata={"facts": msgspec.json.encode(facts).decode()}))


def load_automaton(path: Path) -> Automaton:
    """Reads an automaton that `save_automaton` wrote.

    Raises:
        LanguageModelError: If the file is missing, damaged, of another kind, or from a newer version.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get("facts", "{}")
            facts = msgspec.json.decode(text, type=dict[str, str])
            _check_kind(path, facts)
            arrays = {name: file.get_tensor(name) for name in (*_ARRAYS, "words")}
        numbers = {name: int(facts[name]) for name in _NUMBERS}
        words = tuple(arrays.pop("words").tobytes().decode().split("\n"))
        _check(arrays, numbers, len(words))
        order, start, end, unknown = numbers.values()
        return Automaton(words=words, order=order, start=start, end=end, unknown=unknown, **arrays)
    except FileNotFoundError:
        raise LanguageModelError(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise LanguageModelError(f"{path}: cannot be read: {error.strerror or error}; check it") from None
    except (SafetensorError, msgspec.DecodeError, ValueError, KeyError) as error:
        # UnicodeDecodeError is a ValueError
        raise LanguageModelError(
            f"{path}: damaged, or no compiled language model ({error}); copy it again, "
            "or make it again with asr lm build"
        ) from None


def _check_kind(path: Path, facts: dict[str, str]) -> None:
    if facts.get("kind") != KIND:
        raise LanguageModelError(
            f"{path}: a foreign file (kind {facts.get('kind')!r}, not {KIND!r}); "
            "name one that asr lm build wrote"
        )
    if facts.get("format_version") != FORMAT_VERSION:
        raise LanguageModelError(
            f"{path}: format_version {facts.get('format_version')}, but this version of asr reads "
            f"{FORMAT_VERSION}; upgrade it: pip install -U recurrent-asr"
        )


def _check(arrays: dict[str, NDArray[Any]], numbers: dict[str, int], words: int) -> None:
    """Raises ValueError where the arrays would lead out of bounds or round in circles."""
    for name, kind in _ARRAYS.items():
        if arrays[name].dtype != kind or arrays[name].ndim != 1:
            raise ValueError(f"{name} is of another type")
    keys, following = arrays["arc_keys"], arrays["arc_next"]
    backoffs = arrays["backoff_states"]
    states, places = len(backoffs), len(keys)
    shapes = {len(following), len(arrays["arc_log_probs"])}, len(arrays["backoff_log_probs"])
    if shapes != ({places}, states) or not states or places & (places - 1) or EMPTY not in keys:
        raise ValueError("arrays of wrong length")
    if following.min() < 0 or following.max() >= states or not 0 <= numbers["start"] < states:
        raise ValueError("arcs lead nowhere")
    if backoffs[0] != 0 or backoffs.min() < 0 or (backoffs[1:] >= np.arange(1, states)).any():
        raise ValueError("backing off leads round in circles")
    if not (np.isfinite(arrays["arc_log_probs"]).all() and np.isfinite(arrays["backoff_log_probs"]).all()):
        raise ValueError("a log-probability is not a finite number")
    if not all(-1 <= numbers[name] < words for name in ("end", "unknown")) or numbers["order"] < 1:
        raise ValueError("a number is out of range")
