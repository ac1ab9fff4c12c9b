"""``asr export``, and what is recognised without torch afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from asr.bundle import load_bundle
from asr.recognize.engines import read_model
from tests.helpers.bundles import random_bundle
from tests.helpers.console import MAIN, Shown, asr, asr_here, one_line
from tests.helpers.tones import chirp

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "torchaudio", "librosa", "onnx")
TELL = f"import atexit, sys; atexit.register(lambda: print([m for m in {HEAVY} if m in sys.modules])); "


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording, a model folder, and the same exported to a folder of its own."""
    folder = tmp_path_factory.mktemp("export")
    soundfile.write(folder / "a.wav", chirp(100, 5_000, 2), 16_000)
    random_bundle(folder / "model", bidirectional=False, lookahead=2)
    (folder / "a.txt").write_text("one two")
    (folder / "m.jsonl").write_text('{"audio_filepath": "a.wav", "duration": 2, "text": "one two"}\n')
    assert exported(folder / "model", "-o", folder / "small").status == 0
    return folder


def exported(*arguments: object) -> Shown:
    return asr_here("export", *arguments)


def test_a_folder_for_other_machines_has_all_but_the_weights_of_torch(place: Path) -> None:
    names = {path.name for path in (place / "small").iterdir()}
    graphs = {"offline.onnx", "step.onnx", "offline.int8.onnx", "step.int8.onnx"}
    assert names == graphs | {"README.md", "model.json", "statistics.safetensors", "tokens.txt"}
    assert not list((place / "model").glob("*.onnx"))


def test_sizes_and_the_difference_from_torch_are_told(place: Path, tmp_path: Path) -> None:
    random_bundle(tmp_path)
    shown = exported(tmp_path)
    assert (shown.status, shown.out) == (0, f"{tmp_path}\n")
    assert "onnx: probabilities of noise differ from torch's by " in shown.err
    assert "offline.onnx 0.0 MB, offline.int8.onnx 0.0 MB" in shown.err
    assert load_bundle(tmp_path).weights
    assert load_bundle(tmp_path).graphs.engines == ("onnx", "onnx-int8")
    assert exported(tmp_path, "--no-int8").status == 0
    assert load_bundle(tmp_path).graphs.engines == ("onnx",)


def test_a_model_for_streams_alone_is_half_as_large_and_writes_the_same(place: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    assert exported(place / "model", "-o", small, "--no-offline", "--no-int8").status == 0
    assert [path.name for path in small.glob("*.onnx")] == ["step.onnx"]
    whole = asr_here("transcribe", place / "a.wav", "--model", place / "small", "-f", "json")
    assert asr_here("transcribe", place / "a.wav", "--model", small, "-f", "json").out == whole.out
    random_bundle(tmp_path / "both-ways")
    assert exported(tmp_path / "both-ways", "--no-offline").status == 0
    assert load_bundle(tmp_path / "both-ways").graphs.engines == ("onnx", "onnx-int8")


def test_without_fp32_the_graphs_of_eight_bits_are_the_default(place: Path, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    assert asr_here("export", place / "model", "-o", folder, "--no-fp32").status == 0
    assert {path.suffix for path in folder.iterdir()} >= {".onnx"}
    assert not (folder / "offline.onnx").exists()
    _, engine = read_model(folder)
    assert engine == "onnx-int8"
    shown = asr_here("export", place / "model", "-o", tmp_path / "none", "--no-fp32", "--no-int8")
    assert shown.status == 2
    assert "nothing is left to export" in shown.err


def test_a_gru_has_no_eight_bits(tmp_path: Path) -> None:
    random_bundle(tmp_path, cell="gru")
    shown = exported(tmp_path)
    assert shown.status == 0
    assert "no graphs of 8 bits: ONNX Runtime has them for LSTM layers, and these are gru\n" in shown.err
    one_line(
        asr_here("transcribe", "a.wav", "--model", tmp_path, "--engine", "onnx-int8"), "has no graphs for"
    )


def test_what_cannot_be_exported_is_one_line(place: Path, tmp_path: Path) -> None:
    one_line(exported(tmp_path / "none"), "no such model folder")
    one_line(exported(place / "small"), "no weights to make others of; export the model folder that it came")


def test_no_onnx_is_one_line(place: Path, tmp_path: Path) -> None:
    shown = asr(
        "export", place / "model", "-o", tmp_path, code="import sys; sys.modules['onnx'] = None; " + MAIN
    )
    one_line(shown, "onnx is not installed; pip install 'recurrent-asr[export]'")


@pytest.mark.parametrize("engine", ["auto", "onnx-int8"])
def test_transcribing_with_onnx_imports_no_torch(place: Path, engine: str) -> None:
    arguments = ("--model", place / "small", "--engine", engine)
    shown = asr("transcribe", place / "a.wav", *arguments, code=TELL + MAIN)
    assert (shown.status, shown.err) == (0, "")
    text, modules = shown.out.splitlines()
    assert modules == "[]"
    assert text


def test_evaluating_and_aligning_with_onnx_equal_torch(place: Path) -> None:
    for command in (("evaluate", place / "m.jsonl"), ("align", place / "a.wav", place / "a.txt")):
        torch = asr_here(*command, "--model", place / "model", "--engine", "torch")
        shown = asr(*command, "--model", place / "small", code=TELL + MAIN)
        assert torch.status == shown.status == 0
        assert shown.out == torch.out + "[]\n"


@pytest.mark.slow
def test_the_core_alone_transcribes(place: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    source = tmp_path / "source"  # a copy, for the build leaves files behind
    shutil.copytree(ROOT / "asr", source / "asr", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "constraints.txt"):
        shutil.copy(ROOT / name, source)
    install = [python, "-m", "pip", "install", "--quiet", "-c", source / "constraints.txt", source]
    subprocess.run(install, check=True, cwd=tmp_path)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    run = [python, "-m", "asr", "transcribe", place / "a.wav", "--model", place / "small"]
    done = subprocess.run(run, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == asr("transcribe", place / "a.wav", "--model", place / "model").out
    packages = subprocess.run(
        [python, "-m", "pip", "list"], check=True, capture_output=True, text=True
    ).stdout
    installed = {line.split()[0] for line in packages.splitlines()[2:]}
    assert "onnxruntime" in installed
    assert not installed & set(HEAVY)
