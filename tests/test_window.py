"""What an output of a window sees: where it starts, what it waits for, where its middle lies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.window import Window
from tests.laws.test_lengths import windows


def seen(windows_in_order: list[Window], output: int) -> set[int]:
    """The inputs, padding included, that one output of a chain of windows sees, traced backwards."""
    positions = {output}
    for window in reversed(windows_in_order):
        positions = {
            position * window.stride - window.left + tap
            for position in positions
            for tap in range(window.kernel)
        }
    return positions


@given(st.lists(windows(), min_size=1, max_size=3), st.integers(0, 20))
def test_composed_window_sees_what_the_chain_sees(chain: list[Window], output: int) -> None:
    whole = chain[0]
    for window in chain[1:]:
        whole = whole.then(window)
    positions = seen(chain, output)
    assert whole.first(output) == min(positions)
    assert whole.needed(output) == max(positions) + 1
    assert whole.center(output) == chain_center(chain, output)
    if all(window.left == window.right for window in chain):
        assert whole.center(output) == (min(positions) + max(positions)) / 2


def chain_center(chain: list[Window], output: float) -> float:
    for window in reversed(chain):
        output = window.center(output)
    return output


def test_lookahead_moves_no_word() -> None:
    assert Window(kernel=21, right=20).center(7) == 7


@given(windows(), st.integers(0, 100))
def test_last_output_fits_and_the_next_does_not(window: Window, inputs: int) -> None:
    outputs = window.output_length(inputs)
    if outputs:
        assert window.needed(outputs - 1) <= inputs + window.right
    assert window.needed(outputs) > inputs + window.right


@given(windows(), st.integers(0, 100))
def test_what_a_stream_has_completed_is_what_needs_no_more(window: Window, inputs: int) -> None:
    ready = window.ready(inputs)
    assert all(window.needed(output) <= inputs for output in range(ready))
    assert window.needed(ready) > inputs
    assert window.bare.output_length(window.left + inputs) == ready


@given(windows(), windows())
def test_waits_add_up(first: Window, second: Window) -> None:
    assert first.then(second).wait == first.wait + first.stride * second.wait


@given(windows(), windows(), windows())
def test_composition_may_be_bracketed_either_way(first: Window, second: Window, third: Window) -> None:
    assert first.then(second).then(third) == first.then(second.then(third))


def test_one_second_has_98_frames_of_25_ms() -> None:
    assert Window(kernel=400, stride=160).output_length(16_000) == 98


def test_convolutions_halve_and_quarter_the_frames() -> None:
    half = Window(kernel=3, stride=2, left=1, right=1)
    assert half.output_length(np.array([1, 2, 3, 98])).tolist() == [1, 1, 2, 49]
    assert half.then(half) == Window(kernel=7, stride=4, left=3, right=3)


def test_nothing_gives_nothing() -> None:
    assert Window(kernel=3, left=1, right=1).output_length(0) == 0
    assert Window(kernel=400, stride=160).output_length(399) == 0


@pytest.mark.parametrize(
    ("kernel", "stride", "left", "right"),
    [(3, 0, 0, 0), (3, -1, 0, 0), (3, 1, -1, 0), (3, 1, 0, -1), (3, 1, 2, 1), (1, 1, 1, 0), (0, 1, 0, 0)],
)
def test_impossible_windows_are_refused(kernel: int, stride: int, left: int, right: int) -> None:
    with pytest.raises(ValueError, match="Window"):
        Window(kernel, stride, left, right)
