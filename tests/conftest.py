"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real recordings named by ASR_DATA; without it the test is skipped, visibly."""
    name = os.environ.get("ASR_DATA", "")
    if not name:
        pytest.skip("needs real recordings: set ASR_DATA to the data folder")
    folder = Path(name)
    assert folder.is_dir(), f"ASR_DATA={name}: no such folder"
    return folder
