"""ONNX graphs that a model folder carries: read when they are first needed, and checked by their hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from asr.errors import BundleError

ONNX, ONNX_INT8 = "onnx", "onnx-int8"
OFFLINE = {ONNX: "offline.onnx", ONNX_INT8: "offline.int8.onnx"}
"""The file of the graph for whole utterances, by the name of its engine."""
STEP = {ONNX: "step.onnx", ONNX_INT8: "step.int8.onnx"}
"""The file of the graph for one step of a stream; a bidirectional model has none."""
FILES = (*OFFLINE.values(), *STEP.values())


@dataclass(frozen=True, slots=True)
class Graph:
    """One graph.

    Attributes:
        content: The file, or what stands in it.
        sha256: Of what stands in it.
    """

    content: Path | bytes
    sha256: str

    def read(self) -> bytes:
        """What stands in the file.

        Raises:
            BundleError: If it is missing or damaged.
        """
        if isinstance(self.content, bytes):
            return self.content
        try:
            content = self.content.read_bytes()
        except OSError as error:
            raise BundleError(
                f"{self.content}: cannot be read: {error.strerror}; copy the model folder again"
            ) from None
        if digest(content) != self.sha256:
            raise BundleError(
                f"{self.content}: damaged (its hash differs); copy the model folder again, or export it anew"
            )
        return content


@dataclass(frozen=True, slots=True)
class Graphs:
    """The graphs of a model.

    Attributes:
        acoustic: A short text that differs where the weights do that they were made from.
        files: By the name of the file.
    """

    acoustic: str = ""
    files: Mapping[str, Graph] = field(default_factory=dict)

    @property
    def engines(self) -> tuple[str, ...]:
        """The names of the engines that can run the model."""
        return tuple(engine for engine, name in OFFLINE.items() if name in self.files)


def graph(content: bytes) -> Graph:
    """A graph that stands in no file yet."""
    return Graph(content, digest(content))


def digest(content: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
