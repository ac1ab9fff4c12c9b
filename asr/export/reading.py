"""The way back: the weights of a torch model out of its ONNX graph, so that it can be trained on.

Weights of 8 bits come back as what the graph computes with, which is up to half a step of their scale beside
what they were made from. What batch norm has learnt comes back as one gain and one shift.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import numpy_helper

from asr.bundle import Bundle
from asr.errors import BundleError
from asr.export.layers import EPSILON, GATES, channels_of_bands, norm_name
from asr.graphs import FILES
from asr.model.lengths import convolved_bands

Arrays = Mapping[str, NDArray[np.generic]]


def read_weights(bundle: Bundle) -> dict[str, NDArray[np.generic]]:
    """The weights in the graphs of a bundle, by the names of `Bundle.weights`, in fp32.

    Raises:
        BundleError: If it has no graph, or one whose weights have no names.
    """
    name = next((name for name in FILES if name in bundle.graphs.files), None)
    if name is None:
        raise BundleError(f"{bundle.name}: the model folder has neither weights nor graphs; copy it again")
    try:
        graph = onnx.load_from_string(bundle.graphs.files[name].read()).graph
        found = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
        weights = dict(_weights(bundle, found))
    except (DecodeError, KeyError, ValueError) as error:
        raise BundleError(
            f"{bundle.name}: {name} does not say which weights are which ({error}); "
            "use the model folder that it was exported from"
        ) from None
    return {key: np.ascontiguousarray(array) for key, array in weights.items()}


def _weights(bundle: Bundle, found: Arrays) -> Iterator[tuple[str, NDArray[np.generic]]]:
    config = bundle.model
    for index in range(2):
        for kind in ("weight", "bias"):
            name = f"front_end.convolutions.{index}.{kind}"
            yield name, _wide(found[name])
    channels = channels_of_bands(config.channels, convolved_bands(bundle.features.mels))
    for layer in range(config.layers + 1):
        order = channels if layer == 0 else None
        if config.norm != "none":
            yield from _norm(found, norm_name(config, layer), config.norm, order)
        if layer < config.layers:
            yield from _recurrent(bundle, found, layer, order)
    if config.lookahead:
        yield "lookahead.convolution.weight", _wide(found["lookahead.convolution.weight"])[..., 0]
    yield "head.weight", _wide(found["head.weight"]).T
    yield "head.bias", _wide(found["head.bias"])


def _norm(
    found: Arrays, name: str, kind: str, order: NDArray[np.int64] | None
) -> Iterator[tuple[str, NDArray[np.generic]]]:
    gain, shift = (_restored(_wide(found[f"{name}.{part}"]), order) for part in ("gain", "shift"))
    yield f"{name}.norm.weight", gain
    yield f"{name}.norm.bias", shift
    if kind == "batch":
        yield f"{name}.norm.running_mean", np.zeros_like(gain)
        yield f"{name}.norm.running_var", np.full_like(gain, 1 - EPSILON)
        yield f"{name}.norm.num_batches_tracked", np.array(0)


def _recurrent(
    bundle: Bundle, found: Arrays, layer: int, order: NDArray[np.int64] | None
) -> Iterator[tuple[str, NDArray[np.generic]]]:
    hidden, gates = bundle.model.hidden, GATES[bundle.model.cell]
    ih, hh = (_matrix(found, f"layers.{layer}.weight_{kind}") for kind in ("ih", "hh"))
    ih = _restored(ih, order)
    biases = np.split(_wide(found[f"layers.{layer}.bias"]), 2, axis=1)
    arrays = {"weight_ih": ih, "weight_hh": hh, "bias_ih": biases[0], "bias_hh": biases[1]}
    directions = ("", "_reverse") if bundle.model.bidirectional else ("",)
    for kind, stacked in arrays.items():
        for direction, array in zip(directions, stacked, strict=True):
            parts = array.reshape(len(gates), hidden, *array.shape[1:])
            turned = np.empty_like(parts)
            turned[list(gates)] = parts
            yield f"layers.{layer}.rnn.{kind}_l0{direction}", turned.reshape(array.shape)


def _matrix(found: Arrays, name: str) -> NDArray[np.float32]:
    """Matrices (directions, outputs, inputs), multiplied by their scales where they are of 8 bits."""
    matrix = found[name]
    if matrix.dtype != np.int8:
        return _wide(matrix)
    return np.swapaxes(_wide(matrix), -1, -2) * _wide(found[f"{name}.scales"])[..., None]


def _restored(array: NDArray[np.float32], order: NDArray[np.int64] | None) -> NDArray[np.float32]:
    """Puts the last axis back into the order of torch."""
    if order is None:
        return array
    restored = np.empty_like(array)
    restored[..., order] = array
    return restored


def _wide(array: NDArray[np.generic]) -> NDArray[np.float32]:
    return np.asarray(array, np.float32)
