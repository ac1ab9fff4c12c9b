"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# On a busy machine an example takes as long as it takes.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# A shell starts background jobs with Ctrl-C ignored, and the processes of the tests would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tests, and the processes that they start, keep what takes long to make."""
    folder = tmp_path_factory.mktemp("cache")
    os.environ["ASR_CACHE_DIR"] = str(folder)
    return folder


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real recordings named by ASR_DATA; without it the test is skipped, visibly."""
    name = os.environ.get("ASR_DATA", "")
    if not name:
        pytest.skip("needs real recordings: set ASR_DATA to the data folder")
    folder = Path(name)
    assert folder.is_dir(), f"ASR_DATA={name}: no such folder"
    return folder
