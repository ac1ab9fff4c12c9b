"""``asr`` itself: help at once and without heavy imports, suggestions, option spellings, exit statuses."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from asr.cli import COMMANDS
from tests.helpers.bundles import random_bundle
from tests.helpers.console import MAIN, asr, asr_here, one_line

HEAVY = ("torch", "torchaudio", "numba", "librosa", "numpy", "soundfile")
STATED = 0.5
"""Seconds in which ``asr --help`` shall answer; the test gates at five times as many, for busy machines."""


def test_help_answers_in_half_a_second() -> None:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "asr", "--help"], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    sys.stdout.write(f"asr --help: {min(times):.2f} s, stated {STATED} s\n")
    assert min(times) < 5 * STATED


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["transcrib"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = f"import atexit, sys; atexit.register(lambda: print([m for m in {HEAVY} if m in sys.modules])); "
    assert asr(*arguments, code=code + MAIN).out.endswith("[]\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_imports_no_torch(command: str) -> None:
    code = "import sys; sys.modules['torch'] = sys.modules['numba'] = None; "
    shown = asr(command, "--help", code=code + MAIN)
    assert shown.status == 0, shown.err
    assert "Usage: " in shown.out


def test_every_command_is_listed_with_what_it_does() -> None:
    shown = asr_here("--help")
    assert shown.status == 0
    for name, text in COMMANDS.items():
        assert f"{name} " in shown.out
        assert text in " ".join(shown.out.split())
    assert asr_here("-h").out == shown.out


def test_an_unknown_command_suggests_the_nearest() -> None:
    shown = asr_here("transcibe", "a.wav")
    assert (shown.status, shown.out) == (2, "")
    assert "no command 'transcibe'; did you mean 'transcribe'?" in shown.err
    assert "Traceback" not in shown.err


def test_an_unknown_option_suggests_the_nearest() -> None:
    shown = asr_here("transcribe", "a.wav", "--modle", "x")
    assert shown.status == 2
    assert "--modle" in shown.err
    assert "--model" in shown.err.replace("--modle", "")


@pytest.mark.parametrize("option", ["--output-format", "--output_format"])
def test_options_are_spelled_with_hyphens_or_underscores(option: str, tmp_path: Path) -> None:
    shown = asr_here("transcribe", "a.wav", option, "json", "--model", tmp_path)
    one_line(shown, "not a model folder")


@pytest.mark.parametrize(("command", "status"), [("transcribe", 1), ("stream", 2)])
def test_no_model_need_be_named(command: str, status: int) -> None:
    shown = asr_here(command, "a.wav")
    assert (shown.status, shown.err) == (status, "error: a.wav: no such file; check the path\n")


def test_a_missing_package_is_named_with_the_remedy(tmp_path: Path) -> None:
    code = "import sys; sys.modules['torch'] = None; "
    random_bundle(tmp_path / "model")
    shown = asr("transcribe", "a.wav", "--model", tmp_path / "model", code=code + MAIN)
    one_line(shown, "torch is not installed; pip install 'recurrent-asr[train]'")
