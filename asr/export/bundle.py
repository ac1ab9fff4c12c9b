"""A bundle with graphs: what ``asr export`` writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from asr.bundle import Bundle
from asr.carried import carried
from asr.export.offline import offline_graph
from asr.export.step import step_graph
from asr.graphs import OFFLINE, ONNX, ONNX_INT8, STEP, Graphs
from asr.recognize.emission_cache import acoustic_digest


@dataclass(frozen=True, slots=True)
class Work:
    """A graph to be made: the name of its file, and what makes it."""

    name: str
    make: Callable[[], bytes]


def planned(bundle: Bundle, *, fp32: bool = True, int8: bool = True, offline: bool = True) -> list[Work]:
    """The graphs that a bundle gets.

    Args:
        bundle: With weights.
        fp32: Whether those that compute what torch does.
        int8: Whether those with weights of 8 bits, if its cells are LSTMs.
        offline: Whether those for whole utterances; a bidirectional model has no others.
    """
    works = []
    for engine in [ONNX] * fp32 + [ONNX_INT8] * (int8 and quantizable(bundle)):
        quantized = engine == ONNX_INT8
        if offline or bundle.model.bidirectional:
            works.append(Work(OFFLINE[engine], partial(offline_graph, bundle, quantized)))
        if not bundle.model.bidirectional:
            works.append(Work(STEP[engine], partial(step_graph, bundle, quantized)))
    return works


def quantizable(bundle: Bundle) -> bool:
    """Whether ONNX Runtime can run its layers with weights of 8 bits."""
    return bundle.model.cell == "lstm"


def export(bundle: Bundle, *, int8: bool = True) -> Bundle:
    """The bundle with its graphs, in place of those that it had; see `planned`.

    Raises:
        BundleError: If it has no weights, or others than `model.json` says.
    """
    return with_graphs(bundle, {work.name: work.make() for work in planned(bundle, int8=int8)})


def with_graphs(bundle: Bundle, contents: Mapping[str, bytes]) -> Bundle:
    """The bundle with these graphs of its weights, by the names of their files."""
    acoustic = acoustic_digest(replace(bundle, graphs=Graphs()))
    return replace(bundle, graphs=Graphs(acoustic, {name: carried(made) for name, made in contents.items()}))
