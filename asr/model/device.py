"""Where a model computes."""

from __future__ import annotations

import torch

from asr.errors import RunError


def choose_device(name: str) -> torch.device:
    """The torch device that a name means; ``auto`` is a GPU where there is one.

    Raises:
        RunError: If the name is not a device, or the device is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, ImportError) as error:
        reason = str(error).splitlines()[0].partition(". ")[0]
        raise RunError(f"device {name!r} cannot be used ({reason}); try --device cpu") from None
    return device
