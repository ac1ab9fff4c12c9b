"""The graph of one streaming step: the next features and the states in, log-probabilities and states out.

A layer that slides over time keeps a buffer of the inputs that later outputs still need; see AcousticState.
A step appends what is new, and at the end of the stream the zeros of the right padding, and computes all
outputs that are complete. There may be none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from asr.bundle import Bundle
from asr.export.graph import BOOL, GraphWriter
from asr.export.layers import Stack
from asr.model.lengths import BAND_WINDOW, convolution_windows, lookahead_window
from asr.window import Window

DESCRIPTION = (
    "One step of a stream: the next normalised log-mel features (N, T, F) of N streams, whether they end "
    "here (`ending`, 0 or 1) and their states in; natural-log probabilities (N, S, V) of the frames that no "
    "later feature can change, and the next states out. T and S may be 0. At the start buffers hold as many "
    "zero frames as the left padding of their layer, and h and c are zero."
)
_TO_THE_END = np.iinfo(np.int64).max


def step_graph(bundle: Bundle, int8: bool = False) -> bytes:
    """The ONNX model that runs one step of streams.

    Args:
        bundle: Of a unidirectional model.
        int8: Whether its layers, which are LSTMs then, have weights of 8 bits.

    Raises:
        BundleError: If the weights do not fit the description.
    """
    stack = Stack.of(bundle, int8)
    graph, config = stack.graph, stack.config
    features = graph.input("features", ("N", "T", stack.mels))
    ending = graph.node("Cast", graph.input("ending", (), np.int64), to=BOOL)
    x = _recurrent_layers(stack, _front_end(stack, features, ending))
    if config.lookahead:
        sliding = Sliding(graph, lookahead_window(config), 0, 3, ending)
        buffer = graph.input("lookahead", ("n2", "N", config.hidden))
        x, kept = sliding.apply(buffer, x, lambda padded: stack.lookahead(padded, sliding.window, (0, 0)))
        graph.output("next_lookahead", kept, ("m2", "N", config.hidden))
    log_probs = stack.head(stack.norm(x, config.layers))
    graph.output("log_probs", log_probs, ("N", "S", stack.vocabulary))
    return graph.model("step", DESCRIPTION)


@dataclass(frozen=True, slots=True)
class Sliding:
    """A layer that slides over time, in a stream.

    Attributes:
        graph: Where the nodes go.
        window: How it slides.
        axis, rank: Which axis of its inputs and outputs is time, and how many there are.
        ending: Whether the stream ends: a value of the graph.
    """

    graph: GraphWriter
    window: Window
    axis: int
    rank: int
    ending: str

    def apply(self, buffer: str, new: str, layer: Callable[[str], str]) -> tuple[str, str]:
        """Applies the layer, which pads nothing itself.

        An operator wants to give one output at least, so where inputs are missing for one, there are zeros in
        front of them, and what it makes of those is cut off again.

        Args:
            buffer: The inputs that were kept.
            new: Those that follow.
            layer: Adds its nodes.

        Returns:
            The outputs that are complete, and the inputs to keep.
        """
        graph, window = self.graph, self.window
        inputs = graph.node("Concat", buffer, new, axis=self.axis)
        missing = self._missing(inputs)
        behind = graph.node("Where", self.ending, self._padding(0, window.right), self._padding(0, 0))
        before = graph.node("Mul", missing, self._padding(window.stride, 0))
        y = self._from(layer(graph.node("Pad", inputs, graph.node("Add", before, behind))), missing)
        used = graph.node("Shape", y, start=self.axis, end=self.axis + 1)
        if window.stride > 1:
            used = graph.node("Mul", used, graph.constant([window.stride], np.int64))
        return y, self._from(inputs, used)

    def _missing(self, inputs: str) -> str:
        """How many strides of inputs are missing for a first output (1,)."""
        graph, window = self.graph, self.window
        frames = graph.node("Shape", inputs, start=self.axis, end=self.axis + 1)
        enough = graph.constant([window.kernel + window.stride - 1], np.int64)
        missing = graph.node("Max", graph.node("Sub", enough, frames), graph.constant([0], np.int64))
        return (
            graph.node("Div", missing, graph.constant([window.stride], np.int64))
            if window.stride > 1
            else missing
        )

    def _padding(self, begin: int, end: int) -> str:
        padding = np.zeros((2, self.rank), np.int64)
        padding[:, self.axis] = begin, end
        return self.graph.constant(padding.ravel())

    def _from(self, x: str, start: str) -> str:
        """Everything from a position (1,) on."""
        end, axis = (self.graph.constant([value], np.int64) for value in (_TO_THE_END, self.axis))
        return self.graph.node("Slice", x, start, end, axis)


def _front_end(stack: Stack, features: str, ending: str) -> str:
    """Turns features (N, T, F) into frames (S, N, D)."""
    graph, mels, channels = stack.graph, stack.mels, stack.config.channels
    first, second = (Sliding(graph, window, 2, 4, ending) for window in convolution_windows(stack.config))
    channel = graph.constant([1], np.int64)
    x = graph.node("Unsqueeze", features, channel)
    buffer = graph.node("Unsqueeze", graph.input("convolution0", ("N", "n0", mels)), channel)
    x, kept = first.apply(buffer, x, lambda padded: stack.convolution(padded, 0, first.window, (0, 0)))
    graph.output("next_convolution0", graph.node("Squeeze", kept, channel), ("N", "m0", mels))

    sizes = (channels, BAND_WINDOW.output_length(mels))
    buffer = graph.node("Transpose", graph.input("convolution1", ("N", "n1", *sizes)), perm=(0, 2, 1, 3))
    x, kept = second.apply(buffer, x, lambda padded: stack.convolution(padded, 1, second.window, (0, 0)))
    kept = graph.node("Transpose", kept, perm=(0, 2, 1, 3))
    graph.output("next_convolution1", kept, ("N", "m1", *sizes))
    return stack.frames(x)


def _recurrent_layers(stack: Stack, x: str) -> str:
    """The recurrent layers over frames (S, N, D), where there are any: the runtime cannot run over none."""
    graph, config = stack.graph, stack.config
    kinds = ("h", "c") if config.cell == "lstm" else ("h",)
    names = [f"{kind}{layer}" for layer in range(config.layers) for kind in kinds]
    shape = (1, "N", config.hidden)
    former = [graph.input(name, shape) for name in names]

    def run() -> list[str]:
        y, states = x, []
        for layer in range(config.layers):
            first = layer * len(kinds)
            y, last = stack.recurrent(stack.norm(y, layer), layer, "", former[first : first + len(kinds)])
            states += last
        return [y, *states]

    def keep() -> list[str]:
        rows = graph.node("Shape", x, start=1, end=2)
        empty = [graph.constant([0], np.int64), rows, graph.constant([config.hidden], np.int64)]
        y = graph.node("ConstantOfShape", graph.node("Concat", *empty, axis=0))
        return [y, *(graph.node("Identity", state) for state in former)]

    frames = graph.node("Shape", x, start=0, end=1)
    some = graph.node("Greater", frames, graph.constant([0], np.int64))
    y, *states = graph.either(some, run, keep)
    for name, state in zip(names, states, strict=True):
        graph.output(f"next_{name}", state, shape)
    return y
