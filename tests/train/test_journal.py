"""What a run writes down can be read again, also after a crash, and no step stands there twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from asr.errors import RunError
from asr.train.journal import Journal, read_metrics
from tests.helpers.disk import full_beyond


def steps(run: Path) -> list[int]:
    return [row["step"] for row in read_metrics(run / "metrics.jsonl")]


def test_rows_are_json_and_what_is_not_a_number_is_null(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.write("step", 20, {"loss": 1.5, "gradient_norm": float("inf")})
        journal.end_epoch(1, 25, {"loss": 2.0, "dev_error_rate": 0.25, "skipped": 2})
    text = (tmp_path / "metrics.jsonl").read_text()
    assert [json.loads(line, parse_constant=pytest.fail) for line in text.splitlines()] == [
        {"kind": "step", "step": 20, "loss": 1.5, "gradient_norm": None},
        {"kind": "epoch", "step": 25, "epoch": 1, "loss": 2.0, "dev_error_rate": 0.25, "skipped": 2},
    ]


def test_rows_are_on_disk_at_once(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.write("step", 1, {"loss": 1.0})
        assert steps(tmp_path) == [1]


def test_an_epoch_is_told_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Journal(tmp_path) as journal:
        journal.end_epoch(3, 30, {"loss": 2.0, "skipped": 2}, "dev WER 25.00 %  CER 10.00 %")
    out, err = capsys.readouterr()
    assert not out
    for part in ("epoch   3", "2.000", "25.00 %", "10.00 %", "2 utterances skipped"):
        assert part in err


def test_a_resumed_run_drops_the_steps_and_epochs_it_will_go_through_again(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        for step in (1, 2, 3):
            journal.write("step", step, {"loss": 1.0})
        journal.end_epoch(1, 3, {"loss": 1.0})
        journal.write("step", 4, {"loss": 1.0})
    with Journal(tmp_path, step=3, epoch=1):
        assert steps(tmp_path) == [1, 2, 3, 3]
    with Journal(tmp_path, step=3, epoch=0) as journal:  # stopped between the row and the checkpoint
        journal.end_epoch(1, 3, {"loss": 1.0})
    assert steps(tmp_path) == [1, 2, 3, 3]
    with Journal(tmp_path):
        assert steps(tmp_path) == []


@pytest.mark.parametrize(
    "tail", ['{"kind": "step", "st', "{", '{"kind": "step", "step": 9, "loss": 1', "\x00\x00"]
)
def test_a_last_line_cut_off_by_a_crash_is_dropped(tmp_path: Path, tail: str) -> None:
    with Journal(tmp_path) as journal:
        journal.write("step", 1, {"loss": 1.0})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write(tail)
    assert steps(tmp_path) == [1]
    with Journal(tmp_path, step=5) as journal:
        journal.write("step", 6, {"loss": 1.0})
    assert steps(tmp_path) == [1, 6]


def test_no_metrics_are_no_rows(tmp_path: Path) -> None:
    assert read_metrics(tmp_path / "metrics.jsonl") == []


@pytest.mark.parametrize("room", [0, 400, 3000])
def test_a_full_disk_is_one_line(tmp_path: Path, room: int) -> None:
    with (
        full_beyond(room),
        pytest.raises(RunError, match="free some space") as caught,
        Journal(tmp_path) as journal,
    ):
        for step in range(10_000):
            journal.write("step", step, {"loss": 1.0, "a rather long name of a figure": 1.0})
    assert "\n" not in str(caught.value)


def test_tensorboard_can_read_the_run(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with Journal(tmp_path) as journal:
        for step in (1, 2, 3):
            journal.write("step", step, {"loss": step / 2})
    with Journal(tmp_path, step=2) as journal:
        journal.write("step", 3, {"loss": 7.0})
    board = EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    assert [(event.step, event.value) for event in board.Scalars("step/loss")] == [
        (1, 0.5),
        (2, 1.0),
        (3, 7.0),
    ]
