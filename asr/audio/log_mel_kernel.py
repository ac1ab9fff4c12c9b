"""The compiled part of `asr.audio.features.log_mel`: window, Fourier transform and mel bands in one go.

A frame costs about a microsecond, because 64 frames go through every step side by side ("lanes"): one
instruction serves several of them, and all intermediate values stay in the processor's cache. No
operation mixes lanes, and its order is the same in each. So a frame's values depend on its own samples
alone, to the last bit, wherever it stands in a recording and however the recording is cut.

Importing this module imports numba, so it is imported at the first frame and not before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import typeof, types
from numpy.typing import NDArray

from asr.audio.log_mel_tables import Tables, tables_for
from asr.compiled import compiled, once, part
from asr.config import FeatureConfig

LANES = 64
"""Frames computed side by side: half as many are a quarter slower, twice as many no tenth faster."""

Reals = NDArray[np.float32]
Complexes = NDArray[np.complex64]
Starts = NDArray[np.int64]


class Scratch(NamedTuple):
    """Room for as many frames as go side by side, L ≤ LANES.

    Attributes:
        block: The complex transform, H = `fft` / 2 rows (H, L).
        parts: The same memory as alternating real and imaginary parts (H, 2 L).
        pooled: Mel bands, with a row to spare on either side (F + 2, L).
    """

    block: Complexes
    parts: Reals
    pooled: Reals


def mel_energies(samples: Reals, starts: Starts, config: FeatureConfig) -> Reals:
    """Computes the mel energies (T, F) of frames, before floor and logarithm.

    Args:
        samples: What the frames lie in (n,).
        starts: The first sample of each frame (T,).
        config: Frame length and bands.

    Raises:
        ConfigError: If `fft` is no power of two, or `hop` greater than `window`.
    """
    tables = tables_for(config)
    energies = np.empty((len(starts), config.mels), np.float32)
    if len(starts):
        read_only = np.require(samples, np.float32, ["C", "A"]).view()
        read_only.flags.writeable = False  # another type for numba, so all samples are given this one
        _kernel()(read_only, starts, tables, _scratch(config, min(len(starts), LANES)), energies)
    return energies


def _scratch(config: FeatureConfig, lanes: int) -> Scratch:
    block = np.empty((config.fft // 2, lanes), np.complex64)
    return Scratch(block, block.view(np.float32), np.empty((config.mels + 2, lanes), np.float32))


@once
def _kernel() -> Callable[..., None]:
    example = FeatureConfig()
    samples = types.Array(types.float32, 1, "C", readonly=True)
    tables, scratch = typeof(tables_for(example)), typeof(_scratch(example, LANES))  # type: ignore[no-untyped-call]
    signature = types.void(samples, types.int64[::1], tables, scratch, types.float32[:, ::1])
    return compiled(_mel_energies, signature, "feature kernel", makes_arrays=False)


@part
def _load(samples: Reals, starts: Starts, window: Reals, parts: Reals) -> None:
    """Makes x[m] + i y[m] of a frame's even samples x and odd ones y, windowed; m is the row."""
    for n in range(len(window)):
        row, weight = parts[n // 2], window[n]
        for lane in range(len(starts)):
            row[2 * lane + n % 2] = samples[starts[lane] + n] * weight


@part
def _transform(block: Complexes, roots: Complexes) -> None:
    """The discrete Fourier transform down the rows, in place; `Tables.row` says where.

    With w = exp(-2πi/n), n a multiple of 4, p = 0 … n/4-1 and j = 0 … 3,

        X[4k + r] = Σ_p w^(4kp) ( w^(rp) Σ_j (-i)^(rj) x[p + j n/4] ):

    the frequencies 4k + r are a transform of length n/4 of what stands in brackets. The brackets for
    r = 0 … 3 replace the four x that they are made of, so the r-th quarter now holds the r-th shorter
    transform, and is treated in the same way. A last length of 2 is a sum and a difference. (Radix 4,
    decimation in frequency; Cooley and Tukey 1965, Gentleman and Sande 1966.)
    """
    rows = length = len(block)
    while length >= 4:
        quarter = length // 4
        step = rows // length  # w is roots[step]
        for p in range(quarter):
            turns = roots[p * step], roots[2 * p * step], roots[3 * p * step]
            for a in range(p, rows, length):
                b, c, d = a + quarter, a + 2 * quarter, a + 3 * quarter
                _four(block[a], block[b], block[c], block[d], turns)
        length = quarter
    if length == 2:
        for a in range(0, rows, 2):
            for lane in range(block.shape[1]):
                x, y = block[a, lane], block[a + 1, lane]
                block[a, lane], block[a + 1, lane] = x + y, x - y


@part
def _four(
    a: Complexes, b: Complexes, c: Complexes, d: Complexes, turns: tuple[complex, complex, complex]
) -> None:
    """The four brackets of `_transform` in every lane: a transform of length 4, turned by w^p, w^2p, w^3p."""
    w1, w2, w3 = turns
    for lane in range(len(a)):
        even, odd = a[lane] + c[lane], b[lane] + d[lane]
        difference, other = a[lane] - c[lane], b[lane] - d[lane]
        turned = np.complex64(complex(other.imag, -other.real))  # -i times the other
        a[lane] = even + odd
        b[lane] = (difference + turned) * w1
        c[lane] = (even - odd) * w2
        d[lane] = (difference - turned) * w3


@part
def _pool(block: Complexes, tables: Tables, pooled: Reals) -> None:
    """Adds the power of every bin to its mel bands.

    Z, the transform of x + iy, holds the transforms of x and y, each of which is conjugate symmetric:
    X[k] = (Z[k] + Z*[H-k]) / 2 and Y[k] = -i (Z[k] - Z*[H-k]) / 2. The frame's own spectrum is then
    S[k] = X[k] + exp(-2πi k/N) Y[k] and, from its mirror bin, S*[H-k] = X[k] - exp(-2πi k/N) Y[k].
    What is computed is twice that; the weights, being quarters, make up for it.
    """
    half = len(block)
    for k in range(half // 2 + 1):
        m = half - k
        z, mirror, turn = block[tables.row[k]], block[tables.row[m % half]], tables.turn[k]
        low, high = pooled[tables.band[k]], pooled[tables.band[k] + 1]
        mirror_low, mirror_high = pooled[tables.band[m]], pooled[tables.band[m] + 1]
        w1, w2, w3, w4 = tables.weight[k, 0], tables.weight[k, 1], tables.weight[m, 0], tables.weight[m, 1]
        if m == k:  # the middle bin is its own mirror, and counts once
            w3 = w4 = np.float32(0)
        for lane in range(block.shape[1]):
            conjugate = mirror[lane].conjugate()
            x, y = z[lane] + conjugate, (z[lane] - conjugate) * turn
            s, t = x + y, x - y
            power, mirror_power = s.real * s.real + s.imag * s.imag, t.real * t.real + t.imag * t.imag
            low[lane] += w1 * power
            high[lane] += w2 * power
            mirror_low[lane] += w3 * mirror_power
            mirror_high[lane] += w4 * mirror_power


def _mel_energies(samples: Reals, starts: Starts, tables: Tables, scratch: Scratch, energies: Reals) -> None:
    """Fills `energies` (T, F) from `samples`, L frames at a time; lanes without a frame are ignored."""
    frames, bands = energies.shape
    block, parts, pooled = scratch
    lanes = block.shape[1]
    for first in range(0, frames, lanes):
        last = min(first + lanes, frames)
        block[len(tables.window) // 2 :] = 0
        pooled[:] = 0
        _load(samples, starts[first:last], tables.window, parts)
        _transform(block, tables.roots)
        _pool(block, tables, pooled)
        for frame in range(first, last):
            for band in range(bands):
                energies[frame, band] = pooled[band + 1, frame - first]
