"""Law 1: the length formula equals the real length, for every length and every chain of windows."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from asr.window import Window

LENGTHS = range(200)


@st.composite
def windows(draw: st.DrawFn, largest: int = 12) -> Window:
    kernel = draw(st.integers(1, largest))
    left = draw(st.integers(0, kernel - 1))
    right = draw(st.integers(0, kernel - 1 - left))
    return Window(kernel, draw(st.integers(1, 6)), left, right)


def counted(window: Window, inputs: int) -> int:
    """Slides the kernel over the padded inputs and counts where it fits."""
    starts = range(-window.left, inputs + window.right, window.stride)
    return sum(start + window.kernel <= inputs + window.right for start in starts)


@given(windows())
def test_formula_counts_the_places_of_the_kernel(window: Window) -> None:
    assert [window.output_length(n) for n in LENGTHS] == [counted(window, n) for n in LENGTHS]


@given(windows(), st.integers(1, 199))
def test_formula_is_the_length_of_a_torch_convolution(window: Window, inputs: int) -> None:
    padded = torch.nn.functional.pad(torch.zeros(1, 1, inputs), (window.left, window.right))
    assume(padded.shape[-1] >= window.kernel)  # torch refuses shorter ones; the formula gives 0
    outputs = torch.nn.functional.conv1d(padded, torch.ones(1, 1, window.kernel), stride=window.stride)
    assert outputs.shape[-1] == window.output_length(inputs)


@given(st.lists(windows(), min_size=2, max_size=3))
def test_composed_windows_count_as_one_after_the_other(chain: list[Window]) -> None:
    whole = chain[0]
    for window in chain[1:]:
        whole = whole.then(window)
    for inputs in LENGTHS:
        length = inputs
        for window in chain:
            length = window.output_length(length)
        assert whole.output_length(inputs) == length


@given(windows())
def test_arrays_count_as_their_elements(window: Window) -> None:
    lengths = np.array(LENGTHS).reshape(2, -1)
    outputs = window.output_length(lengths)
    assert outputs.shape == lengths.shape
    assert outputs.ravel().tolist() == [window.output_length(n) for n in LENGTHS]
    assert outputs.min() >= 0
