"""The machine and what is installed on it. The standard library will do, so that it always answers."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

from asr.doctor.findings import Finding
from asr.environment import commit, processor

DISTRIBUTION = "recurrent-asr"
CORE = (
    "click",
    "jiwer",
    "msgspec",
    "numba",
    "numpy",
    "onnxruntime",
    "platformdirs",
    "rich",
    "safetensors",
    "soundfile",
)
EXTRAS = {
    "train": ("torch", "torchaudio", "librosa", "matplotlib", "tensorboard", "filelock"),
    "export": ("onnx",),
    "listen": ("sounddevice",),
    "serve": ("fastapi", "uvicorn", "websockets", "python-multipart", "prometheus-client"),
    "video": ("av",),
}
USES = {
    "train": "trains models, and runs those without ONNX graphs",
    "export": "makes ONNX graphs",
    "listen": "reads microphones",
    "serve": "serves other programs and the browser",
    "video": "reads video, m4a and AAC",
}
OLDEST = (3, 11)
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
INSTRUCTIONS = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_vnni": "VNNI",
    "avx512_bf16": "bf16",
    "amx_bf16": "AMX",
}
"""Extensions of a processor by which it computes faster: products of floats, of bytes, of bf16."""


def machine() -> Iterator[Finding]:
    """Python, operating system, processor, threads."""
    python = f"Python {platform.python_version()}, {sys.executable}"
    old = sys.version_info < OLDEST
    yield Finding(
        "machine", "python", "broken" if old else "good", python,
        f"install Python {OLDEST[0]}.{OLDEST[1]} or newer" if old else "", needed=True,
    )  # fmt: skip
    yield Finding("machine", "system", "good", platform.platform())
    yield Finding("machine", "processor", "good", processor())
    yield _cores()
    yield _instructions()
    set_ = [f"{name}={os.environ[name]}" for name in THREADS if os.environ.get(name)]
    yield Finding("machine", "threads", "good", ", ".join(set_) or "as many as there are cores")


def packages() -> Iterator[Finding]:
    """Which version of asr this is, and whether the packages are there that it needs."""
    place = Path(__file__).parents[2]
    try:
        asr = version(DISTRIBUTION)
        source = f", commit {found[:10]}{found[40:]}" if (found := commit()) else ""
        yield Finding("packages", "asr", "good", f"{asr} in {place}{source}")
    except PackageNotFoundError:
        yield Finding(
            "packages", "asr", "note", f"runs from {place}, and is not installed", f"pip install -e {place}"
        )
    least = _least()
    for name in CORE:
        yield _package(name, least.get(name, ""), f"pip install '{name}{_from(least.get(name, ''))}'", True)
    for extra, names in EXTRAS.items():
        found_ = [_package(name, least.get(name, ""), "", False) for name in names]
        lacking = [one.name for one in found_ if one.state != "good"]
        text = ", ".join(f"{one.name} {one.text}" for one in found_)
        state, remedy = ("missing", f"pip install '{DISTRIBUTION}[{extra}]'") if lacking else ("good", "")
        yield Finding("extras", f"[{extra}] {USES[extra]}", state, text, remedy)  # type: ignore[arg-type]


def _cores() -> Finding:
    count = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else count
    text = f"{count}" if usable == count else f"{usable} of {count} may be used"
    return Finding("machine", "cores", "good", text)


def _instructions() -> Finding:
    try:
        flags = set(re.findall(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.M)[0].split())
    except (OSError, IndexError, UnicodeDecodeError):
        return Finding("machine", "instructions", "good", f"not told by this system ({platform.machine()})")
    there = [text for flag, text in INSTRUCTIONS.items() if flag in flags]
    lacking = [text for flag, text in INSTRUCTIONS.items() if flag not in flags]
    text = f"{', '.join(there) or 'none that matter'}{'; not ' if lacking else ''}{', '.join(lacking)}"
    return Finding("machine", "instructions", "good" if "avx2" in flags else "note", text)


def _package(name: str, least: str, remedy: str, needed: bool) -> Finding:
    """Whether a package is there, as far as one can tell without importing it."""
    try:
        there = find_spec(name.replace("-", "_")) is not None
    except (ImportError, ValueError):
        there = False
    if not there:
        return Finding("packages", name, "broken" if needed else "missing", "not installed", remedy, needed)
    try:
        found = version(name)
    except PackageNotFoundError:
        return Finding("packages", name, "good", "of unknown version", needed=needed)
    if _numbers(found) < _numbers(least):
        state = "broken" if needed else "missing"
        return Finding("packages", name, state, f"{found}, and {least} is needed", remedy, needed)  # type: ignore[arg-type]
    return Finding("packages", name, "good", found, needed=needed)


def _least() -> dict[str, str]:
    """The oldest version of each package that will do, as the installation says."""
    try:
        lines = requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        return {}
    found = (re.match(r"([\w.-]+)(?:\[[\w,-]*\])?>=([\d.]+)", line) for line in lines)
    return {match[1].lower(): match[2] for match in found if match}


def _from(least: str) -> str:
    return f">={least}" if least else ""


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", re.split(r"[+a-z]", text)[0]))
