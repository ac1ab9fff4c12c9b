"""What a layer that slides over time keeps of a stream: the inputs that its later outputs still need.

A buffer begins with the zeros that its Window has on the left. New inputs are appended to it, and the zeros
on the right where the stream ends; all outputs that are complete are computed, and the inputs before the
first one of the next output are dropped. However a stream is cut, its outputs are those of the whole.
"""

from __future__ import annotations

import torch
from torch import Tensor

from asr.window import Window


def opening(window: Window, zeros: Tensor, axis: int) -> Tensor:
    """The buffer before the first input.

    Args:
        window: Of the layer.
        zeros: An input of zeros, whose length on `axis` is 1.
        axis: That of time.
    """
    return zeros.repeat_interleave(window.left, axis)


def extended(
    window: Window, held: Tensor, inputs: Tensor, axis: int, ending: bool
) -> tuple[Tensor, int, Tensor]:
    """Appends inputs to a buffer.

    Args:
        window: Of the layer.
        held: The buffer.
        inputs: The next inputs.
        axis: That of time.
        ending: Whether no more inputs follow.

    Returns:
        What the layer slides over now, without any padding; how many outputs that gives; the new buffer.
    """
    parts = [held, inputs]
    if ending and window.right:
        shape = list(held.shape)
        shape[axis] = window.right
        parts.append(held.new_zeros(shape))
    seen = torch.cat(parts, axis)
    outputs = window.bare.output_length(seen.shape[axis])
    used = outputs * window.stride
    return seen, outputs, seen.narrow(axis, used, seen.shape[axis] - used)
