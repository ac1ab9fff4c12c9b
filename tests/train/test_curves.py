"""The picture of the learning curves is a picture, also of a run that has hardly begun."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from asr.errors import RunError
from asr.train.curves import draw_curves
from tests.helpers.disk import full_beyond

EPOCH = {"kind": "epoch", "step": 20, "epoch": 1, "loss": 5.0, "dev_error_rate": 0.5}
STEP = {"kind": "step", "step": 20, "learning_rate": 0.1, "gradient_norm": None}


@pytest.mark.parametrize(
    "rows",
    [[], [EPOCH], [STEP], [STEP, EPOCH, {**STEP, "step": 40, "gradient_norm": 2.0}, {**EPOCH, "step": 40}]],
    ids=["empty", "one epoch", "one step", "both"],
)
def test_curves_are_a_png_of_readable_size(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    metrics, picture = tmp_path / "metrics.jsonl", tmp_path / "curves.png"
    metrics.write_text("".join(json.dumps(row) + "\n" for row in rows))
    draw_curves(metrics, picture)
    content = picture.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    assert 800 <= width <= 2000
    assert 500 <= height <= 1500
    assert 10_000 < len(content) < 500_000


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    with full_beyond(1000), pytest.raises(RunError, match=r"curves\.png: cannot be written"):
        draw_curves(tmp_path / "metrics.jsonl", tmp_path / "curves.png")
