"""One recurrent layer: how it starts, and the state that a stream carries from chunk to chunk."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from asr.model.recurrent import LOOSE_ROWS, RecurrentLayer, State, frame_mask, reorder, reversal

CELLS = ("lstm", "gru", "rnn")
GATES = {"lstm": 4, "gru": 3, "rnn": 1}
PATHS = ("pairs", "packed")


@st.composite
def cuts(draw: st.DrawFn, parts: int) -> list[int]:
    """Lengths of a few consecutive chunks."""
    return draw(st.lists(st.integers(1, 5), min_size=parts, max_size=parts))


def unidirectional(cell: str, seed: int) -> RecurrentLayer:
    torch.manual_seed(seed)
    layer = RecurrentLayer(cell, 3, 4, bidirectional=False)
    for parameter in layer.parameters():
        torch.nn.init.uniform_(parameter, -1, 1)
    return layer


def check_states(ours: State, theirs: State) -> None:
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=15)
@given(chunks=st.integers(1, 6).flatmap(cuts), batch=st.integers(1, 3), seed=st.integers(0, 999))
def test_chunks_with_carried_state_equal_one_run(
    cell: str, path: str, chunks: list[int], batch: int, seed: int
) -> None:
    layer = unidirectional(cell, seed)
    x = torch.randn(batch, sum(chunks), 3)
    whole, last = layer(x, torch.full((batch,), sum(chunks)), layer.initial_state(batch), path)
    state: State | None = layer.initial_state(batch)
    pieces = []
    for chunk in x.split(chunks, dim=1):
        y, state = layer(chunk, torch.full((batch,), chunk.shape[1]), state, path)
        pieces.append(y)
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole, rtol=0, atol=1e-6)
    assert state is not None
    check_states(state, last)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=15)
@given(rows=st.integers(1, 4).flatmap(lambda parts: st.lists(cuts(parts), min_size=1, max_size=3)))
def test_every_row_of_a_stream_has_chunks_of_its_own_length(
    cell: str, path: str, rows: list[list[int]]
) -> None:
    layer = unidirectional(cell, seed=1)
    utterances = [torch.randn(1, sum(chunks), 3) for chunks in rows]
    state: State | None = layer.initial_state(len(rows))
    pieces: list[list[Tensor]] = [[] for _ in rows]
    starts = [0] * len(rows)
    for chunks in zip(*rows, strict=True):
        x = torch.randn(len(rows), max(chunks), 3)
        for row, (utterance, start, length) in enumerate(zip(utterances, starts, chunks, strict=True)):
            x[row, :length] = utterance[0, start : start + length]
        y, state = layer(x, torch.tensor(chunks), state, path)
        for row, length in enumerate(chunks):
            pieces[row].append(y[row, :length])
            assert torch.count_nonzero(y[row, length:]) == 0
        starts = [start + length for start, length in zip(starts, chunks, strict=True)]
    assert state is not None
    for row, utterance in enumerate(utterances):
        alone, last = layer(utterance, torch.tensor([utterance.shape[1]]), layer.initial_state(1), path)
        torch.testing.assert_close(torch.cat(pieces[row]), alone[0], rtol=0, atol=1e-6)
        check_states(tuple(part[:, row : row + 1] for part in state), last)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("path", PATHS)
def test_state_comes_back_only_if_one_was_given(cell: str, path: str) -> None:
    layer = unidirectional(cell, seed=0)
    x, lengths = torch.randn(2, 4, 3), torch.tensor([4, 4])
    without, nothing = layer(x, lengths, None, path)
    given_zeros, state = layer(x, lengths, layer.initial_state(2), path)
    assert nothing is None
    assert len(state) == (2 if cell == "lstm" else 1)
    assert torch.equal(without, given_zeros)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("rows", [LOOSE_ROWS, LOOSE_ROWS + 1, LOOSE_ROWS + 7, LOOSE_ROWS + 16])
@pytest.mark.parametrize("carried", [False, True])
def test_filling_up_a_tile_changes_nothing(cell: str, rows: int, carried: bool) -> None:
    layer = unidirectional(cell, seed=rows)
    x, lengths = torch.randn(rows, 6, 3), torch.full((rows,), 6)
    state = tuple(torch.randn_like(part) for part in layer.initial_state(rows)) if carried else None
    together, after = layer(x, lengths, state)
    assert together.shape == (rows, 6, 4)
    parts = [slice(0, rows // 2), slice(rows // 2, rows)]
    for part in parts:
        own = None if state is None else tuple(one[:, part] for one in state)
        alone, behind = layer(x[part], lengths[part], own)
        torch.testing.assert_close(together[part], alone, rtol=0, atol=1e-6)
        if after is not None and behind is not None:
            check_states(tuple(one[:, part] for one in after), behind)
    (whole,) = torch.autograd.grad(together.square().sum(), layer.rnn.weight_hh_l0, retain_graph=True)
    halves = sum(
        torch.autograd.grad(
            layer(x[part], lengths[part], None if state is None else tuple(one[:, part] for one in state))[0]
            .square()
            .sum(),
            layer.rnn.weight_hh_l0,
        )[0]
        for part in parts
    )
    torch.testing.assert_close(whole, halves, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("path", PATHS)
def test_bidirectional_layer_refuses_a_state(path: str) -> None:
    layer = RecurrentLayer("lstm", 3, 4, bidirectional=True)
    with pytest.raises(ValueError, match="takes no state"):
        layer(torch.randn(1, 2, 3), torch.tensor([2]), layer.initial_state(1), path)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bidirectional", [True, False])
def test_weights_start_orthogonal_and_xavier(cell: str, bidirectional: bool) -> None:
    hidden, inputs = 24, 40
    layer = RecurrentLayer(cell, inputs, hidden, bidirectional)
    bound = math.sqrt(6 / (inputs + hidden))
    for suffix in ("", "_reverse") if bidirectional else ("",):
        recurrent = getattr(layer.rnn, f"weight_hh_l0{suffix}").detach().split(hidden)
        from_input = getattr(layer.rnn, f"weight_ih_l0{suffix}").detach().split(hidden)
        assert len(recurrent) == len(from_input) == GATES[cell]
        for gate in recurrent:
            torch.testing.assert_close(gate @ gate.T, torch.eye(hidden), rtol=0, atol=1e-5)
        for first, second in pairwise(recurrent):
            assert not torch.equal(first, second)
        for gate in from_input:
            assert 0.9 * bound < gate.abs().max() <= bound
            assert abs(gate.std() / (bound / math.sqrt(3)) - 1) < 0.1


@pytest.mark.parametrize("cell", CELLS)
def test_biases_start_at_zero_but_the_forget_gate_at_one(cell: str) -> None:
    hidden = 5
    layer = RecurrentLayer(cell, 3, hidden, bidirectional=True)
    expected = torch.zeros(GATES[cell] * hidden)
    if cell == "lstm":
        expected[hidden : 2 * hidden] = 1
    for suffix in ("", "_reverse"):
        total = getattr(layer.rnn, f"bias_ih_l0{suffix}") + getattr(layer.rnn, f"bias_hh_l0{suffix}")
        assert torch.equal(total.detach(), expected)


def test_reversal_mirrors_each_utterance_and_leaves_the_padding() -> None:
    x = torch.arange(10.0).reshape(2, 5, 1)
    lengths = torch.tensor([3, 5])
    mirrored = reorder(x, reversal(lengths, 5))
    assert mirrored[:, :, 0].tolist() == [[2, 1, 0, 3, 4], [9, 8, 7, 6, 5]]
    assert torch.equal(reorder(mirrored, reversal(lengths, 5)), x)
    assert frame_mask(lengths, 5).tolist() == [[True] * 3 + [False] * 2, [True] * 5]
