"""Work on more n-grams than memory holds: they are dealt out to files, and each file is worked on alone.

Which part an n-gram belongs to is decided by its last two words, so that everything that shares them is
together. The parts are ranges of these pairs, chosen so that each gets its share of the text. So what is
in one part comes before what is in the next, whatever their number, and results do not depend on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from asr.lm.corpus import Corpus, windows

SAMPLE = 1 << 17
"""Places of the text that the ranges are chosen by."""


def pair_key(high: NDArray[np.integer[Any]], low: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """One number for two, sorted by the first."""
    return high.astype(np.int64) << 32 | low


@dataclass(frozen=True, slots=True)
class Partitions:
    """Files of records, one for each part and purpose.

    Attributes:
        folder: Where they are.
        cuts: The keys of the last and the last but one word with which each part but the first begins.
    """

    folder: Path
    cuts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.cuts) + 1

    def part(self, last: NDArray[np.int32], last_but_one: NDArray[np.int32]) -> NDArray[np.intp]:
        """The part that n-grams with these last words belong to."""
        return np.searchsorted(self.cuts, pair_key(last, last_but_one), side="right")

    def deal(self, name: str, parts: NDArray[np.integer[Any]], records: NDArray[np.generic]) -> None:
        """Appends each record (M, …) to the file `name` of its part (M,)."""
        order = np.argsort(parts, kind="stable")
        records = records[order]
        edges = np.searchsorted(parts[order], np.arange(len(self) + 1))
        for part in np.flatnonzero(np.diff(edges)).tolist():
            with self.file(name, part).open("ab") as file:
                file.write(records[edges[part] : edges[part + 1]].tobytes())

    def take(self, name: str, part: int, kind: DTypeLike, width: int = 1) -> NDArray[Any]:
        """Reads what was dealt to a part (M, width), and removes it from disk."""
        path = self.file(name, part)
        if not path.exists():
            return np.zeros((0, width), kind)
        records = np.fromfile(path, kind).reshape(-1, width)
        path.unlink()
        return records

    def file(self, name: str, part: int) -> Path:
        """The file of a part."""
        return self.folder / f"{name}-{part}"


def partitions_for(corpus: Corpus, rows: int, folder: Path) -> Partitions:
    """Chooses the ranges, so that each part gets about `rows` words of the text."""
    step = max(1, corpus.tokens // SAMPLE)
    samples = [columns[:, ::step].copy() for columns in windows(corpus, 2)]
    keys = np.sort(np.concatenate([pair_key(last, before) for last, before in samples]))
    count = -(-corpus.tokens // rows)
    cuts = np.unique(keys[[len(keys) * part // count for part in range(1, count)]])
    return Partitions(folder, cuts)
