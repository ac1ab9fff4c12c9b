"""Memory is forecast about right, and what cannot fit is refused with what helps."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from asr.config import AugmentConfig, ModelConfig, Recipe, TrainingConfig
from asr.errors import RunError
from asr.train.distributed import ALONE, Ranks
from asr.train.forecast import Demand, bytes_per_second, check_memory, demand_of, explaining_memory
from asr.train.precision import Precision
from asr.train.room import free_memory, left_by_groups
from tests.helpers.runs import FP32

CPU = torch.device("cpu")
MEASURED = Recipe(name="measured", model=ModelConfig(layers=2, hidden=64, subsampling=4))
PEAKS = """
import json, sys
from pathlib import Path
import torch
from asr.config import ModelConfig
from asr.model.acoustic import AcousticModel

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024

torch.set_num_threads(1)
model = AcousticModel(ModelConfig(**json.loads(sys.argv[1])), 80, 30)
peaks = []
for utterances in (16, 40):
    log_probs, _ = model(torch.randn(utterances, 500, 80), torch.full((utterances,), 500))
    log_probs.sum().backward()
    peaks.append(peak())
print((peaks[1] - peaks[0]) / (24 * 5))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from /proc")
def test_the_forecast_is_about_what_is_measured() -> None:
    config = json.dumps({"layers": 2, "hidden": 64, "subsampling": 4})
    ended = subprocess.run([sys.executable, "-c", PEAKS, config], check=True, capture_output=True, text=True)
    measured = float(ended.stdout)
    assert 0.5 < bytes_per_second(MEASURED.model, MEASURED.features, FP32) / measured < 2


def test_bf16_needs_half_and_larger_models_more() -> None:
    whole = bytes_per_second(MEASURED.model, MEASURED.features, FP32)
    assert bytes_per_second(MEASURED.model, MEASURED.features, Precision("bf16", "")) == whole / 2
    for change in ({"hidden": 128}, {"layers": 3}, {"subsampling": 2}, {"cell": "gru"}):
        assert bytes_per_second(replace(MEASURED.model, **change), MEASURED.features, FP32) > whole


def test_the_weights_count_and_so_do_recordings_that_are_not_read_yet() -> None:
    model = torch.nn.Linear(10, 10, bias=False)
    known = (model, MEASURED.model, MEASURED.features, FP32)
    assert demand_of(*known, 0.0).fixed == 100 * 16
    assert demand_of(*known, 5.0).fixed == 100 * 16 + 5 * 32_000


def test_what_fits_is_said_and_what_does_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    room = free_memory(CPU, 1)
    known = ((400.0, 10.0), TrainingConfig(batch_seconds=400.0), AugmentConfig(), CPU, ALONE)
    check_memory(Demand(room / 1000, 0), *known)
    assert "memory: about" in capsys.readouterr().err
    with pytest.raises(RunError, match=r"does not fit .* add --set training\.batch_seconds=") as caught:
        check_memory(Demand(room / 100, 0), *known)
    assert 30 <= int(str(caught.value).rpartition("=")[2]) <= 90
    with pytest.raises(RunError, match=r"smaller model, or leave out utterances"):
        check_memory(Demand(room, 0), *known)
    check_memory(Demand(room / 300, 0), *known)
    assert "may not fit" in capsys.readouterr().err


def test_slow_speeds_and_processes_beside_it_count() -> None:
    room = free_memory(CPU, 1)
    demand, longest, training = Demand(room / 100, 0), (100.0, 10.0), TrainingConfig(batch_seconds=100.0)
    with pytest.raises(RunError, match="does not fit"):
        check_memory(demand, longest, training, AugmentConfig(speeds=(0.5, 1.0)), CPU, ALONE)
    with pytest.raises(RunError, match="does not fit"):
        check_memory(demand, longest, training, AugmentConfig(), CPU, Ranks(on_machine=4))


@pytest.mark.parametrize("version", [1, 2])
def test_limits_of_containers_count(tmp_path: Path, version: int) -> None:
    names = {
        1: ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        2: ("", "memory.max", "memory.current", "inactive_file"),
    }[version]
    controllers, limit, usage, cached = names
    groups = tmp_path / "cgroup"
    groups.write_text(f"3:cpu:/elsewhere\n2:{controllers}:/jobs/one\n")
    for path, values in (("jobs", ("1000", "700", "50")), ("jobs/one", ("800", "300", "0"))):
        folder = tmp_path / controllers / path
        folder.mkdir(parents=True, exist_ok=True)
        (folder / limit).write_text(values[0] + "\n")
        (folder / usage).write_text(values[1] + "\n")
        (folder / "memory.stat").write_text(f"anon 5\n{cached} {values[2]}\n")
    assert sorted(left_by_groups(groups, tmp_path)) == [350, 500]
    (tmp_path / controllers / "jobs" / limit).write_text("max\n" if version == 2 else str(2**63))
    assert min(left_by_groups(groups, tmp_path)) == 500
    assert left_by_groups(tmp_path / "none", tmp_path) == []


def test_running_out_of_memory_is_one_line_with_the_remedy() -> None:
    message = r"out of memory .* --set training\.batch_seconds=1\.5, or choose a smaller model"
    for error in (torch.OutOfMemoryError("CUDA out of memory"), MemoryError(), _refused()):
        with pytest.raises(RunError, match=message), explaining_memory(3.0):
            raise error
    with pytest.raises(RuntimeError, match="something else"), explaining_memory(3.0):
        raise RuntimeError("something else")


def _refused() -> RuntimeError:
    """What torch raises where the machine has no such memory."""
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**58, dtype=torch.uint8)
    return caught.value
