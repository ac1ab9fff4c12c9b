"""The engines of one random model, side by side."""

from __future__ import annotations

from typing import Any

from asr.bundle import Bundle
from asr.export.bundle import export
from asr.recognize.onnx_engine import OnnxEngine
from asr.recognize.torch_engine import TorchEngine
from tests.helpers.bundles import random_model


def exported_model(**changes: Any) -> Bundle:
    """A bundle with a random model and its graphs; see `random_model` for the changes."""
    return export(random_model(**changes))


def both(**changes: Any) -> tuple[TorchEngine, OnnxEngine]:
    """A random model on torch and on ONNX Runtime, in fp32."""
    bundle = exported_model(**changes)
    return TorchEngine.from_bundle(bundle), OnnxEngine(bundle)
