"""The n-grams of one part of a text as a tree that grows backwards: below a word, the words before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.lm.corpus import BEGIN_ID
from asr.lm.partitions import pair_key

Ids = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Branches:
    """All n-grams of one length, sorted by their last word, then the word before it, and so on.

    Attributes:
        parents: The n-gram without its first word: its row in the level above; for pairs of words,
            the id of the last word (M,).
        words: Id of the first word (M,).
        counts: How often they occur; when adjusted, what Kneser-Ney smoothing counts instead (M,).
        kept: Whether they stay in the model (M,).
    """

    parents: Ids
    words: Ids
    counts: Ids
    kept: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.words)


Tree = Sequence[Branches]
"""Pairs of words first, then one level for each longer length."""


def grow(columns: Ids, thresholds: Sequence[int]) -> list[Branches]:
    """Collects the n-grams that words (M) end, which have at least two words.

    Args:
        columns: Each word, the word before it, and so on (N, M), as `windows` gives them.
        thresholds: For pairs and every greater length: n-grams that occur so often or less are pruned.

    Returns:
        The tree, with true counts.
    """
    tree = []
    parents = columns[0]
    for n, threshold in enumerate(thresholds, start=1):
        earlier = columns[n]
        keys, rows, counts = np.unique(pair_key(parents, earlier), return_inverse=True, return_counts=True)
        tree.append(
            Branches(
                (keys >> 32).astype(np.int32),
                keys.astype(np.int32),
                counts.astype(np.int32),
                counts > threshold,
            )
        )
        longer = earlier != BEGIN_ID  # nothing stands before <s>
        parents, columns = rows[longer].astype(np.int32), columns[:, longer]
    return tree


def adjusted(tree: Tree) -> list[Branches]:
    """Replaces the counts of all but the longest n-grams by their number of different predecessors.

    That is what matters where the longer context has failed: "Francisco" may be frequent, but comes
    only after "San", so after any other word it is unlikely (Kneser and Ney 1995). N-grams that begin
    with <s> have no predecessor, and keep their counts.
    """
    levels = []
    for shorter, longer in pairwise(tree):
        predecessors = np.bincount(longer.parents, minlength=len(shorter))
        counts = np.where(shorter.words == BEGIN_ID, shorter.counts, predecessors).astype(np.int32)
        levels.append(Branches(shorter.parents, shorter.words, counts, shorter.kept))
    return [*levels, tree[-1]]


def spelled(tree: Tree, n: int) -> list[Ids]:
    """The words of all n-grams of a length, as n columns (M,): the last words first."""
    columns: list[Ids] = []
    rows: Ids = np.arange(len(tree[n - 2]), dtype=np.int32)
    for level in reversed(tree[: n - 1]):
        columns.append(level.words[rows])
        rows = level.parents[rows]
    return [*columns, rows][::-1]


def find_rows(tree: Tree, columns: Sequence[Ids]) -> NDArray[np.int64]:
    """The rows of n-grams that are in the tree, given as `spelled` gives them."""
    rows = columns[0].astype(np.int64)
    for level, earlier in zip(tree, columns[1:], strict=False):
        rows = np.searchsorted(pair_key(level.parents, level.words), pair_key(rows, earlier))
    return rows


def save_tree(tree: Tree, path: Path) -> None:
    """Writes a tree for `load_tree`."""
    with path.open("wb") as file:
        for level in tree:
            file.write(np.int64(len(level)).tobytes())
            for column in fields(level):
                file.write(getattr(level, column.name).tobytes())


def load_tree(path: Path) -> list[Branches]:
    """Reads a tree."""
    tree = []
    with path.open("rb") as file:
        while head := file.read(8):
            count = int(np.frombuffer(head, np.int64)[0])
            parents, words, counts = (np.fromfile(file, np.int32, count) for _ in range(3))
            tree.append(Branches(parents, words, counts, np.fromfile(file, np.bool_, count)))
    return tree
