"""What results depend on is named: commit, processor, versions of packages."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import asr
from asr.environment import commit, processor, this_environment

ROOT = Path(asr.__file__).parents[1]


def test_versions_are_those_of_the_packages_that_are_installed() -> None:
    environment = this_environment(["numpy", "no-such-package", "rich"])
    assert environment.packages == {"numpy": version("numpy"), "rich": version("rich")}
    assert environment.python == platform.python_version()
    assert environment.cores == os.cpu_count()
    assert (environment.commit, environment.processor) == (commit(), processor())


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs the git repository")
def test_the_commit_is_the_head_and_says_whether_the_source_was_changed() -> None:
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()
    assert commit().removesuffix("+") == head
    assert re.fullmatch(r"[0-9a-f]{40}\+?", commit())


def test_a_source_that_is_in_no_repository_has_no_commit(tmp_path: Path) -> None:
    (tmp_path / "asr").mkdir()
    for name in ("__init__.py", "environment.py"):
        (tmp_path / "asr" / name).write_bytes((ROOT / "asr" / name).read_bytes())
    code = "from asr.environment import commit; print(repr(commit()))"
    for repository in (False, True):  # nor where it is installed inside another one
        if repository:
            subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        assert done.stdout == "''\n"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="reads what Linux tells of x86 processors")
@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="reads /proc/cpuinfo")
def test_the_processor_is_named_with_its_model_and_what_it_has_for_bf16() -> None:
    text = Path("/proc/cpuinfo").read_text()
    assert re.fullmatch(r".+ \(family [0-9]+ model [0-9]+; .*\)", processor())
    assert ("avx512_bf16" in processor()) == ("avx512_bf16" in text)


def test_torch_is_not_needed() -> None:
    code = (
        "import asr.environment, asr.progress, sys; sys.exit(not {'numpy', 'torch'}.isdisjoint(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
