"""``asr doctor`` where things are broken for real: it names them with the remedy, and never gives up."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import asr
from asr.bundle import save_bundle
from asr.doctor.examination import find_models
from asr.doctor.findings import Finding
from asr.doctor.processes import Trial, attempt
from asr.models import OFFLINE, STREAMING, shipped
from tests.helpers.bundles import random_bundle
from tests.helpers.console import asr as run_asr
from tests.helpers.engines import exported_model

ROOT = Path(asr.__file__).parents[1]
SITE = Path(sysconfig.get_paths()["purelib"])


def tried(name: str, given: str = "", *, seconds: float = 120) -> dict[str, Finding]:
    found = attempt([Trial(name, given, Finding(name, name, "broken", ""))], seconds)
    assert all("\n" not in one.text and "Traceback" not in one.text for one in found)
    return {one.name: one for one in found}


def doctor_without(folder: Path, *hidden: str) -> subprocess.CompletedProcess[str]:
    """Runs it in a Python that sees the standard library and all installed packages but the hidden ones."""
    site = folder / "site"
    site.mkdir()
    for entry in SITE.iterdir():
        name = entry.name.split("-")[0].split(".")[0].lower()
        if name not in hidden and "*" not in hidden and entry.suffix != ".pth":
            (site / entry.name).symlink_to(entry)
    code = f"import runpy, sys; sys.path += {[str(site), str(ROOT)]}; "
    code += "runpy.run_module('asr.doctor', run_name='__main__')"
    command = [sys.executable, "-I", "-S", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=300)


def test_without_any_package_it_still_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASR_MODEL", raising=False)
    shown = doctor_without(tmp_path, "*")
    assert (shown.returncode, shown.stderr) == (1, "")
    assert "FAIL numpy: not installed\n         pip install 'numpy" in shown.stdout
    assert "FAIL onnx: ModuleNotFoundError: No module named 'numpy'" in shown.stdout
    assert f"FAIL {shipped(OFFLINE)}: ModuleNotFoundError: No module named 'numpy'" in shown.stdout
    assert shown.stdout.splitlines()[-1].startswith("transcribing does not work; mend first: ")


def test_hidden_packages_are_named_with_their_remedy(tmp_path: Path) -> None:
    random_bundle(tmp_path / "models" / "m")
    shown = doctor_without(tmp_path, "soundfile", "_soundfile", "_soundfile_data", "torch", "torchgen")
    assert (shown.returncode, shown.stderr) == (1, "")
    assert "FAIL soundfile: not installed\n         pip install 'soundfile>=0.13'" in shown.stdout
    assert "pip install 'recurrent-asr[train]'" in shown.stdout
    assert "ok   onnx: onnxruntime" in shown.stdout
    assert "FAIL models/m: " in shown.stdout


def test_without_torch_a_model_with_graphs_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASR_MODEL", raising=False)
    save_bundle(exported_model(), tmp_path / "runs" / "a" / "bundle")
    shown = doctor_without(tmp_path, "torch", "torchgen", "torchaudio", "librosa", "sounddevice", "av")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "ok   runs/a/bundle: transcribes, with ONNX Runtime" in shown.stdout
    assert "-    torch: torch is not installed; models with ONNX graphs need none" in shown.stdout
    assert "-    m4a, video: needs PyAV, which is not installed" in shown.stdout
    assert "         pip install 'recurrent-asr[video]'" in shown.stdout
    assert shown.stdout.splitlines()[-1] == "transcribing works"


@pytest.mark.parametrize(
    ("package", "content", "trial", "name", "expected"),
    [
        ("onnxruntime", "import os; os.abort()", "onnx", "onnx", "ended by SIGABRT"),
        ("onnxruntime", "raise ImportError('DLL failed')", "onnx", "onnx", "ImportError: DLL failed"),
        ("onnxruntime", "import sys; sys.exit(3)", "onnx", "onnx", "ended with status 3"),
        ("onnxruntime", "import os; print('x'); os._exit(0)", "onnx", "onnx", "ended with status 0"),
        ("sounddevice", "raise OSError('no PortAudio')", "microphone", "sounddevice", "is not installed"),
        ("soundfile", "raise OSError('no libsndfile.so')", "audio", "audio", "OSError: no libsndfile.so"),
        ("numba", "raise ImportError('needs NumPy 2')", "kernels", "kernels", "ImportError: needs NumPy 2"),
        ("torch", "raise OSError('libtorch.so: no such file')", "torch", "torch", "OSError: libtorch.so"),
    ],
)
def test_a_package_that_is_broken(tmp_path, monkeypatch, package, content, trial, name, expected) -> None:
    (tmp_path / f"{package}.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    found = tried(trial)[name]
    assert found.state in ("broken", "missing")
    assert expected in found.text


def test_what_hangs_is_ended(tmp_path, monkeypatch) -> None:
    (tmp_path / "onnxruntime.py").write_text("import time; time.sleep(600)")
    monkeypatch.syspath_prepend(tmp_path)
    assert tried("onnx", seconds=2)["onnx"].text == "no answer within 2 s"


def test_a_python_that_cannot_be_started(monkeypatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert tried("onnx")["onnx"].text == "cannot be tried: No such file or directory"


def test_where_no_code_can_be_stored_it_says_so(tmp_path, monkeypatch) -> None:
    site = tmp_path / "site"
    shutil.copytree(Path(asr.__file__).parent, site / "asr", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("audio", "decode", "decode/search"):
        (site / "asr" / folder / "__pycache__").write_bytes(b"")  # permissions stop no superuser
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    monkeypatch.delenv("ASR_CACHE_DIR")
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    found = tried("kernels")
    for kernel in ("features", "normalisation", "search", "alignment"):
        one = found[f"stored code for {kernel}"]
        assert one.state == "note"
        assert one.remedy.startswith("export NUMBA_CACHE_DIR=")
    made = found["language models made ready"]
    assert (made.state, made.remedy.split("=")[0]) == ("note", "export ASR_CACHE_DIR")
    assert found["compiling"].remedy == "unset NUMBA_DISABLE_JIT"


def test_damaged_models_are_named_and_others_work(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASR_MODEL", "elsewhere")
    for name in ("models/a", "runs/b/bundle"):
        random_bundle(tmp_path / name)
    found = [str(path) for path in find_models()]
    assert found == ["elsewhere", *map(str, map(shipped, (OFFLINE, STREAMING))), "models/a", "runs/b/bundle"]
    weights = tmp_path / "models/a/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    assert "damaged (its hash differs)" in tried("model", "models/a")["models/a"].text
    assert "no such model folder" in tried("model", "elsewhere")["elsewhere"].text
    assert tried("model", "runs/b/bundle")["runs/b/bundle"].state == "good"


def test_the_command_tells_programs_and_ends_with_a_status(tmp_path: Path) -> None:
    model = tmp_path / "m"
    random_bundle(model)
    shown = run_asr("doctor", "--model", model, "--json")
    assert (shown.status, shown.err) == (0, "")
    told = json.loads(shown.out)
    assert told["works"] is True
    states = {(one["topic"], one["name"]): one["state"] for one in told["findings"]}
    assert states["models", str(model)] == states["audio", "wav"] == states["engines", "onnx"] == "good"
