"""The layers of an acoustic model as nodes of a graph: convolutions, norms, recurrent layers, the head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.bundle import Bundle
from asr.config import ModelConfig
from asr.export.graph import MICROSOFT, GraphWriter
from asr.export.parameters import Parameters, parameters
from asr.export.quantize import quantize
from asr.model.lengths import BAND_WINDOW, convolved_bands
from asr.window import Window

EPSILON = 1e-5
"""What torch adds to a variance before it divides by its root."""
_OPERATORS = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN"}
GATES = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2), "rnn": (0,)}
"""Where the gates that ONNX wants stand in torch: input, output, forget, cell; update, reset, new."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Writes the layers of one model into one graph.

    Frames between its layers are time-major, (S, N, D), as the recurrent operators want them.

    Attributes:
        graph: Where the nodes go.
        config: Sizes and kinds of layers.
        mels, vocabulary: Width of the features F and of the log-probabilities V.
        parameters: The arrays.
        int8: Whether LSTM layers have weights of 8 bits. Other cells have not: ONNX Runtime cannot run them;
            nor has the head, which is small, and would double the error.
    """

    graph: GraphWriter
    config: ModelConfig
    mels: int
    vocabulary: int
    parameters: Parameters
    int8: bool

    @classmethod
    def of(cls, bundle: Bundle, int8: bool) -> Stack:
        """The layers of a bundle, for a new graph.

        Raises:
            BundleError: If it was stripped of its weights.
        """
        vocabulary = len(bundle.vocabulary)
        return cls(GraphWriter(), bundle.model, bundle.features.mels, vocabulary, parameters(bundle), int8)

    def inputs(self, layer: int) -> int:
        """The width D of what recurrent layer `layer` reads; the one after the last is the head."""
        if layer == 0:
            return self.config.channels * convolved_bands(self.mels)
        return self.config.hidden * (2 if self.config.bidirectional else 1)

    def convolution(self, x: str, index: int, window: Window, padding: tuple[int, int]) -> str:
        """A convolution of the front-end over x (N, channels, T, bands), with this padding over time."""
        graph, channels = self.graph, self.config.channels
        name = f"front_end.convolutions.{index}"
        shape = (channels, channels if index else 1, window.kernel, BAND_WINDOW.kernel)
        weight = graph.weight(f"{name}.weight", self.parameters.array(f"{name}.weight", *shape))
        bias = graph.parameter(f"{name}.bias", self.parameters.vector(f"{name}.bias", channels))
        pads = (padding[0], BAND_WINDOW.left, padding[1], BAND_WINDOW.right)
        strides = (window.stride, BAND_WINDOW.stride)
        return graph.node("Relu", graph.node("Conv", x, weight, bias, strides=strides, pads=pads))

    def frames(self, x: str) -> str:
        """Turns what the convolutions give (N, channels, S, bands) into frames (S, N, channels · bands)."""
        turned = self.graph.node("Transpose", x, perm=(2, 0, 1, 3))
        shape = self.graph.constant([0, 0, self.inputs(0)], np.int64)
        return self.graph.node("Reshape", turned, shape)

    def norm(self, x: str, layer: int) -> str:
        """The norm before a layer, frame by frame; batch norm by what it learnt in training."""
        graph, parameters = self.graph, self.parameters
        name = norm_name(self.config, layer)
        size = self.inputs(layer)
        if self.config.norm == "none":
            return x
        order = self._order(layer)
        gain = parameters.vector(f"{name}.norm.weight", size)[order]
        shift = parameters.vector(f"{name}.norm.bias", size)[order]
        if self.config.norm == "layer":
            inputs = graph.parameter(f"{name}.gain", gain), graph.parameter(f"{name}.shift", shift)
            return graph.node("LayerNormalization", x, *inputs, epsilon=EPSILON)
        mean = parameters.vector(f"{name}.norm.running_mean", size)[order].astype(np.float64)
        variance = parameters.vector(f"{name}.norm.running_var", size)[order].astype(np.float64)
        factor = gain / np.sqrt(variance + EPSILON)
        scaled = graph.node("Mul", x, graph.parameter(f"{name}.gain", factor.astype(np.float32)))
        moved = (shift - mean * factor).astype(np.float32)
        return graph.node("Add", scaled, graph.parameter(f"{name}.shift", moved))

    def recurrent(self, x: str, layer: int, lengths: str, state: Sequence[str]) -> tuple[str, list[str]]:
        """A recurrent layer.

        Args:
            x: Inputs (S, N, D).
            layer: Which one, from 0.
            lengths: Frames of each row (N,), int32; empty where all rows are S frames long.
            state: h (1, N, H) and, for an LSTM, c; empty where it begins at zero.

        Returns:
            Outputs (S, N, H or 2 H), zero behind the lengths, and the state after the last frame.
        """
        config, graph = self.config, self.graph
        names = [f"layers.{layer}.weight_{kind}" for kind in ("ih", "hh")]
        weights = [self._gates(layer, f"weight_{kind}") for kind in ("ih", "hh")]
        biases = np.concatenate([self._gates(layer, f"bias_{kind}") for kind in ("ih", "hh")], axis=1)
        operator, domain, scales = _OPERATORS[config.cell], "", []
        if self.int8:
            operator, domain = "DynamicQuantizeLSTM", MICROSOFT
            quantized = [quantize(weight) for weight in weights]
            matrices = [
                graph.parameter(name, matrix.values) for name, matrix in zip(names, quantized, strict=True)
            ]
            for name, matrix in zip(names, quantized, strict=True):
                scales += [graph.parameter(f"{name}.scales", matrix.scales), graph.constant(matrix.zeros)]
        else:
            matrices = [graph.weight(name, weight) for name, weight in zip(names, weights, strict=True)]
        inputs = [x, *matrices, graph.weight(f"layers.{layer}.bias", biases), lengths, *state]
        if scales:
            inputs += [""] * (8 - len(inputs)) + scales
        attributes = {"hidden_size": config.hidden}
        if config.cell == "gru":
            attributes["linear_before_reset"] = 1
        direction = "bidirectional" if config.bidirectional else "forward"
        y, *last = graph.nodes(
            operator, inputs, 3 if config.cell == "lstm" else 2, domain, direction=direction, **attributes
        )
        return self._joined(y), last

    def lookahead(self, x: str, window: Window, padding: tuple[int, int]) -> str:
        """The lookahead over frames (S, N, D), with this padding over time.

        The convolution has two dimensions, one of them of size 1, because the runtime does those faster.
        """
        graph, size = self.graph, self.inputs(self.config.layers)
        weight = self.parameters.array("lookahead.convolution.weight", size, 1, window.kernel)
        column = graph.constant([3], np.int64)
        turned = graph.node("Unsqueeze", graph.node("Transpose", x, perm=(1, 2, 0)), column)
        pads = (padding[0], 0, padding[1], 0)
        kernel = graph.weight("lookahead.convolution.weight", weight[..., None])
        mixed = graph.node("Conv", turned, kernel, group=size, pads=pads)
        return graph.node("Transpose", graph.node("Squeeze", mixed, column), perm=(2, 0, 1))

    def head(self, x: str) -> str:
        """Log-probabilities (N, S, V) of frames (S, N, D)."""
        graph, size = self.graph, self.inputs(self.config.layers)
        weight = self.parameters.array("head.weight", self.vocabulary, size)
        bias = graph.parameter("head.bias", self.parameters.vector("head.bias", self.vocabulary))
        logits = graph.node("Add", graph.node("MatMul", x, graph.weight("head.weight", weight.T)), bias)
        return graph.node("Transpose", graph.node("LogSoftmax", logits, axis=-1), perm=(1, 0, 2))

    def _gates(self, layer: int, name: str) -> NDArray[np.generic]:
        """An array (directions, gates · H, …) of a layer, its gates in the order of ONNX."""
        hidden, gates = self.config.hidden, GATES[self.config.cell]
        inner = {"weight_ih": (self.inputs(layer),), "weight_hh": (hidden,)}.get(name, ())
        directions = ("", "_reverse") if self.config.bidirectional else ("",)
        arrays = [
            self.parameters.array(f"layers.{layer}.rnn.{name}_l0{direction}", len(gates) * hidden, *inner)
            for direction in directions
        ]
        if name == "weight_ih":
            arrays = [array[:, self._order(layer)] for array in arrays]
        return np.stack(
            [array.reshape(len(gates), hidden, *inner)[list(gates)].reshape(array.shape) for array in arrays]
        )

    def _order(self, layer: int) -> NDArray[np.int64]:
        """Where the inputs of a recurrent layer stand in torch."""
        if layer:
            return np.arange(self.inputs(layer))
        return channels_of_bands(self.config.channels, convolved_bands(self.mels))

    def _joined(self, y: str) -> str:
        """Turns (S, directions, N, H) into (S, N, directions · H)."""
        graph = self.graph
        if not self.config.bidirectional:
            return graph.node("Squeeze", y, graph.constant([1], np.int64))
        turned = graph.node("Transpose", y, perm=(0, 2, 1, 3))
        return graph.node("Reshape", turned, graph.constant([0, 0, 2 * self.config.hidden], np.int64))


def norm_name(config: ModelConfig, layer: int) -> str:
    """What the norm before recurrent layer `layer` is called; the one after the last is the head."""
    return f"norms.{layer}" if layer < config.layers else "head_norm"


def channels_of_bands(channels: int, bands: int) -> NDArray[np.int64]:
    """Where the inputs of the first recurrent layer stand in torch.

    There it reads bands of channels; in a graph channels of bands, which is quicker to make.
    """
    return np.arange(channels * bands).reshape(bands, channels).T.ravel()
