"""The house rules that no linter knows: short files and functions, modules that say what they are for."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
LONGEST_FILE = 300
LONGEST_FUNCTION = 40
PROGRAM = ("asr", "recipes", "data_prep", "benchmarks")


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


def function_lengths(path: Path) -> dict[str, int]:
    """Lines of each function, its signature included and its docstring not."""
    lengths = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = node.body[0] if ast.get_docstring(node) is not None else None
            lines = _lines(node) - (_lines(docstring) if docstring else 0)
            lengths[f"{path.relative_to(path.anchor)}:{node.lineno} {node.name}"] = lines
    return lengths


def _lines(node: ast.stmt) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def test_the_docstring_of_a_function_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "m.py"
    path.write_text(
        'def f(\n    x,\n):\n    """One.\n\n    Two.\n    """\n    return x\n\n\nasync def g(): ...\n'
    )
    assert list(function_lengths(path).values()) == [4, 1]


def test_no_function_is_longer_than_40_lines() -> None:
    lengths: dict[str, int] = {}
    for path in python_files():
        if path.exists() and path.relative_to(ROOT).parts[0] in PROGRAM:
            lengths |= function_lengths(path)
    assert len(lengths) > 200
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path)
        for path in python_files()
        if path.exists()
        and path.is_relative_to(ROOT / "asr")
        and not path.read_text(encoding="utf-8").startswith(('"""', 'r"""'))
    ]
    assert silent == []
