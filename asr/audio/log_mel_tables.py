"""What the compiled log-mel computation looks up: window, roots of unity and mel weights."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.audio.mel import hann, mel_filters
from asr.config import FeatureConfig


class Tables(NamedTuple):
    """The tables, with N for the length of the transform, `fft`, and H = N / 2.

    Attributes:
        window: The weights of a frame's samples (W,).
        roots: exp(-2πi k/H) for k = 0 … H-1, the H-th roots of unity.
        row: The row in which the transform of length H leaves frequency k (H,).
        turn: -i exp(-2πi k/N) for k = 0 … H/2.
        band: The lower of the two adjacent mel bands that hold bin k, counted from 1 (H + 1,).
        weight: A quarter of the bin's weights in that band and in the next (H + 1, 2).
    """

    window: NDArray[np.float32]
    roots: NDArray[np.complex64]
    row: NDArray[np.int64]
    turn: NDArray[np.complex64]
    band: NDArray[np.int64]
    weight: NDArray[np.float32]


@lru_cache(maxsize=8)
def tables_for(config: FeatureConfig) -> Tables:
    """Makes the tables, once per configuration."""
    size, half = config.fft, config.fft // 2
    # A triangle overlaps with its neighbours only, so no bin lies in more than two bands, and those are
    # adjacent. A column of zeros on either side stands for "no band".
    filters = np.pad(mel_filters(config), ((0, 0), (1, 1)))
    bins = np.arange(half + 1)
    band = np.minimum((filters > 0).argmax(axis=1), config.mels)
    weight = np.stack([filters[bins, band], filters[bins, band + 1]], axis=1) / 4
    return Tables(
        window=hann(config.window),
        roots=np.exp(-2j * np.pi * np.arange(half) / half).astype(np.complex64),
        row=_rows(half),
        turn=(-1j * np.exp(-2j * np.pi * np.arange(half // 2 + 1) / size)).astype(np.complex64),
        band=band.astype(np.int64),
        weight=np.ascontiguousarray(weight, np.float32),
    )


def _rows(length: int) -> NDArray[np.int64]:
    """A frequency's row is its number with the digits to base 4 reversed; see the kernel's transform."""
    if length == 1:
        return np.zeros(1, np.int64)
    radix = 4 if length % 4 == 0 else 2
    rows = np.empty(length, np.int64)
    for r in range(radix):
        rows[r::radix] = r * (length // radix) + _rows(length // radix)
    return rows
