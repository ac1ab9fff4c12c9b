"""The learning rate follows its schedule, and weight decay acts on matrices alone."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from asr.config import TrainingConfig
from asr.model.acoustic import AcousticModel
from asr.train.optimizer import learning_rate, make_optimizer, set_learning_rate
from tests.helpers.runs import MODEL

SHARES = st.floats(0, 1)


def config(**values: object) -> TrainingConfig:
    return TrainingConfig(learning_rate=0.1, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("progress", "rate"), [(0.0, 0.001), (0.1, 0.05), (0.2, 0.1), (0.4, 0.0853553), (0.6, 0.05), (1.0, 0.0)]
)
def test_warm_up_climbs_in_a_line_and_cosine_falls_to_nothing(progress: float, rate: float) -> None:
    assert learning_rate(config(warmup=0.2), progress, 0) == pytest.approx(rate, abs=1e-6)


@given(st.sampled_from(["cosine", "plateau", "constant"]), SHARES, SHARES, SHARES, st.integers(0, 9))
def test_the_rate_climbs_in_the_warm_up_only_and_never_beyond_its_peak(
    schedule: str, warmup: float, one: float, other: float, halvings: int
) -> None:
    settings = config(schedule=schedule, warmup=warmup)
    early, late = sorted((one, other))
    before, after = (learning_rate(settings, progress, halvings) for progress in (early, late))
    assert 0 <= after <= 0.1
    if late < warmup:
        assert after >= before > 0
    elif early >= warmup:
        assert after <= before


def test_plateau_halves_and_constant_stays() -> None:
    plateau, constant = config(schedule="plateau", warmup=0.1), config(schedule="constant", warmup=0.0)
    assert [learning_rate(plateau, 0.5, halvings) for halvings in range(3)] == [0.1, 0.05, 0.025]
    assert [learning_rate(constant, progress, 5) for progress in (0.0, 0.5, 1.0)] == [0.1] * 3


@pytest.mark.parametrize("name", ["adamw", "sgd", "rmsprop"])
def test_weight_decay_shrinks_matrices_and_leaves_biases_and_norms(name: str) -> None:
    torch.manual_seed(0)
    model = AcousticModel(MODEL, 20, 5)
    for parameter in model.parameters():
        torch.nn.init.uniform_(parameter, 0.5, 1.0)
        parameter.grad = torch.zeros_like(parameter)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    optimizer = make_optimizer(model, config(optimizer=name, weight_decay=0.1))
    set_learning_rate(optimizer, 0.01)
    optimizer.step()
    kinds = set()
    for key, parameter in model.named_parameters():
        matrix = parameter.dim() > 1
        kinds.add(matrix)
        assert bool((parameter < before[key]).all()) == matrix, key
        assert torch.equal(parameter, before[key]) != matrix, key
    assert kinds == {True, False}


@pytest.mark.parametrize("name", ["adamw", "sgd", "rmsprop"])
def test_every_optimizer_goes_downhill_and_a_rate_of_zero_stands_still(name: str) -> None:
    model = torch.nn.Linear(3, 1)
    optimizer = make_optimizer(model, config(optimizer=name))

    def step(rate: float) -> float:
        set_learning_rate(optimizer, rate)
        optimizer.zero_grad()
        loss = (model(torch.eye(3)) - 2.0).pow(2).mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    first = step(0.0)
    assert step(0.01) == first
    assert min(step(0.01) for _ in range(30)) < 0.8 * first
