"""The layers around the recurrent ones: padding never counts, and each is what its paper says."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from asr.config import ModelConfig
from asr.model.layers import FrontEnd, LayerNorm, Lookahead, MaskedBatchNorm, NoNorm, VariationalDropout
from asr.model.lengths import lookahead_window
from asr.model.recurrent import frame_mask

MELS = 7


def front_end(subsampling: int) -> FrontEnd:
    torch.manual_seed(0)
    return FrontEnd(ModelConfig(channels=3, subsampling=subsampling), MELS)


def with_garbage(x: Tensor, lengths: Tensor, garbage: float) -> Tensor:
    """x (N, T, …) with `garbage` behind the lengths."""
    return x.masked_fill(~frame_mask(lengths, x.shape[1])[:, :, None], garbage).detach().requires_grad_()


@pytest.mark.parametrize("subsampling", [2, 4])
@pytest.mark.parametrize("garbage", [1e4, float("nan")])
@settings(max_examples=15)
@given(lengths=st.lists(st.integers(1, 20), min_size=1, max_size=4), extra=st.integers(0, 5))
def test_what_stands_behind_an_utterance_changes_nothing(
    subsampling: int, garbage: float, lengths: list[int], extra: int
) -> None:
    layer, counts = front_end(subsampling), torch.tensor(lengths)
    features = torch.randn(len(lengths), max(lengths) + extra, MELS)
    results = []
    for filling in (0.0, garbage):
        x = with_garbage(features, counts, filling)
        y, emitted = layer(x, counts)
        gradients = torch.autograd.grad(y.square().sum(), [x, *layer.parameters()])
        assert torch.count_nonzero(y[~frame_mask(emitted, y.shape[1])]) == 0
        assert torch.count_nonzero(gradients[0][~frame_mask(counts, x.shape[1])]) == 0
        results.append((y.detach(), *gradients))
    for clean, dirty in zip(*results, strict=True):
        assert torch.equal(clean, dirty)


@pytest.mark.parametrize("subsampling", [2, 4])
def test_an_utterance_in_a_batch_is_convolved_as_if_alone(subsampling: int) -> None:
    layer, lengths = front_end(subsampling), torch.tensor([1, 2, 3, 4, 5, 6, 7, 8, 17])
    features = torch.randn(len(lengths), 17, MELS)
    together, emitted = layer(features, lengths)
    for row, (length, count) in enumerate(zip(lengths.tolist(), emitted.tolist(), strict=True)):
        alone, (own,) = layer(features[row : row + 1, :length], torch.tensor([length]))
        assert alone.shape[1] == own == count
        torch.testing.assert_close(together[row, :count], alone[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("mels", [1, 2, 7, 40, 80])
def test_front_end_states_the_size_of_its_output(mels: int) -> None:
    layer = FrontEnd(ModelConfig(channels=2), mels)
    assert layer(torch.randn(1, 9, mels), torch.tensor([9]))[0].shape[2] == layer.outputs


@pytest.mark.parametrize("subsampling", [2, 4])
def test_weights_of_the_front_end_have_the_shapes_that_bundles_store(subsampling: int) -> None:
    layer = FrontEnd(ModelConfig(channels=5, subsampling=subsampling), 80)
    assert {name: tuple(tensor.shape) for name, tensor in layer.state_dict().items()} == {
        "convolutions.0.weight": (5, 1, 3, 3),
        "convolutions.0.bias": (5,),
        "convolutions.1.weight": (5, 5, 3, 3),
        "convolutions.1.bias": (5,),
    }
    assert layer.outputs == 5 * 20


@settings(max_examples=25)
@given(st.lists(st.integers(1, 9), min_size=2, max_size=5), st.booleans())
def test_batch_norm_of_padded_frames_is_batch_norm_of_packed_frames(lengths: list[int], train: bool) -> None:
    counts = torch.tensor(lengths)
    masked, plain = MaskedBatchNorm(3).train(train), nn.BatchNorm1d(3).train(train)
    x = with_garbage(3 * torch.randn(len(lengths), max(lengths) + 1, 3) + 2, counts, 1e6)
    mask = frame_mask(counts, x.shape[1])
    gradient = torch.randn_like(x)
    y, frames = masked(x, counts), plain(x[mask])
    torch.testing.assert_close(y[mask], frames, rtol=0, atol=1e-6)
    assert torch.count_nonzero(y[~mask]) == 0
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        torch.testing.assert_close(getattr(masked.norm, name), getattr(plain, name))
    ours = torch.autograd.grad((y * gradient).sum(), [x, *masked.parameters()])
    theirs = torch.autograd.grad((frames * gradient[mask]).sum(), [x, *plain.parameters()])
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)
    assert torch.count_nonzero(ours[0][~mask]) == 0


def test_batch_norm_of_a_single_frame_uses_the_running_statistics_and_keeps_them() -> None:
    norm, x = MaskedBatchNorm(3), torch.randn(2, 4, 3, requires_grad=True)
    norm(5 * torch.randn(1, 50, 3) + 2, torch.tensor([50]))
    nn.init.uniform_(norm.norm.weight, 1, 2)
    before = {name: tensor.clone() for name, tensor in norm.state_dict().items()}
    y = norm.train()(x, torch.tensor([1, 0]))
    torch.testing.assert_close(y, norm.eval()(x, torch.tensor([1, 0])), rtol=0, atol=0)
    assert torch.equal(y != 0, torch.arange(8).view(2, 4, 1).expand(2, 4, 3) == 0)
    for name, tensor in norm.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    gradients = torch.autograd.grad(y.square().sum(), [x, *norm.parameters()])
    assert all(torch.isfinite(gradient).all() and gradient.any() for gradient in gradients)


def test_layer_norm_normalises_every_frame_by_itself() -> None:
    x = 5 * torch.randn(2, 4, 64) + 3
    y = LayerNorm(64)(x, torch.tensor([4, 4]))
    torch.testing.assert_close(y.mean(-1), torch.zeros(2, 4), rtol=0, atol=1e-5)
    torch.testing.assert_close(y.var(-1, unbiased=False), torch.ones(2, 4), rtol=0, atol=1e-3)


def test_no_norm_changes_nothing() -> None:
    x = torch.randn(2, 4, 3)
    assert NoNorm(3)(x, torch.tensor([4, 2])) is x


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_dropout_keeps_one_mask_over_time_and_the_scale(probability: float) -> None:
    torch.manual_seed(0)
    batch, units = 20, 500
    mask = VariationalDropout(probability).train()(torch.ones(batch, 6, units))
    assert torch.equal(mask, mask[:, :1].expand_as(mask))
    kept = mask[:, 0] != 0
    torch.testing.assert_close(mask[:, 0][kept], torch.full((int(kept.sum()),), 1 / (1 - probability)))
    deviation = math.sqrt(probability * (1 - probability) / (batch * units))
    assert abs(kept.float().mean() - (1 - probability)) < 5 * deviation
    assert not torch.equal(kept[0], kept[1])
    assert not torch.equal(VariationalDropout(probability).train()(torch.ones(batch, 6, units)), mask)


def test_dropout_rests_in_evaluation_and_at_zero() -> None:
    x = torch.randn(2, 3, 4)
    assert VariationalDropout(0.9).eval()(x) is x
    assert VariationalDropout(0.0).train()(x) is x


@settings(max_examples=20)
@given(st.integers(1, 4), st.integers(1, 8))
def test_lookahead_is_the_weighted_sum_of_the_next_frames(future: int, frames: int) -> None:
    layer = Lookahead(3, lookahead_window(ModelConfig(bidirectional=False, lookahead=future)))
    nn.init.uniform_(layer.convolution.weight, -1, 1)
    x = torch.randn(2, frames, 3)
    expected = torch.zeros_like(x)
    for t in range(frames):
        for ahead in range(min(future + 1, frames - t)):
            expected[:, t] += layer.convolution.weight[:, 0, ahead] * x[:, t + ahead]
    torch.testing.assert_close(layer(x), expected, rtol=0, atol=1e-6)


def test_lookahead_sees_what_its_window_says() -> None:
    window = lookahead_window(ModelConfig(bidirectional=False, lookahead=3))
    assert [window.output_length(n) for n in range(50)] == list(range(50))
    layer = Lookahead(1, window)
    nn.init.ones_(layer.convolution.weight)
    x = torch.randn(1, 12, 1, requires_grad=True)
    for output in range(12):
        (gradient,) = torch.autograd.grad(layer(x)[0, output, 0], x)
        seen = gradient[0, :, 0].nonzero().flatten().tolist()
        assert seen == list(range(window.first(output), min(window.needed(output), 12)))


def test_lookahead_starts_as_the_identity() -> None:
    x = torch.randn(2, 5, 3)
    assert torch.equal(Lookahead(3, lookahead_window(ModelConfig(bidirectional=False, lookahead=2)))(x), x)
