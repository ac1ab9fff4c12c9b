"""What a run depends on besides recipe and data: commit, versions, processor, device."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch

import asr
from asr.environment import this_environment

_PACKAGES = ("torch", "numpy", "soundfile", "safetensors", "jiwer")


def describe_environment(device: torch.device) -> dict[str, Any]:
    """Plain values for environment.json and the model card."""
    return {
        "asr": asr.__version__,
        **asdict(this_environment(_PACKAGES)),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
    }
