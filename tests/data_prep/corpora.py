"""Tiny corpora in the shapes in which the real ones are published, and a way to run the command."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).parents[2]


def tone(seconds: float = 0.2, rate: int = 16_000, hz: float = 300.0) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return (8000 * np.sin(2 * np.pi * hz * time)).astype(np.int16)


def write_audio(path: Path, samples: np.ndarray | None = None, rate: int = 16_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = tone(rate=rate) if samples is None else samples
    if path.suffix == ".raw":
        path.write_bytes(content.astype(">i2").tobytes())
    elif path.suffix == ".sph":
        soundfile.write(path, content, rate, format="NIST", subtype="PCM_16", endian="BIG")
    else:
        soundfile.write(path, content, rate)
    return path


def an4(folder: Path, suffix: str = ".raw") -> Path:
    """An AN4 of three training and two test utterances; `folder`/an4 is returned."""
    root = folder / "an4"
    (root / "etc").mkdir(parents=True)
    (root / "LICENSE").write_text("free for any use\n")
    (root / "etc/an4_train.transcription").write_text(
        "<s> YES </s> (an251-fash-b)\n<s> rubout G M E F </s> (an60-fash-b)\n<s> TWO </s> (cen1-mblw-b)\n"
    )
    (root / "etc/an4_test.transcription").write_text("STOP (an406-fcaw-b)\n<s> GO ON </s> (an407-fcaw-b)\n")
    for name in ("an4_clstk/fash/an251-fash-b", "an4_clstk/fash/an60-fash-b", "an4_clstk/mblw/cen1-mblw-b"):
        write_audio(root / "wav" / f"{name}{suffix}", tone(0.5))
    for name in ("an4test_clstk/fcaw/an406-fcaw-b", "an4test_clstk/fcaw/an407-fcaw-b"):
        write_audio(root / "wav" / f"{name}{suffix}", tone(0.25))
    return root


def yesno(folder: Path) -> Path:
    root = folder / "waves_yesno"
    for name in ("0_0_1", "0_1_0", "1_0_0", "1_1_0"):
        write_audio(root / f"{name}.wav", rate=8_000)
    (root / "README").write_text("yes and no\n")
    return root


def pack(folder: Path, archive: Path) -> Path:
    """Packs a folder under its own name; the suffix of `archive` says how."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in sorted(folder.rglob("*")):
                packed.write(path, path.relative_to(folder.parent))
        return archive
    mode = {".tar": "w", ".gz": "w:gz", ".tgz": "w:gz", ".xz": "w:xz", ".bz2": "w:bz2"}[archive.suffix]
    with tarfile.open(archive, mode) as packed:
        packed.add(folder, folder.name)
    return archive


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs the command as a person would, in a process of its own."""
    command = [sys.executable, "-m", "data_prep", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"COLUMNS": "80"}
    )


def left(folder: Path) -> set[str]:
    """Names in a folder, hidden ones too."""
    return {path.name for path in folder.iterdir()}
