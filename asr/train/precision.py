"""Which number format training computes in: bf16 only where the processor has instructions for it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Literal

import torch

from asr.errors import RunError


@dataclass(frozen=True, slots=True)
class Precision:
    """A number format, and why it was chosen."""

    name: Literal["fp32", "bf16"]
    reason: str

    def autocast(self, device: torch.device) -> contextlib.AbstractContextManager[object]:
        """The context in which the model is run."""
        if self.name == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(device.type, dtype=torch.bfloat16)


def choose_precision(wanted: str, device: torch.device) -> Precision:
    """Turns ``auto`` into bf16 or fp32; without the instructions bf16 is several times slower.

    Args:
        wanted: `auto`, `fp32` or `bf16`.
        device: Where the model is.

    Raises:
        RunError: If bf16 is asked for and the processor has no recurrent layers in it.
    """
    if wanted == "bf16":
        if device.type == "cpu" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
            raise RunError(
                "this processor cannot compute recurrent layers in bf16; "
                "leave training.precision at auto, or set it to fp32"
            )
        return Precision("bf16", "as the recipe says")
    if wanted == "fp32":
        return Precision("fp32", "as the recipe says")
    if device.type == "cuda":
        if torch.cuda.is_bf16_supported():
            return Precision("bf16", "the GPU computes it")
        return Precision("fp32", "the GPU has no bf16")
    if device.type == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()):
        return Precision("bf16", "the processor has AVX512-BF16 or AMX")
    return Precision("fp32", "the processor has no bf16 instructions")
