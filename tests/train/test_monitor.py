"""Gradient norms are what they say, and advice comes once, to those who need it."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pytest
import torch

from asr.model.acoustic import AcousticModel
from asr.train.monitor import WINDOW_STEPS, StuckLoss, gradient_norms
from tests.helpers.runs import MODEL

STEPS = 5 * WINDOW_STEPS


def advice(figures: Iterable[tuple[float, float]]) -> list[str]:
    stuck = StuckLoss()
    return [text for loss, blanks in figures if (text := stuck.update(loss, blanks))]


def test_a_model_that_writes_only_blanks_gets_advice_once() -> None:
    told = advice((50.0, 1.0) for _ in range(STEPS))
    assert len(told) == 1
    assert "\n" not in told[0]
    for remedy in ("asr check", "training.learning_rate", "augment.spec_from_epoch", "model.subsampling"):
        assert remedy in told[0]


def test_a_model_that_gets_stuck_later_gets_it_too() -> None:
    falling = [(100 * 0.99**step, 0.5) for step in range(STEPS)]
    assert len(advice([*falling, *[(40.0, 1.0)] * STEPS])) == 1


@pytest.mark.parametrize(
    "figures",
    [
        [(100 * 0.999**step, 1.0) for step in range(STEPS)],
        [(50.0, 0.9) for _ in range(STEPS)],
        [(50.0, 1.0 if step % WINDOW_STEPS else 0.5) for step in range(STEPS)],
        [(50.0, 1.0) for _ in range(2 * WINDOW_STEPS - 1)],
    ],
    ids=["loss falls", "writes something", "writes something now and then", "too early to tell"],
)
def test_a_model_that_learns_gets_none(figures: list[tuple[float, float]]) -> None:
    assert not advice(figures)


def test_gradient_norms_are_the_roots_of_summed_squares_by_part() -> None:
    model = AcousticModel(MODEL, 20, 5)
    torch.manual_seed(0)
    for name, parameter in model.named_parameters():
        if not name.startswith("head."):
            parameter.grad = torch.randn_like(parameter)
    norms = gradient_norms(model)
    assert {"front_end", "layers.0", "norms.0", "head_norm"} == set(norms)
    for part, norm in norms.items():
        gradients = [p.grad.flatten() for name, p in model.named_parameters() if name.startswith(part + ".")]
        assert norm == pytest.approx(float(torch.cat(gradients).norm()), rel=1e-5)
    whole = torch.nn.utils.clip_grad_norm_(model.parameters(), 1e9)
    assert math.hypot(*norms.values()) == pytest.approx(float(whole), rel=1e-5)
