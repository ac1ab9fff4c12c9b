"""Writes ONNX graphs: one node after the other, values known by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

MICROSOFT = "com.microsoft"
"""The operators that ONNX Runtime has beyond the standard: those of 8 bits."""
FLOAT, INT32, BOOL = int(TensorProto.FLOAT), int(TensorProto.INT32), int(TensorProto.BOOL)
"""Types to cast to."""
OPSETS = {"": 17, MICROSOFT: 1}
IR_VERSION = 8

Dimensions = Sequence[str | int]


class GraphWriter:
    """Collects the nodes, weights, inputs and outputs of a graph.

    Values are strings: what `input`, `constant` and `node` return is handed on to later nodes.
    """

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._widened: list[NodeProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._initializers: list[TensorProto] = []
        self._inputs: list[ValueInfoProto] = []
        self._outputs: list[ValueInfoProto] = []
        self._values = 0

    def input(self, name: str, dimensions: Dimensions, dtype: type[np.generic] = np.float32) -> str:
        """Declares an input; dimensions that are not fixed have names."""
        self._inputs.append(helper.make_tensor_value_info(name, _element(dtype), dimensions))
        return name

    def output(
        self, name: str, value: str, dimensions: Dimensions, dtype: type[np.generic] = np.float32
    ) -> None:
        """Makes a value an output."""
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, _element(dtype), dimensions))

    def constant(self, array: Any, dtype: type[np.generic] | None = None) -> str:
        """A constant that nobody looks for; the same one twice is stored once."""
        value: NDArray[np.generic] = np.ascontiguousarray(array, dtype).reshape(np.shape(array))
        key = (value.dtype.str, value.shape, value.tobytes())
        if key not in self._constants:
            self._constants[key] = self.parameter(self._new_name(), value)
        return self._constants[key]

    def parameter(self, name: str, array: NDArray[np.generic]) -> str:
        """A constant that can be found in the file by its name."""
        self._initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def weight(self, name: str, array: NDArray[np.generic]) -> str:
        """A parameter of fp32; one given in half precision is stored so, and widened when it is loaded."""
        if array.dtype != np.float16:
            return self.parameter(name, array.astype(np.float32))
        self._widened.append(
            helper.make_node("Cast", [self.parameter(name, array)], [f"{name}.wide"], to=FLOAT)
        )
        return f"{name}.wide"

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Adds a node with one output."""
        return self.nodes(operator, inputs, 1, domain=domain, **attributes)[0]

    def nodes(
        self, operator: str, inputs: Sequence[str], outputs: int, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Adds a node with several outputs."""
        names = [self._new_name() for _ in range(outputs)]
        self._nodes.append(helper.make_node(operator, list(inputs), names, domain=domain, **attributes))
        return names

    def either(
        self, condition: str, then: Callable[[], Sequence[str]], otherwise: Callable[[], Sequence[str]]
    ) -> list[str]:
        """Runs some nodes or others, as the condition says; both give equally many values of fp32."""
        branches = {}
        for name, write in (("then_branch", then), ("else_branch", otherwise)):
            outside, self._nodes = self._nodes, []
            outputs = [helper.make_tensor_value_info(value, FLOAT, None) for value in write()]
            branches[name] = helper.make_graph(self._nodes, name, [], outputs)
            self._nodes = outside
        return self.nodes("If", [condition], len(branches["then_branch"].output), **branches)

    def model(self, name: str, description: str) -> bytes:
        """The finished model, as it stands in a file."""
        graph: GraphProto = helper.make_graph(
            self._widened + self._nodes,
            name,
            self._inputs,
            self._outputs,
            self._initializers,
            doc_string=description,
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
        model: ModelProto = helper.make_model(
            graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="recurrent-asr"
        )
        content: bytes = model.SerializeToString(deterministic=True)
        return content

    def _new_name(self) -> str:
        self._values += 1
        return f"v{self._values}"


def _element(dtype: type[np.generic]) -> int:
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
