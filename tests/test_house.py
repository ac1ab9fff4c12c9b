"""The house rules that no linter knows: short files, and modules that say what they are for."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
LONGEST_FILE = 300


def python_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    names = listed.stdout.split() or [str(path.relative_to(ROOT)) for path in ROOT.glob("asr/**/*.py")]
    return [ROOT / name for name in names]


def test_no_file_is_longer_than_300_lines() -> None:
    files = python_files()
    assert len(files) > 50
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files if path.exists()}
    assert {str(path): length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path)
        for path in python_files()
        if path.exists()
        and path.is_relative_to(ROOT / "asr")
        and not path.read_text(encoding="utf-8").startswith(('"""', 'r"""'))
    ]
    assert silent == []
