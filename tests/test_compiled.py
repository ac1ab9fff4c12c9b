"""Stored machine code: compiled once, found again, and never in the way; real processes, real folders."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

import asr
from tests.helpers.starts import announcement, finish, start

FEATURES = """
import hashlib, sys
import numpy as np
from asr.audio.features import log_mel
assert "numba" not in sys.modules
from asr.config import FeatureConfig
samples = np.random.default_rng(0).standard_normal(20_000).astype(np.float32)
print(hashlib.sha256(log_mel(samples, FeatureConfig()).tobytes()).hexdigest())
"""
EMISSIONS = """
import sys
import numpy as np
log_probs = np.random.default_rng(0).standard_normal((50, 5)).astype(np.float32)
log_probs -= np.log(np.exp(log_probs).sum(axis=1, keepdims=True))
"""
BEAM = f"""{EMISSIONS}
from asr.config import DecodingConfig
from asr.decode.beam import BeamDecoder
decoder = BeamDecoder(DecodingConfig(), 5)
assert "numba" not in sys.modules
print(decoder.decode(log_probs, nbest=3))
"""
ALIGNMENT = f"""{EMISSIONS}
from asr.decode.align import align
assert "numba" not in sys.modules
print(align(log_probs, [1, 2, 2, 4, 3]))
"""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A program that compiles something, what it compiles, and the folder of its module in the package."""

    program: str
    names: tuple[str, ...]
    folder: str

    @property
    def announcements(self) -> list[str]:
        return [announcement(name) for name in self.names]


KERNELS = {
    "features": Kernel(FEATURES, ("feature kernel",), "audio"),
    "beam": Kernel(BEAM, ("beam search", "end of the beam search", "alignment kernel"), "decode"),
    "alignment": Kernel(ALIGNMENT, ("alignment kernel",), "decode"),
}


@pytest.fixture(params=KERNELS)
def kernel(request: pytest.FixtureRequest) -> Kernel:
    return KERNELS[request.param]


@pytest.fixture
def installation(tmp_path: Path, kernel: Kernel) -> Path:
    """A copy of the package whose folders refuse files beside the modules, as a read-only one does.

    (Permissions would not do: the superuser may write anywhere.)
    """
    folder = tmp_path / "site-packages"
    shutil.copytree(Path(asr.__file__).parent, folder / "asr", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "asr" / kernel.folder / "__pycache__").write_bytes(b"")
    return folder


def test_a_second_process_finds_what_the_first_compiled(kernel):
    printed, _ = finish(start(kernel.program))
    assert finish(start(kernel.program)) == (printed, [])


def test_loading_does_not_prepare_numba_to_compile(kernel):
    finish(start(kernel.program))
    program = kernel.program + "print(*sys.modules)"
    modules = finish(start(program))[0].split()
    assert "numba.core.caching" in modules
    assert "numba.np.arraymath" not in modules
    assert "scipy.linalg" not in modules


@pytest.mark.slow
def test_two_processes_that_start_at_once_agree_and_leave_good_files(tmp_path, kernel):
    folder = str(tmp_path)
    processes = [start(kernel.program, NUMBA_CACHE_DIR=folder) for _ in range(2)]
    (first, logged), (second, also_logged) = map(finish, processes)
    assert first == second
    assert logged[0] == also_logged[0] == kernel.announcements[0]
    assert {*logged, *also_logged} == {*kernel.announcements}
    assert finish(start(kernel.program, NUMBA_CACHE_DIR=folder)) == (first, [])
    suffixes = sorted(path.suffix for path in tmp_path.rglob("*") if path.is_file())
    assert suffixes == [".nbc"] * len(kernel.names) + [".nbi"] * len(kernel.names)


@pytest.mark.slow
def test_a_read_only_installation_stores_in_the_users_cache(tmp_path, kernel, installation):
    variables = {
        "NUMBA_CACHE_DIR": "",
        "PYTHONPATH": str(installation),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    printed, logged = finish(start(kernel.program, **variables))
    assert logged == kernel.announcements
    assert finish(start(kernel.program, **variables)) == (printed, [])
    assert len(list((tmp_path / "cache").rglob("*.nbc"))) == len(kernel.names)


@pytest.mark.slow
def test_where_nothing_can_be_stored_it_says_so_and_works(tmp_path, kernel, installation):
    (tmp_path / "file").write_bytes(b"")
    variables = {
        "NUMBA_CACHE_DIR": "",
        "PYTHONPATH": str(installation),
        "XDG_CACHE_HOME": str(tmp_path / "file"),
    }
    printed, logged = finish(start(kernel.program, **variables))
    assert printed == finish(start(kernel.program))[0]
    assert logged[1::2] == kernel.announcements
    for name, warning in zip(kernel.names, logged[::2], strict=True):
        assert warning.startswith(f"WARNING the compiled {name} cannot be stored or loaded (")
        assert warning.endswith("set NUMBA_CACHE_DIR to a writable folder")
