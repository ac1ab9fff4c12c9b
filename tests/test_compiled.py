"""Stored machine code: compiled once, found again, and never in the way; real processes, real folders."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import asr
from asr.audio.features import log_mel
from asr.config import FeatureConfig

PROGRAM = """
import hashlib, logging, sys
logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
import numpy as np
from asr.audio.features import log_mel
assert "numba" not in sys.modules
from asr.config import FeatureConfig
samples = np.random.default_rng(0).standard_normal(20_000).astype(np.float32)
print(hashlib.sha256(log_mel(samples, FeatureConfig()).tobytes()).hexdigest())
"""
COMPILING = "INFO compiling the feature kernel, once per installation"


def start(**variables: str) -> subprocess.Popen[str]:
    """Computes features in a new process, with these environment variables."""
    environment = os.environ | variables
    command = [sys.executable, "-P", "-W", "error", "-c", PROGRAM]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)


def finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    """The features' hash, and what was logged."""
    digest, logged = process.communicate(timeout=120)
    assert process.returncode == 0, logged
    return digest.strip(), logged.strip()


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    """A copy of the package whose folders refuse files beside the modules, as a read-only one does.

    (Permissions would not do: the superuser may write anywhere.)
    """
    folder = tmp_path / "site-packages"
    shutil.copytree(Path(asr.__file__).parent, folder / "asr", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "asr" / "audio" / "__pycache__").write_bytes(b"")
    return folder


def test_a_second_process_finds_what_the_first_compiled():
    log_mel(np.zeros(400, np.float32), FeatureConfig())
    assert finish(start())[1] == ""


@pytest.mark.slow
def test_two_processes_that_start_at_once_agree_and_leave_good_files(tmp_path):
    folder = str(tmp_path)
    (first, logged), (second, _) = map(finish, [start(NUMBA_CACHE_DIR=folder) for _ in range(2)])
    assert first == second
    assert logged == COMPILING
    assert finish(start(NUMBA_CACHE_DIR=folder)) == (first, "")
    assert sorted(path.suffix for path in tmp_path.rglob("*") if path.is_file()) == [".nbc", ".nbi"]


@pytest.mark.slow
def test_a_read_only_installation_stores_in_the_users_cache(tmp_path, installation):
    variables = {
        "NUMBA_CACHE_DIR": "",
        "PYTHONPATH": str(installation),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    digest, logged = finish(start(**variables))
    assert logged == COMPILING
    assert finish(start(**variables)) == (digest, "")
    assert list((tmp_path / "cache").rglob("*.nbc"))


@pytest.mark.slow
def test_where_nothing_can_be_stored_it_says_so_and_works(tmp_path, installation):
    (tmp_path / "file").write_bytes(b"")
    variables = {
        "NUMBA_CACHE_DIR": "",
        "PYTHONPATH": str(installation),
        "XDG_CACHE_HOME": str(tmp_path / "file"),
    }
    warning, announcement = finish(start(**variables))[1].splitlines()
    assert warning.startswith("WARNING the compiled feature kernel cannot be stored or loaded (")
    assert warning.endswith("set NUMBA_CACHE_DIR to a writable folder")
    assert announcement == COMPILING


@pytest.mark.slow
def test_an_empty_file_from_a_crash_is_no_harm(tmp_path):
    digest, _ = finish(start(NUMBA_CACHE_DIR=str(tmp_path)))
    (index,) = tmp_path.rglob("*.nbi")
    index.write_bytes(b"")
    repeated, logged = finish(start(NUMBA_CACHE_DIR=str(tmp_path)))
    assert repeated == digest
    assert "WARNING" in logged
