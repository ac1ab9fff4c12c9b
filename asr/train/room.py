"""How much memory a process may still take, on a GPU or a machine, limits of containers included."""

from __future__ import annotations

from pathlib import Path

import psutil
import torch

_VERSION_2 = ("memory.max", "memory.current")
_VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes")
_GROUPS, _MOUNTED = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def free_memory(device: torch.device, processes: int) -> float:
    """Bytes that each of so many processes on this machine may still take.

    Args:
        device: Where they compute; every process has a GPU of its own.
        processes: How many there are.
    """
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    room = [float(psutil.virtual_memory().available), *left_by_groups()]
    return max(min(room), 0.0) / processes


def left_by_groups(groups: Path = _GROUPS, mounted: Path = _MOUNTED) -> list[float]:
    """What the control groups of this process, and those above them, leave; nothing where none has a limit.

    Containers and batch systems set such limits. Both versions of control groups are read.

    Args:
        groups: The file that lists them: a line ``number:controllers:path`` each.
        mounted: Where their folders are.
    """
    left = []
    for line in groups.read_text(encoding="utf-8").splitlines() if groups.exists() else []:
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        top = mounted / controllers
        folder = top / path.lstrip("/")
        for place in (folder, *folder.parents):
            if place.is_relative_to(top):
                left += _left(place, *(_VERSION_1 if controllers else _VERSION_2))
    return left


def _left(folder: Path, limit: str, usage: str) -> list[float]:
    """What one control group leaves; cached files make way."""
    try:
        most, used, lines = (
            (folder / name).read_text(encoding="utf-8").strip() for name in (limit, usage, "memory.stat")
        )
    except OSError:
        return []
    if most == "max":
        return []
    statistics = dict(line.split() for line in lines.splitlines())
    cached = statistics.get("total_inactive_file") or statistics.get("inactive_file", "0")
    return [float(most) - float(used) + float(cached)]
