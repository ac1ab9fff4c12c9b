"""ONNX graphs that a model folder carries: which files they are, and what can run them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from asr.carried import Carried

ONNX, ONNX_INT8 = "onnx", "onnx-int8"
OFFLINE = {ONNX: "offline.onnx", ONNX_INT8: "offline.int8.onnx"}
"""The file of the graph for whole utterances, by the name of its engine."""
STEP = {ONNX: "step.onnx", ONNX_INT8: "step.int8.onnx"}
"""The file of the graph for one step of a stream; a bidirectional model has none."""
FILES = (*OFFLINE.values(), *STEP.values())


@dataclass(frozen=True, slots=True)
class Graphs:
    """The graphs of a model.

    Attributes:
        acoustic: A short text that differs where the weights do that they were made from.
        files: By the name of the file.
    """

    acoustic: str = ""
    files: Mapping[str, Carried] = field(default_factory=dict)

    @property
    def engines(self) -> tuple[str, ...]:
        """The names of the engines that can run the model."""
        return tuple(
            engine for engine in OFFLINE if OFFLINE[engine] in self.files or STEP[engine] in self.files
        )
