"""Initial weights that come from another model."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from asr.bundle import Bundle


def weights_of(bundle: Bundle) -> dict[str, Tensor]:
    """The weights of a bundle as tensors in which one can train: fp32, counters as they are."""
    tensors = {name: torch.from_numpy(np.array(array)) for name, array in bundle.weights.items()}
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()
    }
