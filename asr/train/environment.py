"""What a run depends on besides recipe and data: commit, versions, processor."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import asr

_PACKAGES = ("torch", "numpy", "soundfile", "safetensors", "jiwer")


def describe_environment(device: torch.device) -> dict[str, Any]:
    """Plain values for environment.json and the model card."""
    return {
        "asr": asr.__version__,
        "commit": commit(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "platform": platform.platform(),
        "processor": processor(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
    }


def commit() -> str:
    """The git commit of the source tree, with ``+`` where a file was changed since; empty outside git."""
    root = Path(asr.__file__).parents[1]
    try:
        _git(root, "ls-files", "--error-unmatch", "asr/__init__.py")  # installed inside another repository?
        head = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head + ("+" if changed else "")


def processor() -> str:
    """The name of the processor and what it has for bf16, as Linux reports them, else what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    values = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = values.get("flags", "").split()
    extensions = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in flags]
    family = f"family {values.get('cpu family', '?')} model {values.get('model', '?')}"
    return f"{values.get('model name', platform.machine())} ({family}; {' '.join(extensions)})"


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
