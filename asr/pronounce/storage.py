"""Letter-to-sound models on disk: about two bytes for each n-gram, packed, and no code that runs.

Every n-gram is written as a few small numbers, from which all others follow:

- how many longer n-grams begin with it. So contexts need not be written, for n-grams are in order;
- its rank. An n-gram `c w` has a suffix, which is `w` after a shorter context s, and the rank says the how
  many-th of all n-grams after s that is. Where little has been seen, it is mostly 0. So words need not be
  written either;
- its log-probability and back-off weight, in steps of 1/16 of a nat. A model is rounded when it is trained,
  so that it guesses the same before and after it is stored.

The file is safetensors, packed with zlib, whose checksum shows damage.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from asr.errors import LexiconError
from asr.files import write_atomically
from asr.lm.ngrams import SPECIAL, Level, NgramModel
from asr.lm.suffixes import suffixes
from asr.pronounce.graphones import MOST_LETTERS, MOST_PHONES, Graphone
from asr.pronounce.model import LetterToSound

KIND = "asr-letter-to-sound"
FORMAT_VERSION = 1
SUFFIX = ".l2s"
"""Ending of the names of files."""

STEPS_A_NAT = 16
LARGEST = 1 << 28
"""Bytes that a file may unpack to."""


class _Facts(msgspec.Struct, forbid_unknown_fields=True):
    """What a file says of itself."""

    kind: str
    format_version: int
    graphones: list[tuple[str, list[str]]]
    sizes: list[int]


def rounded(model: NgramModel) -> NgramModel:
    """The model as it will be after it was stored and loaded."""
    levels = tuple(
        Level(level.contexts, level.words, *(_reals(_steps(x)) for x in (level.log_probs, level.backoffs)))
        for level in model.levels
    )
    return NgramModel(model.words, levels)


def _steps(log_probs: NDArray[np.float32]) -> NDArray[np.int16]:
    return np.rint(np.clip(log_probs, -100, 100) * STEPS_A_NAT).astype(np.int16)


def _reals(steps: NDArray[np.int16]) -> NDArray[np.float32]:
    return (steps / STEPS_A_NAT).astype(np.float32)


def save_letter_to_sound(model: LetterToSound, path: Path) -> None:
    """Writes a model aside and renames it.

    Raises:
        RunError: If it cannot be written.
    """
    levels = model.ngrams.levels
    ends = suffixes(model.ngrams)
    children, ranks = [], []
    for n in range(1, len(levels)):
        children.append(np.bincount(levels[n].contexts, minlength=len(levels[n - 1])))
        firsts = _firsts(levels[n - 1].contexts) if n > 1 else np.zeros(len(levels[0]), np.int64)
        ranks.append(ends[n] - firsts[ends[n]])
    arrays: dict[str, NDArray[np.generic]] = {
        "children": _joined(children, np.uint16),
        "ranks": _joined(ranks, np.uint16),
        "log_probs": _joined([_steps(level.log_probs) for level in levels], np.int16),
        "backoffs": _joined([_steps(level.backoffs) for level in levels], np.int16),
    }
    facts = _Facts(
        KIND,
        FORMAT_VERSION,
        [(graphone.letters, list(graphone.phones)) for graphone in model.graphones],
        [len(level) for level in levels],
    )
    arrays["facts"] = np.frombuffer(msgspec.json.encode(facts), np.uint8)
    write_atomically(path, zlib.compress(save(arrays), 9))


def _firsts(contexts: NDArray[np.int32]) -> NDArray[np.int64]:
    """For n-grams in order: the first with the same context (M,)."""
    return np.searchsorted(contexts, contexts)


def _joined(parts: list[NDArray[Any]], kind: type[np.generic]) -> NDArray[np.generic]:
    return np.concatenate([np.zeros(0, kind), *parts]).astype(kind)


def load_letter_to_sound(path: Path) -> LetterToSound:
    """Reads a model that `save_letter_to_sound` wrote.

    Raises:
        LexiconError: If the file is missing, damaged, of another kind, or from another version.
    """
    remedy = "copy it again, or make it again with asr lexicon train"
    try:
        arrays = load(_unpacked(path.read_bytes()))
        facts = msgspec.json.decode(arrays["facts"].tobytes(), type=_Facts)
        _check_facts(path, facts)
        graphones = tuple(Graphone(letters, tuple(phones)) for letters, phones in facts.graphones)
        words = (*SPECIAL, *map(str, range(len(graphones))))
        if facts.sizes[0] != len(words) or min(facts.sizes) < 0:
            raise ValueError("n-grams of other graphones")
        return LetterToSound(graphones, NgramModel(words, _levels(arrays, facts.sizes)))
    except FileNotFoundError:
        raise LexiconError(f"{path}: no such file; asr lexicon train makes one") from None
    except OSError as error:
        raise LexiconError(f"{path}: cannot be read: {error.strerror or error}; check it") from None
    except (zlib.error, SafetensorError, msgspec.MsgspecError, ValueError, KeyError, IndexError) as error:
        raise LexiconError(f"{path}: damaged, or no letter-to-sound model ({error}); {remedy}") from None


def _unpacked(content: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    unpacked = unpacker.decompress(content, LARGEST)
    if not unpacker.eof:
        raise ValueError("cut off, or too large")
    return unpacked


def _check_facts(path: Path, facts: _Facts) -> None:
    if facts.kind != KIND:
        raise ValueError(f"kind {facts.kind!r}")
    if facts.format_version != FORMAT_VERSION:
        raise LexiconError(
            f"{path}: format_version {facts.format_version}, but this version of asr reads {FORMAT_VERSION}; "
            "upgrade it: pip install -U recurrent-asr"
        )
    if any(
        not 0 < len(some) <= MOST_LETTERS or len(phones) > MOST_PHONES for some, phones in facts.graphones
    ):
        raise ValueError("impossible graphones")


def _levels(arrays: dict[str, NDArray[Any]], sizes: list[int]) -> tuple[Level, ...]:
    """All n-grams, level by level. Raises ValueError where the numbers lead out of bounds."""
    cuts = np.cumsum(sizes)
    log_probs, backoffs = (np.split(_reals(arrays[name]), cuts) for name in ("log_probs", "backoffs"))
    children, ranks = np.split(arrays["children"], cuts), np.split(arrays["ranks"], cuts - sizes[0])
    if not (len(arrays["log_probs"]) == len(arrays["backoffs"]) == cuts[-1]):
        raise ValueError("arrays of wrong length")
    contexts = ends = np.zeros(sizes[0], np.int64)
    words = np.arange(sizes[0], dtype=np.int32)
    edges = np.array([0, sizes[0]])  # where the n-grams after each context begin, and where the last end
    levels = [Level(contexts.astype(np.int32), words, log_probs[0], backoffs[0])]
    for n in range(1, len(sizes)):
        contexts = np.repeat(np.arange(sizes[n - 1]), children[n - 1])
        suffix = ends[contexts]
        ends = edges[suffix] + ranks[n]
        if len(ends) != sizes[n] or (ends >= edges[suffix + 1]).any():
            raise ValueError("n-grams without a suffix")
        words = words[ends]
        edges = np.concatenate([[0], np.cumsum(children[n - 1], dtype=np.int64)])
        levels.append(Level(contexts.astype(np.int32), words, log_probs[n], backoffs[n]))
    return tuple(levels)
