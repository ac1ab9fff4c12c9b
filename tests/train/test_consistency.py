"""Two views of an utterance, and how differently a model hears them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from asr.train.consistency import disagreement


def emissions(seed: int, rows: int, frames: int, tokens: int) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(rows, frames, tokens, generator=random)
    return torch.log_softmax(logits.double(), -1)


@given(st.integers(0, 99), st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_it_is_the_symmetric_divergence_over_true_frames(seed: int, frames: list[int]) -> None:
    log_probs = emissions(seed, 2 * len(frames), max(frames), 5)
    expected = 0.0
    for number, length in enumerate(frames):
        p, q = (log_probs[2 * number + view, :length].exp().numpy() for view in (0, 1))
        expected += float(((q - p) * (np.log(q) - np.log(p))).sum())
    found = disagreement(log_probs, torch.tensor(frames).repeat_interleave(2))
    assert float(found) == pytest.approx(expected)


def test_equal_views_agree() -> None:
    log_probs = emissions(1, 2, 7, 5).repeat_interleave(2, 0)
    assert float(disagreement(log_probs, torch.tensor([7, 7, 4, 4]))) == pytest.approx(0.0, abs=1e-12)


def test_each_view_moves_towards_the_other_and_padding_teaches_nothing() -> None:
    logits = emissions(2, 2, 6, 5).requires_grad_()
    disagreement(torch.log_softmax(logits, -1), torch.tensor([4, 4])).backward()
    assert logits.grad is not None
    p, q = torch.softmax(logits.detach(), -1)
    expected = torch.stack([p - q, q - p])
    expected[:, 4:] = 0.0
    torch.testing.assert_close(logits.grad, expected)
