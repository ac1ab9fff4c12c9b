"""N-gram models in few bytes: two to four for each n-gram, from which all else follows.

- How many longer n-grams begin with it. So contexts need not be written, for n-grams are in order.
- Its rank. An n-gram `c w` has a suffix, which is `w` after a shorter context s, and the rank says the how
  many-th of all n-grams after s that is. Where little has been seen, ranks are small. Those after the same
  context grow, so only their differences are written. Words need not be written either.
- Its log-probability and back-off weight, in steps of 1/16 of a nat. A model is `rounded` before it is used,
  so that it says the same before and after it is stored.

The bytes of numbers are written plane by plane, all lowest ones first, and packed with zlib, whose checksum
shows damage. (Other ways: Heafield 2011, *KenLM: Faster and Smaller Language Model Queries*, §3.)
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from asr.lm.ngrams import Level, NgramModel
from asr.lm.suffixes import NONE, suffixes

STEPS_A_NAT = 16
LARGEST = 1 << 30
"""Bytes that a file may unpack to."""
_COLUMNS: dict[str, np.dtype[Any]] = {
    "children": np.dtype("<u4"),
    "ranks": np.dtype("<u4"),
    "log_probs": np.dtype("<i2"),
    "backoffs": np.dtype("<i2"),
}

Arrays = dict[str, NDArray[Any]]
Ids = NDArray[np.int64]


def rounded(model: NgramModel) -> NgramModel:
    """The model as it will be after it was stored and loaded."""
    levels = tuple(
        Level(level.contexts, level.words, *(_reals(_steps(x)) for x in (level.log_probs, level.backoffs)))
        for level in model.levels
    )
    return NgramModel(model.words, levels)


def packed(model: NgramModel, facts: bytes) -> bytes:
    """Packs a model.

    Args:
        model: In order (`suffixes.in_order`), with every n-gram's suffix in it.
        facts: Whatever is to be known of it, such as its words.

    Raises:
        ValueError: If the suffix of an n-gram is missing.
    """
    levels, ends = model.levels, suffixes(model)
    children, ranks = [], []
    for n in range(1, len(levels)):
        if (ends[n] == NONE).any():
            raise ValueError("an n-gram without its suffix")
        children.append(np.bincount(levels[n].contexts, minlength=len(levels[n - 1])))
        firsts = _firsts(levels[n - 1].contexts) if n > 1 else np.zeros(len(levels[0]), np.int64)
        ranks.append(_differences(ends[n] - firsts[ends[n]], levels[n].contexts))
    columns: dict[str, list[NDArray[Any]]] = {
        "children": children,
        "ranks": ranks,
        "log_probs": [_steps(level.log_probs) for level in levels],
        "backoffs": [_steps(level.backoffs) for level in levels],
    }
    arrays = {name: _planes(parts, _COLUMNS[name]) for name, parts in columns.items()}
    arrays["sizes"] = np.array([len(level) for level in levels], np.int64)
    arrays["facts"] = np.frombuffer(facts, np.uint8)
    return zlib.compress(save(arrays), 9)


def unpack(content: bytes) -> tuple[Arrays, bytes]:
    """The arrays of what `packed` made, for `model_of`, and its facts.

    Raises:
        ValueError: If it is damaged; also zlib.error, SafetensorError and KeyError.
    """
    unpacker = zlib.decompressobj()
    unpacked = unpacker.decompress(content, LARGEST)
    if not unpacker.eof:
        raise ValueError("cut off, or too large")
    arrays: Arrays = load(unpacked)
    facts = arrays.pop("facts").tobytes()
    return {name: array if name == "sizes" else _joined(array, name) for name, array in arrays.items()}, facts


def model_of(arrays: Arrays, words: tuple[str, ...]) -> NgramModel:
    """The model of some arrays and its words. Raises ValueError where the numbers lead out of bounds."""
    sizes: list[int] = arrays["sizes"].tolist()
    if sizes[0] != len(words) or min(sizes) < 0:
        raise ValueError("n-grams of other words")
    cuts = np.cumsum(sizes)
    log_probs, backoffs = (np.split(_reals(arrays[name]), cuts) for name in ("log_probs", "backoffs"))
    children, ranks = np.split(arrays["children"], cuts), np.split(arrays["ranks"], cuts - sizes[0])
    if not (len(arrays["log_probs"]) == len(arrays["backoffs"]) == cuts[-1]):
        raise ValueError("arrays of wrong length")
    contexts = ends = np.zeros(sizes[0], np.int64)
    last = np.arange(sizes[0], dtype=np.int32)
    edges: Ids = np.array([0, sizes[0]])  # where the n-grams after each context begin, and where the last end
    levels = [Level(contexts.astype(np.int32), last, log_probs[0], backoffs[0])]
    for n in range(1, len(sizes)):
        contexts = np.repeat(np.arange(sizes[n - 1]), children[n - 1])
        if len(contexts) != sizes[n] or len(ranks[n]) != sizes[n]:
            raise ValueError("arrays of wrong length")
        suffix = ends[contexts]
        ends = edges[suffix] + _sums(ranks[n], contexts)
        if (ends >= edges[suffix + 1]).any():
            raise ValueError("n-grams without a suffix")
        last = last[ends]
        edges = np.concatenate([[0], np.cumsum(children[n - 1], dtype=np.int64)])
        levels.append(Level(contexts.astype(np.int32), last, log_probs[n], backoffs[n]))
    return NgramModel(words, tuple(levels))


def _steps(log_probs: NDArray[np.float32]) -> NDArray[np.int16]:
    return np.rint(np.clip(log_probs, -100, 100) * STEPS_A_NAT).astype(np.int16)


def _reals(steps: NDArray[np.int16]) -> NDArray[np.float32]:
    return (steps / STEPS_A_NAT).astype(np.float32)


def _firsts(contexts: NDArray[np.integer]) -> Ids:
    """For n-grams in order: the first with the same context (M,)."""
    return np.searchsorted(contexts, contexts)


def _differences(ranks: Ids, contexts: NDArray[np.integer]) -> Ids:
    """Each rank less the one before it after the same context (M,)."""
    before = np.concatenate([[0], ranks[:-1]])
    return ranks - np.where(_firsts(contexts) == np.arange(len(ranks)), 0, before)


def _sums(differences: NDArray[np.integer], contexts: Ids) -> Ids:
    """The ranks (M,) of which these are the differences."""
    sums = np.concatenate([[0], np.cumsum(differences, dtype=np.int64)])
    ranks: Ids = sums[1:] - sums[_firsts(contexts)]
    return ranks


def _planes(parts: list[NDArray[Any]], kind: np.dtype[Any]) -> NDArray[np.uint8]:
    numbers = np.concatenate([np.zeros(0, kind), *parts]).astype(kind)
    return np.ascontiguousarray(numbers.view(np.uint8).reshape(len(numbers), kind.itemsize).T)


def _joined(planes: NDArray[np.uint8], name: str) -> NDArray[Any]:
    kind = _COLUMNS[name]
    if planes.ndim != 2 or len(planes) != kind.itemsize or planes.dtype != np.uint8:
        raise ValueError(f"{name} is of another type")
    numbers: NDArray[Any] = np.ascontiguousarray(planes.T).view(kind)[:, 0]
    return numbers
