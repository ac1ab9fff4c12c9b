"""Automata on disk: one safetensors file of arrays, which loads in milliseconds and runs no code.

Numbers are JSON under one name in its metadata: the order of several names would differ between files.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from asr.errors import LanguageModelError
from asr.files import write_atomically
from asr.lm.arcs import ARC, STATE, read_only
from asr.lm.automaton import Automaton
from asr.lm.hashing import EMPTY

KIND = "asr-ngram-automaton"
FORMAT_VERSION = "2"

_RECORDS = {"arcs": ARC, "states": STATE}
_NUMBERS = ("order", "start", "end", "unknown")


def save_automaton(automaton: Automaton, path: Path) -> None:
    """Writes an automaton.

    Raises:
        RunError: If it cannot be written.
    """
    arrays = {name: getattr(automaton, name).view(np.uint8) for name in _RECORDS}
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
            records = {
                name: read_only(file.get_tensor(name).view(kind), kind) for name, kind in _RECORDS.items()
            }
            words = tuple(file.get_tensor("words").tobytes().decode().split("\n"))
        numbers = {name: int(facts[name]) for name in _NUMBERS}
        order, start, end, unknown = numbers.values()
        automaton = Automaton(order, words, records["arcs"], records["states"], start, end, unknown)
        _check(automaton)
        return automaton
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
            f"{FORMAT_VERSION}; make it again with asr lm build, or upgrade: pip install -U recurrent-asr"
        )


def _check(automaton: Automaton) -> None:
    """Raises ValueError where the arrays would lead out of bounds or round in circles."""
    arcs, states, words = automaton.arcs, automaton.states, len(automaton.words)
    if not len(states) or not len(arcs) or len(arcs) & (len(arcs) - 1) or EMPTY not in arcs["key"]:
        raise ValueError("arrays of wrong length")
    following, backoffs = arcs["following"], states["following"]
    if following.min() < 0 or following.max() >= len(states) or not 0 <= automaton.start < len(states):
        raise ValueError("arcs lead nowhere")
    if backoffs[0] != 0 or backoffs.min() < 0 or (backoffs[1:] >= np.arange(1, len(states))).any():
        raise ValueError("backing off leads round in circles")
    if not (np.isfinite(arcs["score"]).all() and np.isfinite(states["score"]).all()):
        raise ValueError("a log-probability is not a finite number")
    if not (-1 <= automaton.end < words and -1 <= automaton.unknown < words) or automaton.order < 1:
        raise ValueError("a number is out of range")
