"""Training does not pay for the same memory at every step."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, torch
from asr.train.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(2**22)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

unkept = faults()
assert keep_freed_memory()
faults()
print(unkept, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only the GNU C library can be asked to")
def test_tensors_of_16_mb_made_again_and_again_take_no_new_pages() -> None:
    environment = {"PATH": "", "PYTHONPATH": "."}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environment
    )
    unkept, kept = map(int, run.stdout.split())
    assert kept < unkept / 10
