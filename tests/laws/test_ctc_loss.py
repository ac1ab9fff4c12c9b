"""Law 4: the CTC loss is the sum over all alignments, written out one by one."""

from __future__ import annotations

from itertools import groupby, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from asr.data.batching import Batch, pad
from asr.model.lengths import required_frames
from asr.train.ctc import ctc_loss

LONGEST = 5
Case = tuple[list[int], list[list[int]], int, int]


def batch_of(tokens: list[list[int]], frames: list[int]) -> Batch:
    return Batch(
        ids=tuple(map(str, range(len(tokens)))),
        features=np.zeros((len(tokens), max(frames), 1), np.float32),
        feature_lengths=np.array(frames),
        tokens=pad([np.array(ids, np.int64) for ids in tokens]),
        token_lengths=np.array([len(ids) for ids in tokens]),
    )


def alignments(tokens: list[int], frames: int, vocabulary: int) -> list[tuple[int, ...]]:
    """All paths of so many frames that say these tokens once repeats are merged and blanks removed."""
    return [
        path
        for path in product(range(vocabulary), repeat=frames)
        if [token for token, _ in groupby(path) if token] == tokens
    ]


def enumerated(log_probs: Tensor, tokens: list[int]) -> Tensor:
    """The negative log-likelihood (S, V) → (), alignment by alignment."""
    paths = torch.tensor(alignments(tokens, *log_probs.shape))
    if not len(paths):
        return torch.tensor(torch.inf, dtype=log_probs.dtype)
    return -torch.logsumexp(log_probs[torch.arange(len(log_probs)), paths].sum(1), 0)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    vocabulary = draw(st.integers(2, 3))
    frames = draw(st.lists(st.integers(1, LONGEST), min_size=1, max_size=3))
    texts = st.lists(st.integers(1, vocabulary - 1), max_size=4)
    tokens = [draw(texts) for _ in frames]
    return frames, tokens, vocabulary, draw(st.integers(0, 1000))


@settings(max_examples=60)
@given(cases())
def test_loss_and_gradient_are_those_of_the_enumeration(case: Case) -> None:
    frames, tokens, vocabulary, seed = case
    torch.manual_seed(seed)
    logits = torch.randn(len(frames), max(frames), vocabulary, dtype=torch.float64) * 2
    logits.requires_grad_()
    loss = ctc_loss(logits.log_softmax(-1), torch.tensor(frames), batch_of(tokens, frames))
    expected = [
        enumerated(row[:length].log_softmax(-1), ids)
        for row, length, ids in zip(logits, frames, tokens, strict=True)
    ]
    possible = [value for value in expected if torch.isfinite(value)]
    total = torch.stack(possible).sum() if possible else 0 * logits.sum()
    assert loss.count == len(possible)
    assert loss.skipped == len(frames) - len(possible)
    assert loss.total.item() == pytest.approx(total.item(), abs=1e-9)
    (gradient,) = torch.autograd.grad(loss.total, logits, retain_graph=True)
    (slow,) = torch.autograd.grad(total, logits)
    torch.testing.assert_close(gradient, slow, rtol=0, atol=1e-9)


@given(st.lists(st.integers(1, 2), max_size=3))
def test_required_frames_is_the_fewest_that_have_an_alignment(tokens: list[int]) -> None:
    fewest = next(frames for frames in range(7) if alignments(tokens, frames, 3))
    assert required_frames(np.array(tokens, np.int64)) == fewest


def test_a_batch_in_which_nobody_speaks_has_the_loss_of_blanks() -> None:
    log_probs = torch.randn(2, 4, 3, dtype=torch.float64).log_softmax(-1)
    loss = ctc_loss(log_probs, torch.tensor([4, 2]), batch_of([[], []], [4, 2]))
    blanks = log_probs[0, :, 0].sum() + log_probs[1, :2, 0].sum()
    assert (loss.count, loss.skipped) == (2, 0)
    assert float(loss.total) == pytest.approx(-float(blanks), abs=1e-12)


def test_an_utterance_without_alignment_is_counted_and_leaves_no_gradient() -> None:
    logits = torch.randn(2, 3, 3, dtype=torch.float64, requires_grad=True)
    loss = ctc_loss(logits.log_softmax(-1), torch.tensor([3, 3]), batch_of([[1, 1, 1], [2]], [3, 3]))
    loss.total.backward()
    assert (loss.count, loss.skipped) == (1, 1)
    assert logits.grad is not None
    assert not logits.grad[0].any()
    assert logits.grad[1].any()


def test_a_loss_that_is_not_a_number_is_counted_and_left_out_of_the_sum() -> None:
    log_probs = torch.randn(2, 3, 3, dtype=torch.float64).log_softmax(-1)
    broken = log_probs.clone()
    broken[0] = torch.nan
    loss = ctc_loss(broken, torch.tensor([3, 3]), batch_of([[1], [2]], [3, 3]))
    assert (loss.count, loss.skipped) == (1, 1)
    assert float(loss.total) == pytest.approx(float(enumerated(log_probs[1], [2])), abs=1e-12)


def test_the_blank_ratio_counts_true_frames_only() -> None:
    best = torch.tensor([[0, 1, 0, 0], [2, 0, 0, 0]])
    log_probs = torch.nn.functional.one_hot(best, 3).double().log_softmax(-1)
    loss = ctc_loss(log_probs, torch.tensor([4, 2]), batch_of([[1], [2]], [4, 2]))
    assert loss.parts["blank_ratio"] == pytest.approx(4 / 6)
