"""bf16 is chosen only where the processor computes it, and a device that is not there is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from asr.errors import RunError
from asr.model.device import choose_device
from asr.train.precision import choose_precision

CPU = torch.device("cpu")
CPUINFO = Path("/proc/cpuinfo")


@pytest.mark.skipif(not CPUINFO.exists(), reason="reads the processor's flags from /proc/cpuinfo")
def test_auto_follows_the_flags_of_the_processor() -> None:
    flags = next((line for line in CPUINFO.read_text().splitlines() if line.startswith("flags")), "").split()
    expected = "bf16" if {"avx512_bf16", "amx_tile"} & set(flags) else "fp32"
    chosen = choose_precision("auto", CPU)
    assert chosen.name == expected
    assert "processor" in chosen.reason


@pytest.mark.skipif(torch.ops.mkldnn._is_mkldnn_bf16_supported(), reason="this processor computes bf16")
def test_bf16_is_refused_where_recurrent_layers_cannot_be_computed_in_it() -> None:
    with pytest.raises(RunError, match=r"bf16; leave training\.precision at auto"):
        choose_precision("bf16", CPU)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("fp32", torch.float32),
        pytest.param(
            "bf16",
            torch.bfloat16,
            marks=pytest.mark.skipif(
                not torch.ops.mkldnn._is_mkldnn_bf16_supported(), reason="this processor cannot compute bf16"
            ),
        ),
    ],
)
def test_a_named_precision_is_what_the_model_computes_in(name: str, kind: torch.dtype) -> None:
    precision = choose_precision(name, CPU)
    assert precision.name == name
    with precision.autocast(CPU):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == kind


@pytest.mark.parametrize("name", ["gpu", "", "cuda:99", "meta", "hpu", "vulkan", "privateuseone", "a\nb"])
def test_a_device_that_cannot_be_used_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(RunError) as caught:
        choose_device(name)
    message = str(caught.value)
    assert repr(name) in message
    assert "--device cpu" in message
    assert "\n" not in message
    assert len(message) < 400


def test_auto_is_a_gpu_where_there_is_one() -> None:
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert choose_device("cpu") == CPU
