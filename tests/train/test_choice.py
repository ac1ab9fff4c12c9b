"""Which weights are kept: the best on new speech, of those that forget no more than is allowed."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from asr.train.checkpoint import Checkpoint, write_checkpoint
from asr.train.choice import Rates, Weights, choose_retaining, mixed


class Curve:
    """Something to choose for: a single weight, 0 at the base, and what either dev set says of it."""

    def __init__(self, new: Callable[[float], float], old: Callable[[float], float] | None) -> None:
        self._new, self._old = new, old

    def new_rates(self, weights: Weights) -> Rates:
        return Rates(self._new(weights["weight"].item()), 0.0)

    def old_rate(self, weights: Weights) -> float:
        return self._old(weights["weight"].item()) if self._old else math.nan


def weight(value: float) -> dict[str, torch.Tensor]:
    return {"weight": torch.full((1, 1), value)}


def kept(folder: Path, *values: float) -> list[Path]:
    paths = [folder / f"{number}.safetensors" for number in range(len(values))]
    for number, (path, value) in enumerate(zip(paths, values, strict=True)):
        write_checkpoint(path, Checkpoint(weight(value), {"epoch": number + 1, "error_rate": 0.1}))
    return paths


def chosen(curve: Curve, paths: list[Path]) -> tuple[float, str]:
    found = choose_retaining(curve, weight(0.0), paths, 0.01)
    return float(found.weights["weight"].item()), found.description


def test_the_best_weights_are_kept_where_nothing_is_forgotten(tmp_path: Path) -> None:
    curve = Curve(lambda weight: 0.5 - 0.1 * weight, lambda weight: 0.2)
    value, description = chosen(curve, kept(tmp_path, 2.0))
    assert value == 2.0
    assert description == "epoch 1; new dev WER 50.00 → 30.00 %, old dev WER 20.00 → 20.00 %"


def test_weights_on_the_way_are_kept_where_those_at_the_end_forget(tmp_path: Path) -> None:
    curve = Curve(lambda weight: 0.5 - 0.1 * weight, lambda weight: 0.2 + 0.006 * weight)
    value, description = chosen(curve, kept(tmp_path, 2.0))
    assert value == 1.5
    assert "75 % of the way from the base" in description


def test_the_base_is_kept_where_everything_forgets_or_nothing_is_better(tmp_path: Path) -> None:
    forgets = Curve(lambda weight: 0.5 - 0.1 * weight, lambda weight: 0.2 + 0.1 * weight)
    worse = Curve(lambda weight: 0.5 + 0.1 * weight, None)
    for curve in (forgets, worse):
        value, description = chosen(curve, kept(tmp_path, 2.0, 1.0))
        assert value == 0.0
        assert description.startswith("those of the base")


def test_the_mean_of_the_best_epochs_is_tried_too(tmp_path: Path) -> None:
    curve = Curve(lambda weight: 0.5 + abs(weight - 1.5), None)
    value, description = chosen(curve, kept(tmp_path, 2.0, 1.0))
    assert value == 1.5
    assert description.startswith(("epoch 1, 75 %", "mean of epochs [1, 2]"))


@given(st.floats(0, 1), st.lists(st.floats(-5, 5, width=32), min_size=1, max_size=5))
def test_what_is_frozen_stays_bit_equal_on_every_way(share: float, values: list[float]) -> None:
    base = {"frozen": torch.tensor(values), "free": torch.zeros(1), "seen": torch.tensor(3)}
    trained = {"frozen": torch.tensor(values), "free": torch.ones(1), "seen": torch.tensor(9)}
    way = mixed(base, trained, share)
    assert torch.equal(way["frozen"], base["frozen"])
    assert way["free"].item() == pytest.approx(share, abs=1e-6)
    assert way["seen"].item() == 9
