"""The graph of whole utterances: features and their lengths in, log-probabilities and their lengths out.

What stands behind the length of an utterance is set to zero before each convolution; recurrent layers are
told the lengths, and give zeros behind them. So an utterance in a batch gets what it gets alone.
"""

from __future__ import annotations

import numpy as np

from asr.bundle import Bundle
from asr.export.graph import FLOAT, INT32, GraphWriter
from asr.export.layers import Stack
from asr.model.lengths import convolution_windows, lookahead_window
from asr.window import Window

DESCRIPTION = (
    "Whole utterances: normalised log-mel features (N, T, F) and lengths (N,) of at least 1 in, natural-log "
    "probabilities (N, S, V) and their lengths out."
)


def offline_graph(bundle: Bundle, int8: bool = False) -> bytes:
    """The ONNX model that runs whole utterances.

    Args:
        bundle: Any kind of model.
        int8: Whether its layers, which are LSTMs then, have weights of 8 bits.

    Raises:
        BundleError: If the weights do not fit the description.
    """
    stack = Stack.of(bundle, int8)
    graph, config = stack.graph, stack.config
    features = graph.input("features", ("N", "T", stack.mels))
    lengths = graph.input("lengths", ("N",), np.int64)
    x, emitted = _front_end(stack, features, lengths)
    short = graph.node("Cast", emitted, to=INT32)
    for layer in range(config.layers):
        x, _ = stack.recurrent(stack.norm(x, layer), layer, short, ())
    if config.lookahead:
        window = lookahead_window(config)
        x = stack.lookahead(x, window, (window.left, window.right))
    log_probs = stack.head(stack.norm(x, config.layers))
    stack.parameters.check_all_used()
    graph.output("log_probs", log_probs, ("N", "S", stack.vocabulary))
    graph.output("emission_lengths", emitted, ("N",), np.int64)
    return graph.model("offline", DESCRIPTION)


def _front_end(stack: Stack, features: str, lengths: str) -> tuple[str, str]:
    """Turns features (N, T, F) into frames (S, N, D), and their lengths."""
    graph = stack.graph
    mask = graph.node("Unsqueeze", _mask(graph, features, 1, lengths), graph.constant([2], np.int64))
    x = graph.node("Where", mask, features, graph.constant(0, np.float32))
    x = graph.node("Unsqueeze", x, graph.constant([1], np.int64))
    for index, window in enumerate(convolution_windows(stack.config)):
        if index:
            mask = graph.node("Cast", _mask(graph, x, 2, lengths), to=FLOAT)
            x = graph.node("Mul", x, graph.node("Unsqueeze", mask, graph.constant([1, 3], np.int64)))
        x = stack.convolution(x, index, window, (window.left, window.right))
        lengths = _output_length(graph, lengths, window)
    return stack.frames(x), lengths


def _mask(graph: GraphWriter, x: str, axis: int, lengths: str) -> str:
    """True (N, T) at the frames of each utterance, False behind them; T is an axis of x."""
    frames = graph.node("Gather", graph.node("Shape", x), graph.constant(axis, np.int64))
    zero, one = graph.constant(0, np.int64), graph.constant(1, np.int64)
    frame = graph.node("Range", zero, frames, one)
    return graph.node("Less", frame, graph.node("Unsqueeze", lengths, graph.constant([1], np.int64)))


def _output_length(graph: GraphWriter, lengths: str, window: Window) -> str:
    """`Window.output_length` of lengths (N,), for windows that pass over no input."""
    extra = window.left + window.right - window.kernel + window.stride
    longer = graph.node("Add", lengths, graph.constant(extra, np.int64))
    return graph.node("Div", longer, graph.constant(window.stride, np.int64))
