"""What results depend on besides settings and data: the source's commit, the machine, package versions."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_SOURCE = Path(__file__).parents[1]
_EXTENSIONS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")  # of a processor, which numerics may depend on


@dataclass(frozen=True, slots=True)
class Environment:
    """Where something ran.

    Attributes:
        commit: Of the source tree; see `commit`.
        python: Version.
        packages: Versions by name, of those that are installed.
        platform: Operating system and its version.
        processor: Its name; see `processor`.
        cores: How many it shows to the system.
    """

    commit: str
    python: str
    packages: Mapping[str, str]
    platform: str
    processor: str
    cores: int


def this_environment(packages: Iterable[str]) -> Environment:
    """Describes this machine and what is installed.

    Args:
        packages: Names of distributions whose versions matter; those not installed are left out.
    """
    return Environment(
        commit=commit(),
        python=platform.python_version(),
        packages={name: found for name in packages if (found := _version(name))},
        platform=platform.platform(),
        processor=processor(),
        cores=os.cpu_count() or 1,
    )


def commit() -> str:
    """The git commit of the source tree, with ``+`` where a file was changed since; empty outside git."""
    try:
        _git("ls-files", "--error-unmatch", "asr/__init__.py")  # installed inside another repository?
        head = _git("rev-parse", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head + ("+" if changed else "")


def processor() -> str:
    """The processor's name, family and extensions for fast numerics where Linux tells, else its kind."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    values = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    if "model name" not in values:
        return platform.processor() or platform.machine()
    family = f"family {values.get('cpu family', '?')} model {values.get('model', '?')}"
    flags = values.get("flags", "").split()
    extensions = " ".join(name for name in _EXTENSIONS if name in flags)
    return f"{values['model name']} ({family}; {extensions})"


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(_SOURCE), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
