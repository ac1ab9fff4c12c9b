"""What is stored of one small function, when files are damaged, the disk is full, and modules change."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.starts import announcement, finish, start

MODULES = {
    "shift": """
from asr.compiled import part

@part
def shifted(value):
    return value + 1
""",
    "kernel": """
import shift
from numba import types
from asr.compiled import compiled

def _fill(values):
    for place in range(len(values)):
        values[place] = 2 * shift.shifted(place)

fill = compiled(_fill, types.void(types.int64[::1]), "small one", (shift,), makes_arrays=False)
""",
}
PROGRAM = """
import numpy as np
from kernel import fill
values = np.zeros(4, np.int64)
fill(values)
print(*values)
"""
COUNTED = f"""
from numba.core import event
with event.install_recorder("numba:compile") as recorder:
    {PROGRAM.replace(chr(10), chr(10) + "    ")}
print(sum(event.is_start for _, event in recorder.buffer))
"""
LOOKED_AT = """
import asr.compiled
asr.compiled.compiled = lambda *arguments, **options: None  # kernels of the package compile only when asked
import kernel
found = asr.compiled.stored(kernel)
print(found.files, *(path.suffix for path in found.damaged))
"""
FULL_DISK = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, 4_000))\n"
RESULT = "2 4 6 8"
ANNOUNCEMENT = announcement("small one")

Damage = Callable[[bytes], bytes]
DAMAGES: dict[str, Damage] = {
    "empty": lambda content: b"",
    "cut short": lambda content: content[: len(content) // 2],
    "without its end": lambda content: content[:-1],
    "zeros": lambda content: bytes(len(content)),
    "a bit": lambda content: content[:-400] + bytes([content[-400] ^ 1]) + content[-399:],
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def run(package: Path, program: str = PROGRAM) -> tuple[str, list[str]]:
    cache, path = str(package / "cache"), os.pathsep.join([str(package), os.environ.get("PYTHONPATH", "")])
    return finish(start(program, NUMBA_CACHE_DIR=cache, PYTHONPATH=path))


def test_it_is_compiled_once(package):
    assert run(package) == (RESULT, [ANNOUNCEMENT])
    assert run(package) == (RESULT, [])


@pytest.mark.slow
def test_another_function_can_be_compiled_where_one_was_loaded(package):
    run(package)
    program = PROGRAM + "from numba import njit\nprint(njit(lambda array: array.sum() ** 0.5)(values))\n"
    assert run(package, program) == (f"{RESULT}\n{20**0.5}", [])


def test_a_part_that_changed_is_compiled_again(package):
    run(package)
    module = package / "shift.py"
    changed = module.read_text().replace("+ 1", "- 1")
    times = module.stat()
    module.write_text(changed)
    os.utime(module, ns=(times.st_atime_ns + 10**10, times.st_mtime_ns + 10**10))
    assert run(package) == ("-2 0 2 4", [ANNOUNCEMENT])


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file_is_replaced(package, suffix, name):
    run(package)
    (file,) = (package / "cache").rglob(f"*{suffix}")
    whole = file.read_bytes()
    file.write_bytes(DAMAGES[name](whole))
    assert run(package) == (RESULT, [ANNOUNCEMENT])
    assert run(package) == (RESULT, [])


def test_damaged_files_are_found_without_loading_them(package):
    assert run(package, LOOKED_AT) == ("0", [])
    run(package)
    assert run(package, LOOKED_AT) == ("2", [])
    (file,) = (package / "cache").rglob("*.nbc")
    file.write_bytes(DAMAGES["a bit"](file.read_bytes()))
    assert run(package, LOOKED_AT) == ("2 .nbc", [])


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
def test_a_missing_file_is_replaced(package, suffix):
    run(package)
    (file,) = (package / "cache").rglob(f"*{suffix}")
    file.unlink()
    assert run(package) == (RESULT, [ANNOUNCEMENT])
    assert run(package) == (RESULT, [])


@pytest.mark.slow
def test_a_full_disk_costs_no_second_compilation(package):
    pytest.importorskip("resource")
    printed, (first, second) = run(package, FULL_DISK + COUNTED)
    assert first == ANNOUNCEMENT
    assert second.startswith("WARNING the compiled small one cannot be stored or loaded (")
    assert run(package, COUNTED) == (printed, [ANNOUNCEMENT])  # as many compilations
    assert run(package) == (RESULT, [])
