"""The whole acoustic model: lengths, log-probabilities, number formats, paths, names, all variants."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from asr.config import ModelConfig
from asr.model.acoustic import AcousticModel
from asr.model.recurrent import RecurrentLayer, frame_mask

MELS, VOCABULARY = 8, 5
SMALL = {"layers": 2, "hidden": 6, "channels": 2}


def model(**changes: object) -> AcousticModel:
    torch.manual_seed(0)
    return AcousticModel(ModelConfig(**{**SMALL, **changes}), MELS, VOCABULARY)


def paths_taken(monkeypatch: pytest.MonkeyPatch, acoustic: AcousticModel) -> list[str]:
    """Runs the model once, and lists the way that each recurrent layer really went."""
    taken: list[str] = []
    for name in ("packed", "pairs"):
        original = getattr(RecurrentLayer, f"_{name}")

        def spy(layer: RecurrentLayer, *inputs: object, name: str = name, original=original) -> object:
            taken.append(name)
            return original(layer, *inputs)

        monkeypatch.setattr(RecurrentLayer, f"_{name}", spy)
    acoustic(torch.randn(2, 9, MELS), torch.tensor([9, 4]))
    return taken


@pytest.mark.parametrize("subsampling", [2, 4])
def test_lengths_are_those_of_the_window_for_every_length(subsampling: int) -> None:
    acoustic = model(subsampling=subsampling, layers=1, bidirectional=False, lookahead=2).eval()
    with torch.inference_mode():
        for frames in range(1, 200):
            log_probs, (length,) = acoustic(torch.zeros(1, frames, MELS), torch.tensor([frames]))
            expected = -(-frames // subsampling)
            assert log_probs.shape == (1, expected, VOCABULARY)
            assert length == acoustic.window.output_length(frames) == expected


@pytest.mark.parametrize("train", [True, False])
def test_log_probs_are_logarithms_of_probabilities(train: bool) -> None:
    log_probs, _ = model().train(train)(torch.randn(3, 20, MELS), torch.tensor([20, 11, 1]))
    assert log_probs.dtype == torch.float32
    assert (log_probs <= 0).all()
    torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(3, 10), rtol=0, atol=1e-5)


def test_evaluation_repeats_itself_and_training_drops_units() -> None:
    acoustic, x, lengths = model(dropout=0.5), torch.randn(2, 20, MELS), torch.tensor([20, 20])
    first, second = acoustic(x, lengths)[0], acoustic(x, lengths)[0]
    assert not torch.equal(first, second)
    acoustic.eval()
    assert torch.equal(acoustic(x, lengths)[0], acoustic(x, lengths)[0])


@pytest.mark.parametrize("path", ["pairs", "packed"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_log_probs_are_fp32_where_the_rest_is_bf16(path: str, cell: str) -> None:
    if (path, cell) == ("pairs", "lstm") and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("this processor has no LSTM kernel for bf16")
    acoustic = model(cell=cell, path=path, dropout=0.0)
    x, lengths = torch.randn(2, 20, MELS), torch.tensor([20, 13])
    exact, _ = acoustic(x, lengths)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        log_probs, _ = acoustic(x, lengths)
    assert log_probs.dtype == torch.float32
    torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(2, 10), rtol=0, atol=1e-5)
    assert not torch.equal(log_probs, exact)
    torch.testing.assert_close(log_probs, exact, rtol=0, atol=0.1)
    log_probs.sum().backward()
    assert all(parameter.grad.dtype == torch.float32 for parameter in acoustic.parameters())


@pytest.mark.parametrize(("path", "taken"), [("pairs", "pairs"), ("packed", "packed"), ("auto", "pairs")])
def test_a_path_named_is_the_path_taken_and_the_cpu_goes_in_pairs(
    path: str, taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert paths_taken(monkeypatch, model(path=path)) == [taken, taken]


def test_a_gpu_goes_packed_unless_told_otherwise() -> None:
    gpu = torch.device("cuda")
    assert [model(path=path).path_on(gpu) for path in ("auto", "pairs")] == ["packed", "pairs"]


def test_garbage_behind_an_utterance_changes_neither_outputs_nor_gradients() -> None:
    acoustic, lengths = model(norm="batch", dropout=0.0), torch.tensor([20, 13, 2])
    features = torch.randn(3, 24, MELS)
    results: list[list[Tensor]] = []
    for filling in (0.0, 1e4):
        x = features.masked_fill(~frame_mask(lengths, 24)[:, :, None], filling).requires_grad_()
        log_probs, emitted = acoustic(x, lengths)
        valid = log_probs[frame_mask(emitted, log_probs.shape[1])]
        loss = valid.square().sum()
        results.append([valid, *torch.autograd.grad(loss, [x, *acoustic.parameters()])])
    for clean, dirty in zip(*results, strict=True):
        assert torch.equal(clean, dirty)


def test_names_of_the_parameters_are_those_of_saved_bundles() -> None:
    recurrent = [f"rnn.{kind}_l0" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    expected = [f"front_end.convolutions.{i}.{kind}" for i in (0, 1) for kind in ("weight", "bias")]
    expected += [f"norms.{i}.norm.{kind}" for i in (0, 1) for kind in ("weight", "bias")]
    expected += [f"layers.{i}.{name}{way}" for i in (0, 1) for way in ("", "_reverse") for name in recurrent]
    expected += [f"{part}.{kind}" for part in ("head_norm.norm", "head") for kind in ("weight", "bias")]
    for path in ("pairs", "packed"):
        assert sorted(model(path=path).state_dict()) == sorted(expected)


def test_one_direction_has_a_lookahead_and_batch_norm_its_statistics() -> None:
    names = set(model(bidirectional=False, lookahead=2, norm="batch").state_dict())
    assert "lookahead.convolution.weight" in names
    assert {"norms.0.norm.running_mean", "head_norm.norm.running_var"} <= names
    assert not any(name.endswith("_reverse") for name in names)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_every_variant_learns_with_every_parameter(cell: str, bidirectional: bool) -> None:
    lookaheads = (0,) if bidirectional else (0, 2)
    variants = itertools.product(("layer", "batch", "none"), (2, 4), ("pairs", "packed"), lookaheads)
    for norm, subsampling, path, lookahead in variants:
        acoustic = model(
            cell=cell,
            bidirectional=bidirectional,
            norm=norm,
            subsampling=subsampling,
            path=path,
            lookahead=lookahead,
        )
        log_probs, _ = acoustic(torch.randn(3, 17, MELS), torch.tensor([17, 5, 9]))
        log_probs[:, :, 1].sum().backward()
        for name, parameter in acoustic.named_parameters():
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
            assert torch.count_nonzero(parameter.grad) > 0, name
