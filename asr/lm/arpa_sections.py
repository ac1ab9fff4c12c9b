"""Writes an ARPA file piece by piece, for models that do not fit into memory."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from asr.lm.arpa import ROWS, entries, header

NEVER = 1e-99
"""The probability of <s>, which is never predicted: -99 as a logarithm, as in SRILM (lmplz writes 0)."""


class Sections:
    """The sections of an ARPA file, each of which grows in a file of its own until all are joined.

    Attributes:
        counts: N-grams written so far, for each length.
    """

    def __init__(self, folder: Path, vocabulary: Sequence[str], order: int) -> None:
        self.counts = [0] * order
        self._words = np.array(vocabulary, object)
        self._files = [folder / f"section-{n}" for n in range(1, order + 1)]
        for file in self._files:
            file.touch()

    def add(
        self,
        ngrams: Sequence[NDArray[np.int32]],
        probabilities: NDArray[np.float64],
        weights: NDArray[np.float64],
    ) -> None:
        """Appends n-grams to their section.

        Args:
            ngrams: Their words' ids in n columns (M,), first words first.
            probabilities: Not logarithms (M,).
            weights: Back-off weights, not logarithms (M,); not used for the longest n-grams.
        """
        n = len(ngrams)
        log_probs = np.log10(np.clip(probabilities, NEVER, 1))
        backoffs = np.log10(np.maximum(weights, NEVER))
        with self._files[n - 1].open("a", encoding="utf-8", newline="\n") as file:
            for first in range(0, len(log_probs), ROWS):
                rows = slice(first, first + ROWS)
                columns = [self._words[column[rows]].tolist() for column in ngrams]
                file.write(
                    entries(columns, log_probs[rows], backoffs[rows] if n < len(self.counts) else None)
                )
        self.counts[n - 1] += len(log_probs)

    def finish(self, path: Path) -> None:
        """Joins the sections into a whole file, then gives it its name; packed where that ends in .gz."""
        whole = self._files[0].with_name("whole")
        with whole.open("wb") as plain:
            with _packed(plain, path) as file:
                file.write(header(self.counts).encode())
                for n, section in enumerate(self._files, start=1):
                    file.write(f"\n\\{n}-grams:\n".encode())
                    with section.open("rb") as entries_:
                        shutil.copyfileobj(entries_, file, 1 << 20)
                    section.unlink()
                file.write(b"\n\\end\\\n")
            plain.flush()
            os.fsync(plain.fileno())
        whole.replace(path)


@contextmanager
def _packed(plain: BinaryIO, path: Path) -> Iterator[BinaryIO]:
    if path.suffix == ".gz":
        with gzip.GzipFile("", "wb", 6, plain, mtime=0) as file:
            yield cast(BinaryIO, file)
    else:
        yield plain
