"""The engine that needs no torch: ONNX Runtime on the graphs that ``asr export`` made."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from textwrap import shorten

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NotImplemented,
)

from asr.bundle import Bundle
from asr.config import ModelConfig
from asr.decode.ctc import Emission
from asr.errors import BundleError
from asr.graphs import OFFLINE, ONNX, STEP
from asr.model.lengths import BAND_WINDOW, convolution_windows, emission_window, lookahead_window
from asr.recognize.engine import AcousticState, Array, cannot_stream, side_by_side
from asr.window import Window

ERRORS_ONLY = 3
"""What ONNX Runtime logs."""
REFUSALS = (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NotImplemented)


class OnnxEngine:
    """Runs the graphs of a bundle on the CPU.

    Args:
        bundle: With graphs; its weights are not needed.
        engine: Which graphs: `onnx` in fp32, or `onnx-int8`.
        threads: How many threads compute one batch.

    Raises:
        BundleError: If the bundle has no such graphs.
    """

    def __init__(self, bundle: Bundle, engine: str = ONNX, threads: int = 1) -> None:
        if engine not in bundle.graphs.engines:
            raise BundleError(
                f"{bundle.name}: has no graphs for {engine}; make them with asr export, or take torch"
            )
        self._bundle, self._engine, self._threads = bundle, engine, threads

    @cached_property
    def window(self) -> Window:
        """The Window from feature frames to emission frames."""
        return emission_window(self._bundle.model)

    @property
    def streams(self) -> bool:
        """Whether the model can listen to a stream; see Engine."""
        return not self._bundle.model.bidirectional

    @property
    def variant(self) -> str:
        """How it differs from the model as it was trained; see Engine."""
        return "" if self._engine == ONNX else "in 8 bits"

    def run(self, features: NDArray[np.float32], lengths: NDArray[np.int64]) -> Emission:
        """Computes the emissions of whole utterances; see Engine.

        Without a graph for them, they are streams that come in one piece.
        """
        outputs = self.window.output_length(lengths)
        vocabulary = len(self._bundle.vocabulary)
        log_probs = np.zeros((len(lengths), int(outputs.max(initial=0)), vocabulary), np.float32)
        spoken = np.flatnonzero(outputs > 0)
        together = self._keeps_company and OFFLINE[self._engine] in self._bundle.graphs.files
        for rows in [spoken] if together and len(spoken) else spoken[:, None]:
            result = self._whole(features[rows, : lengths[rows].max()], lengths[rows])
            if result.shape[1:] != (outputs[rows].max(), vocabulary):
                raise self._disagreement()
            log_probs[rows, : result.shape[1]] = result
        return Emission(log_probs, outputs)

    def _whole(self, features: NDArray[np.float32], lengths: NDArray[np.int64]) -> NDArray[np.float32]:
        """Log-probabilities (N, S, V) of utterances; of one alone, if there is no graph for whole ones."""
        if OFFLINE[self._engine] in self._bundle.graphs.files:
            given = {"features": features, "lengths": lengths.astype(np.int64)}
            (log_probs,) = self._offline.run(["log_probs"], given)
            return np.asarray(log_probs)
        ((emitted, _),) = self.step([self.start()], list(features), ending=True)
        return emitted[None]

    def ready(self, frames: int) -> int:
        """How many emission frames a stream has had; see Engine."""
        return self.window.ready(frames)

    def start(self) -> AcousticState:
        """The state before the first frame; see Engine."""
        self._check_streams()
        model, mels = self._bundle.model, self._bundle.features.mels
        first, second = convolution_windows(model)
        bands = BAND_WINDOW.output_length(mels)
        hidden = np.zeros(model.hidden, np.float32)
        return AcousticState(
            convolutions=(
                np.zeros((first.left, mels), np.float32),
                np.zeros((second.left, model.channels, bands), np.float32),
            ),
            recurrent=((hidden,) * (2 if model.cell == "lstm" else 1),) * model.layers,
            lookahead=np.zeros((lookahead_window(model).left, model.hidden), np.float32),
        )

    def step(
        self, states: Sequence[AcousticState], features: Sequence[Array], ending: bool = False
    ) -> list[tuple[Array, AcousticState]]:
        """Goes on with some streams, those of equal shapes side by side in fp32; see Engine."""
        self._check_streams()
        found: dict[int, tuple[Array, AcousticState]] = {}
        alone = [[row] for row in range(len(states))]
        for rows in side_by_side(states, features) if self._keeps_company else alone:
            results = self._step.run([states[row] for row in rows], [features[row] for row in rows], ending)
            found |= zip(rows, results, strict=True)
        return [found[index] for index in range(len(states))]

    @property
    def _keeps_company(self) -> bool:
        """Whether several utterances or streams at once are each what it is alone.

        In 8 bits they are not: activations are scaled by the greatest of all that are computed together.
        """
        return self._engine == ONNX

    @cached_property
    def _offline(self) -> onnxruntime.InferenceSession:
        return self._session(OFFLINE[self._engine])

    @cached_property
    def _step(self) -> Step:
        return Step(self._session(STEP[self._engine]), self._bundle.model)

    def _session(self, name: str) -> onnxruntime.InferenceSession:
        graphs = self._bundle.graphs.files
        if name not in graphs:
            raise BundleError(f"{self._bundle.name}: has no {name}; make it with asr export")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self._threads, 1
        options.log_severity_level = ERRORS_ONLY
        options.enable_mem_pattern = False  # it keeps a plan for every length that ever came
        try:
            session = onnxruntime.InferenceSession(graphs[name].read(), options, ["CPUExecutionProvider"])
        except REFUSALS as error:
            problem = shorten(str(error), 150)
            raise BundleError(
                f"{self._bundle.name}: onnxruntime {onnxruntime.__version__} cannot run {name} ({problem}); "
                "upgrade it, or make the graph again with asr export"
            ) from None
        values = (*session.get_inputs(), *session.get_outputs())
        found = {value.name: value.shape[-1] for value in values if value.shape}
        if {name: found.get(name) for name in self._widths} != self._widths:
            raise self._disagreement()
        return session

    @property
    def _widths(self) -> dict[str, int]:
        """The last dimension of what goes into every graph and what comes out."""
        return {"features": self._bundle.features.mels, "log_probs": len(self._bundle.vocabulary)}

    def _disagreement(self) -> BundleError:
        return BundleError(
            f"{self._bundle.name}: graphs and model.json disagree; make the graphs again with asr export"
        )

    def _check_streams(self) -> None:
        if not self.streams:
            raise cannot_stream()


class Step:
    """The graph of one step, and what its inputs and outputs are called.

    Args:
        session: Runs it.
        model: Sizes and kinds of layers.
    """

    def __init__(self, session: onnxruntime.InferenceSession, model: ModelConfig) -> None:
        kinds = ("h", "c") if model.cell == "lstm" else ("h",)
        recurrent = [f"{kind}{layer}" for layer in range(model.layers) for kind in kinds]
        self._session, self._parts = session, len(kinds)
        self._lookahead = bool(model.lookahead)
        self._names = ["convolution0", "convolution1", *recurrent, *["lookahead"][: self._lookahead]]
        self._outputs = ["log_probs", *(f"next_{name}" for name in self._names)]

    def run(
        self, states: Sequence[AcousticState], features: Sequence[Array], ending: bool
    ) -> list[tuple[Array, AcousticState]]:
        """Goes on with streams that all have as many frames in each part."""
        given = {"features": _together(features), "ending": np.array(int(ending))}
        arrays = zip(*(self._flat(state) for state in states), strict=True)
        for name, rows in zip(self._names, arrays, strict=True):
            given[name] = _as_given(name, _together(rows))
        log_probs, *after = self._session.run(self._outputs, given)
        parts = [_apart(_rows(name, array)) for name, array in zip(self._names, after, strict=True)]
        return [
            (row, self._state(flat, state))
            for row, state, *flat in zip(_apart(log_probs), states, *parts, strict=True)
        ]

    def _state(self, flat: Sequence[Array], before: AcousticState) -> AcousticState:
        """The state of a stream from its arrays in the order of their names."""
        recurrent = flat[2 : len(flat) - self._lookahead]
        layers = tuple(
            tuple(recurrent[at : at + self._parts]) for at in range(0, len(recurrent), self._parts)
        )
        lookahead = flat[-1] if self._lookahead else before.lookahead
        return AcousticState((flat[0], flat[1]), layers, lookahead)

    def _flat(self, state: AcousticState) -> list[Array]:
        flat = [*state.convolutions, *(part for layer in state.recurrent for part in layer)]
        return [*flat, state.lookahead] if self._lookahead else flat


def _as_given(name: str, rows: Array) -> Array:
    """Streams side by side (N, …) as the graph wants an input."""
    if name.startswith("convolution"):
        return rows
    return np.swapaxes(rows, 0, 1) if name == "lookahead" else rows[None]


def _rows(name: str, given: Array) -> Array:
    """What the graph gives for an input as streams side by side (N, …)."""
    if name.startswith("convolution"):
        return given
    return np.swapaxes(given, 0, 1) if name == "lookahead" else given[0]


def _together(arrays: Sequence[Array]) -> Array:
    """Arrays of equal shapes side by side."""
    if len(arrays) == 1:  # the usual case, and a copy of everything takes a while
        return arrays[0][None]
    return np.concatenate(arrays).reshape(len(arrays), *arrays[0].shape)


def _apart(rows: Array) -> list[Array]:
    """The rows of a batch, none of which keeps the others in memory."""
    return [rows[0]] if len(rows) == 1 else [row.copy() for row in rows]
