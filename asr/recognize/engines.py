"""Which engine runs a model: the one that was asked for, or the one that needs least."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from asr.audio.mel import framing
from asr.bundle import Bundle, load_bundle
from asr.errors import BundleError, RunError, StreamError
from asr.graphs import ONNX, ONNX_INT8
from asr.model.lengths import emission_window
from asr.recognize.engine import Engine

AUTO, TORCH = "auto", "torch"


@dataclass(frozen=True, slots=True)
class Chunks:
    """How a bidirectional model listens to a stream; see `asr.model.latency_controlled`.

    Attributes:
        seconds: What is computed at once.
        right_context: What of the following is read with it.

    Raises:
        StreamError: If there is no such length.
    """

    seconds: float = 0.64
    right_context: float = 0.32

    def __post_init__(self) -> None:
        if not (0 < self.seconds <= 60 and 0 <= self.right_context <= 60):
            raise StreamError(
                f"chunks of {self.seconds:g} s with a right context of {self.right_context:g} s; choose "
                "more than 0 and at least 0, and at most 60"
            )


ENGINES = (AUTO, TORCH, ONNX, ONNX_INT8)


def read_model(
    folder: Path, engine: str = AUTO, device: str = "cpu", chunks: Chunks | None = None
) -> tuple[Bundle, str]:
    """Reads a model folder, and decides which engine runs it.

    Args:
        folder: A bundle.
        engine: `torch`; `onnx`, ONNX Runtime in fp32, the same within 1e-5; `onnx-int8`, with weights of 8
            bits, faster and not quite the same; or `auto`: on a CPU the first of these whose graphs the
            folder has, else `torch`.
        device: Where to compute: `cpu` or a torch device such as `cuda`.
        chunks: For a bidirectional model that is to listen to a stream, which only torch does.

    Returns:
        The bundle, without weights where the engine needs none; and the name of the engine.

    Raises:
        BundleError: If the folder is missing, foreign, damaged or of a newer version, or has not what the
            engine runs.
        RunError: If there is no such engine, or it has no such device.
    """
    if engine not in ENGINES:
        raise RunError(f"no engine {engine!r}; choose one of {', '.join(ENGINES)}")
    if device != "cpu" and engine not in (AUTO, TORCH):
        raise RunError(f"device {device}: the engine {engine} computes on the CPU; choose the engine torch")
    if chunks is not None and engine not in (AUTO, TORCH):
        raise RunError(
            f"chunks of a bidirectional model: not with the engine {engine}; choose the engine torch"
        )
    may_be_onnx = engine != TORCH and device == "cpu" and chunks is None
    bundle = load_bundle(folder, weights=not may_be_onnx)
    if engine == AUTO:
        engine = next(iter(bundle.graphs.engines if may_be_onnx else ()), TORCH)
    if engine != TORCH:
        if engine not in bundle.graphs.engines:
            problem = f"has no graphs for {engine}; make them with asr export, or choose the engine torch"
            raise BundleError(f"{folder}: {problem}")
        return bundle, engine
    if bundle.graphs.files and not bundle.weights:
        bundle = load_bundle(folder)
        if not bundle.weights:
            known = bundle.graphs.engines[0]
            raise BundleError(f"{folder}: has graphs, but no weights for torch; choose the engine {known}")
    if find_spec("torch") is None:
        raise BundleError(
            f"{folder}: torch is not installed; pip install 'recurrent-asr[train]', or make graphs for "
            "onnx, which need no torch, with asr export (pip install 'recurrent-asr[export]')"
        )
    return bundle, TORCH


def start_engine(bundle: Bundle, engine: str, device: str = "cpu", chunks: Chunks | None = None) -> Engine:
    """Starts what runs the acoustic model of a bundle.

    Args:
        bundle: From `read_model`.
        engine: From there, too.
        device: As there.
        chunks: As there.

    Raises:
        BundleError: If the bundle does not fit together.
        StreamError: If there are chunks, and the model is unidirectional.
        RunError: If there is no such device.
    """
    if engine == TORCH:
        from asr.recognize.torch_engine import TorchEngine  # torch takes seconds to import

        if chunks is None:
            return TorchEngine.from_bundle(bundle, device)
        second = (
            bundle.features.sample_rate / framing(bundle.features).then(emission_window(bundle.model)).stride
        )
        chunk, context = max(1, round(chunks.seconds * second)), round(chunks.right_context * second)
        return TorchEngine.from_bundle(bundle, device, (chunk, context))
    from asr.recognize.onnx_engine import OnnxEngine

    return OnnxEngine(bundle, engine)
