"""Everything that slides over time is a Window: one formula for lengths, padding, latency, seconds.

The STFT, a convolution, a lookahead convolution and a resampling filter all read ``kernel`` inputs,
move on by ``stride``, and may see ``left`` and ``right`` zeros beyond the ends. Windows compose, so
the whole way from samples to emission frames is again a Window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Count = TypeVar("Count", int, NDArray[np.int64])


@dataclass(frozen=True, slots=True)
class Window:
    """A view that slides over a sequence.

    Attributes:
        kernel: Inputs seen by one output.
        stride: Inputs between one output and the next.
        left: Zeros before the first input.
        right: Zeros after the last input; the inputs of the future that an output waits for.

    Raises:
        ValueError: If the padding alone would fill the kernel, so that no input gave an output.
    """

    kernel: int
    stride: int = 1
    left: int = 0
    right: int = 0

    def __post_init__(self) -> None:
        if self.stride < 1 or self.left < 0 or self.right < 0:
            raise ValueError(f"stride must be positive and padding not negative: {self}")
        if self.left + self.right >= self.kernel:
            raise ValueError(f"left + right must be smaller than kernel: {self}")

    def output_length(self, inputs: Count) -> Count:
        """Counts the outputs of `inputs` inputs: ``max(0, (n + left + right - kernel) // stride + 1)``.

        Args:
            inputs: A count, or an integer array of counts of any shape.

        Returns:
            The count, or an array of counts of the same shape.
        """
        outputs = (inputs + self.left + self.right - self.kernel) // self.stride + 1
        if isinstance(outputs, np.ndarray):
            return np.maximum(outputs, 0)
        return max(outputs, 0)

    def ready(self, inputs: int) -> int:
        """Counts the outputs that a stream of so many inputs has completed, while more may follow."""
        return Window(self.kernel, self.stride, self.left).output_length(inputs)

    @property
    def bare(self) -> Window:
        """The same without padding: what slides over a buffer that holds its own zeros."""
        return Window(self.kernel, self.stride)

    def then(self, following: Window) -> Window:
        """Composes: the Window from this one's inputs to the outputs of `following`."""
        return Window(
            kernel=self.kernel + (following.kernel - 1) * self.stride,
            stride=self.stride * following.stride,
            left=self.left + following.left * self.stride,
            right=self.right + following.right * self.stride,
        )

    def first(self, output: int) -> int:
        """The first input that output `output` sees; negative inside the left padding."""
        return output * self.stride - self.left

    def needed(self, output: int) -> int:
        """How many inputs must have arrived before output `output` can be computed in a stream."""
        return self.first(output) + self.kernel

    @property
    def wait(self) -> float:
        """Inputs that follow the one which an output stands for, before it can be computed in a stream."""
        return self.needed(0) - 1 - self.center(0)

    def center(self, output: float) -> float:
        """The input position that output `output` stands for.

        It is the middle of the inputs that the output sees, where as many of them lie in the past as
        in the future; what a lookahead sees beyond that is context and moves nothing.
        """
        return output * self.stride + (self.kernel - 1 - self.left - self.right) / 2
