"""Weights of 8 bits: a matrix becomes small integers and one scale for each of its outputs.

Activations are quantised while a model runs, by their greatest and least value (dynamic quantisation), so
nothing has to be calibrated. Seven bits of the eight are used: processors without instructions for dot
products of bytes add pairs of products in 16 bits, which eight would overflow, so that the same model
would hear something else on another machine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GREATEST = 63


@dataclass(frozen=True, slots=True)
class Quantized:
    """A matrix of outputs times inputs, quantised and transposed.

    Attributes:
        values: int8 (…, inputs, outputs).
        scales: fp32 (…, outputs): a weight is its value times the scale of its output.
        zeros: int8 (…, outputs), the value of zero: 0.
    """

    values: NDArray[np.int8]
    scales: NDArray[np.float32]
    zeros: NDArray[np.int8]


def quantize(matrix: NDArray[np.generic]) -> Quantized:
    """Quantises matrices (…, outputs, inputs), each output by itself."""
    wide = np.asarray(matrix, np.float32)
    scales = np.abs(wide).max(-1) / np.float32(GREATEST)
    scales[scales == 0] = 1
    values = np.rint(wide / scales[..., None]).astype(np.int8)
    return Quantized(
        np.ascontiguousarray(np.swapaxes(values, -1, -2)), scales, np.zeros(scales.shape, np.int8)
    )
