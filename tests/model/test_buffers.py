"""Buffers: what slides over a stream in pieces gives what it gives over the whole."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.model.buffers import extended, opening
from asr.window import Window
from tests.laws.test_lengths import windows


def sums(window: Window, seen: torch.Tensor) -> torch.Tensor:
    """The sum of what each output sees; no padding."""
    if seen.shape[1] < window.kernel:
        return seen[:, :0]
    return seen.unfold(1, window.kernel, window.stride).sum(-1)


@settings(max_examples=100)
@given(
    windows().filter(lambda window: window.stride <= window.kernel), st.lists(st.integers(0, 9), max_size=9)
)
def test_pieces_give_what_the_whole_gives(window: Window, sizes: list[int]) -> None:
    x = torch.arange(1.0, 1 + sum(sizes))[None, :, None]
    padded = torch.nn.functional.pad(x, (0, 0, window.left, window.right))
    whole = sums(window, padded)
    held, found, heard = opening(window, torch.zeros(1, 1, 1), 1), [], 0
    for index, part in enumerate(torch.split(x, sizes, 1) if sizes else [x]):
        ending = index >= len(sizes) - 1
        seen, outputs, held = extended(window, held, part, 1, ending)
        found.append(sums(window, seen))
        assert found[-1].shape[1] == outputs
        heard += part.shape[1]
        if not ending:
            assert sum(one.shape[1] for one in found) == window.ready(heard)
    together = torch.cat(found, 1)
    assert together.shape[1] == window.output_length(x.shape[1])
    assert torch.equal(together, whole)
