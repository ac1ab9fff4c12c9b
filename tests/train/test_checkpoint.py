"""Checkpoints come back bit for bit, or say in one line why they do not; a failed write harms nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor, nn

from asr.config import TrainingConfig
from asr.errors import RunError
from asr.train.checkpoint import (
    Checkpoint,
    average,
    pack_training,
    read_checkpoint,
    unpack_training,
    write_checkpoint,
)
from asr.train.optimizer import make_optimizer
from tests.helpers.disk import full_beyond

OPTIMIZERS = ("adamw", "sgd", "rmsprop")
GOOD = Checkpoint({"a": torch.arange(6.0).reshape(2, 3)}, {"step": 3, "kept": [{"epoch": 1}]})


def model(seed: int = 0, outputs: int = 2) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, outputs))


def step(network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    network(torch.randn(5, 3)).pow(2).sum().backward()
    optimizer.step()


def bits(tensors: Mapping[str, Tensor]) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in tensors.items()}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_with_the_same_bits_after_a_round_trip(name: str, tmp_path: Path) -> None:
    config = TrainingConfig(optimizer=name, learning_rate=0.01)  # type: ignore[arg-type]
    first = model()
    optimizer = make_optimizer(first, config)
    for _ in range(3):
        step(first, optimizer)
    write_checkpoint(tmp_path / "c", Checkpoint(pack_training(first, optimizer), {}))
    for _ in range(3):
        step(first, optimizer)

    second = model(seed=1)
    torch.manual_seed(123)
    again = make_optimizer(second, config)
    unpack_training(read_checkpoint(tmp_path / "c").tensors, second, again)
    for _ in range(3):
        step(second, again)
    assert bits(pack_training(first, optimizer)) == bits(pack_training(second, again))


@settings(max_examples=20)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8),
        st.one_of(st.integers(-(2**60), 2**60), st.floats(allow_nan=False), st.text(max_size=8), st.none()),
        max_size=5,
    )
)
def test_values_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]
) -> None:
    values.pop("format_version", None)
    path = tmp_path_factory.mktemp("values") / "c"
    write_checkpoint(path, Checkpoint({}, values))
    assert read_checkpoint(path).values == values


def refused(path: Path, *needed: str) -> str:
    with pytest.raises(RunError) as caught:
        read_checkpoint(path, *needed)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


@settings(max_examples=30)
@given(st.data())
def test_a_truncated_or_damaged_file_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "c"
    write_checkpoint(path, GOOD)
    content = path.read_bytes()
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    assert "start again" in refused(path)


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c"
    assert "without --resume" in refused(path)
    path.write_bytes(b"\x80\x04\x95pickle of another toolkit" * 10)
    assert "damaged" in refused(path)
    save_file({"w": torch.ones(1)}, path)
    assert "damaged" in refused(path)
    for values in ("[1]", "7", "null", "{", '"text"'):
        save_file({"w": torch.ones(1)}, path, metadata={"values": values})
        refused(path)
    assert "damaged" in refused(tmp_path)


def test_a_newer_one_is_refused(tmp_path: Path) -> None:
    save_file({}, tmp_path / "c", metadata={"values": '{"format_version": 2}'})
    assert "another version" in refused(tmp_path / "c")


def test_weights_alone_are_no_checkpoint_of_a_run(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "c", Checkpoint({}, {"epoch": 3, "error_rate": 0.1}))
    assert "'step'" in refused(tmp_path / "c", "epoch", "step")


def test_another_model_is_refused_in_one_line() -> None:
    other = model(outputs=3)
    config = TrainingConfig()
    small = model()
    packed = pack_training(small, make_optimizer(small, config))
    with pytest.raises(RunError, match="of another model") as caught:
        unpack_training(packed, other, make_optimizer(other, config))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("room", [0, 10, 200])
def test_a_full_disk_leaves_the_old_checkpoint_and_nothing_else(tmp_path: Path, room: int) -> None:
    path = tmp_path / "c"
    write_checkpoint(path, GOOD)
    with full_beyond(room), pytest.raises(RunError, match="free some space") as caught:
        write_checkpoint(path, Checkpoint({"a": torch.zeros(500)}, {}))
    assert "\n" not in str(caught.value)
    assert torch.equal(read_checkpoint(path).tensors["a"], GOOD.tensors["a"])
    assert [file.name for file in tmp_path.iterdir()] == ["c"]


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        write_checkpoint(tmp_path / "run" / "c", GOOD)


@settings(max_examples=10)
@given(st.integers(1, 5), st.integers(0, 1000))
def test_the_average_is_the_mean_of_every_weight(count: int, seed: int) -> None:
    torch.manual_seed(seed)
    sets = [{"w": torch.randn(3, 2), "steps": torch.tensor(7 + index)} for index in range(count)]
    mean = average(sets)
    expected = torch.stack([weights["w"].double() for weights in sets]).mean(0)
    torch.testing.assert_close(mean["w"].double(), expected, rtol=0, atol=1e-7)
    assert mean["w"].dtype == torch.float32
    assert int(mean["steps"]) == 7
