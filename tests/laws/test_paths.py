"""Packed sequences, padded pairs and the loop over frames are three ways through the same parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from asr.config import ModelConfig
from asr.model.acoustic import AcousticModel
from asr.model.recurrent import RecurrentLayer
from tests.helpers.cells import loop

CELLS = ("lstm", "gru", "rnn")
TOLERANCE = {torch.float32: 2e-6, torch.float64: 1e-13}


@dataclass(frozen=True, slots=True)
class Case:
    """A layer with random parameters, a padded batch with garbage behind the lengths, output gradients."""

    layer: RecurrentLayer
    x: Tensor
    lengths: Tensor
    gradient: Tensor


@dataclass(frozen=True, slots=True)
class Pass:
    """Outputs, and gradients of the input and of every parameter."""

    y: Tensor
    gradients: tuple[Tensor, ...]


@st.composite
def cases(draw: st.DrawFn, dtype: torch.dtype) -> Case:
    torch.manual_seed(draw(st.integers(0, 2**31)))
    inputs, hidden = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    layer = RecurrentLayer(draw(st.sampled_from(CELLS)), inputs, hidden, draw(st.booleans())).to(dtype)
    for parameter in layer.parameters():
        torch.nn.init.uniform_(parameter, -1, 1)
    lengths = torch.tensor(draw(st.lists(st.integers(1, 9), min_size=1, max_size=5)))
    frames = int(lengths.max()) + draw(st.integers(0, 2))
    x = torch.randn(len(lengths), frames, inputs, dtype=dtype)
    for row, length in zip(x, lengths.tolist(), strict=True):
        row[length:] *= 100
    return Case(layer, x, lengths, torch.randn(len(lengths), frames, layer.outputs, dtype=dtype))


def through(case: Case, run: Callable[[Tensor], Tensor]) -> Pass:
    x = case.x.clone().requires_grad_()
    y = run(x)
    gradients = torch.autograd.grad((y * case.gradient).sum(), [x, *case.layer.parameters()])
    return Pass(y.detach(), gradients)


def named(case: Case, path: str) -> Pass:
    return through(case, lambda x: case.layer(x, case.lengths, None, path)[0])


def difference(a: Tensor, b: Tensor) -> float:
    """The largest difference, relative to the scale of b."""
    return float((a - b).abs().max() / b.abs().max().clamp(min=1))


def check_equal(a: Pass, b: Pass) -> None:
    tolerance = TOLERANCE[a.y.dtype]
    assert difference(a.y, b.y) <= tolerance
    for ours, theirs in zip(a.gradients, b.gradients, strict=True):
        assert difference(ours, theirs) <= tolerance


@settings(max_examples=60)
@given(cases(torch.float32))
def test_pairs_equal_packed(case: Case) -> None:
    check_equal(named(case, "pairs"), named(case, "packed"))


@settings(max_examples=60)
@given(cases(torch.float64))
def test_pairs_equal_packed_in_double_precision(case: Case) -> None:
    check_equal(named(case, "pairs"), named(case, "packed"))


@pytest.mark.parametrize("path", ["pairs", "packed"])
@settings(max_examples=20)
@given(case=cases(torch.float64))
def test_both_equal_the_loop_over_frames(path: str, case: Case) -> None:
    check_equal(named(case, path), through(case, lambda x: loop(case.layer, x, case.lengths)))


@pytest.mark.parametrize("path", ["pairs", "packed"])
@settings(max_examples=25)
@given(case=cases(torch.float32))
def test_nothing_stands_behind_an_utterance_and_nothing_is_learnt_there(path: str, case: Case) -> None:
    result = named(case, path)
    for n, length in enumerate(case.lengths.tolist()):
        assert torch.count_nonzero(result.y[n, length:]) == 0
        assert torch.count_nonzero(result.gradients[0][n, length:]) == 0


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bidirectional", [True, False])
def test_whole_models_are_equal_on_both_paths(cell: str, bidirectional: bool) -> None:
    lengths = torch.tensor([40, 7, 61, 1])
    features = torch.randn(4, 61, 8, dtype=torch.float64)
    results = []
    for path in ("pairs", "packed"):
        torch.manual_seed(0)
        config = ModelConfig(cell, bidirectional, layers=2, hidden=12, channels=2, dropout=0.2, path=path)
        model = AcousticModel(config, mels=8, vocabulary=6).double()
        log_probs, emitted = model(features, lengths)
        mask = torch.arange(log_probs.shape[1])[None] < emitted[:, None]
        log_probs[mask].square().mean().backward()
        results.append((log_probs.detach(), [parameter.grad for parameter in model.parameters()]))
    (ours, our_gradients), (theirs, their_gradients) = results
    assert difference(ours, theirs) <= 1e-6
    for a, b in zip(our_gradients, their_gradients, strict=True):
        assert difference(a, b) <= 1e-6
