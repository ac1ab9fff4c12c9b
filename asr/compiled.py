"""Functions compiled to machine code by numba: once per installation, stored on disk, loaded afterwards.

Only modules that hold kernels import this one, and they are imported when they are first needed:
importing numba and its first use take some tenths of a second.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import wraps
from hashlib import sha256
from pathlib import Path
from threading import Lock
from types import FunctionType, ModuleType
from typing import Any, TypeVar, cast

from numba import njit
from numba.core import event
from numba.core.typing.templates import Signature

_log = logging.getLogger("asr")

Result = TypeVar("Result")
Function = TypeVar("Function", bound=Callable[..., Any])

_UNCOUNTED = {"_nrt": False}
"""Numba's option to compile without its counts of references."""

_PART: dict[str, Any] = {"nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True, **_UNCOUNTED}


def part(function: Function) -> Function:
    """Marks a function that a compiled one calls. It may not make arrays.

    So numba need not count references to those that it is given, which would take half of the time. It
    cannot be called from Python, which makes compiling faster by a third.
    """
    return cast(Function, njit(**_PART)(function))


def inlined(function: Function) -> Function:
    """Marks a `part` that is copied to where it is called: many small arrays are slow to hand over."""
    return cast(Function, njit(**_PART, forceinline=True)(function))


def once(function: Callable[[], Result]) -> Callable[[], Result]:
    """Marks a function that compiles: threads that need it at the same time wait for the first one."""
    lock = Lock()
    results: list[Result] = []

    @wraps(function)
    def compile_or_wait() -> Result:
        with lock:
            if not results:
                results.append(function())
            return results[0]

    return compile_or_wait


def compiled(
    function: Callable[..., None],
    signature: Signature,
    name: str,
    parts: Sequence[ModuleType] = (),
    *,
    makes_arrays: bool = True,
) -> Callable[..., None]:
    """Compiles a function for one signature, or loads what an earlier process compiled.

    The code is stored in `NUMBA_CACHE_DIR` where that is set, else beside the function's module, else,
    where that folder cannot be written, in the user's cache folder. It is stored per version of the
    module, of numba and of the processor, and every file is replaced as a whole. Where nothing can be
    stored, a warning is logged, and the function is compiled in every process.

    Args:
        function: What to compile, at the top level of its module.
        signature: The types of its arguments.
        name: What to call it in log lines.
        parts: All other modules of which the function uses functions or constants. Their contents and
            those of its own module decide whether stored code is still valid.
        makes_arrays: Whether it may make arrays; see `part`.
    """
    function = _named_after(function, parts)
    options: dict[str, Any] = {"nogil": True} | ({} if makes_arrays else _UNCOUNTED)
    with event.install_listener("numba:compile", _Announcement(name)):
        try:
            return njit(signature, cache=True, **options)(function)
        except (RuntimeError, OSError, EOFError) as error:  # no such folder, no space left, an empty file
            _log.warning(
                "the compiled %s cannot be stored or loaded (%s); set NUMBA_CACHE_DIR to a writable folder",
                name,
                error,
            )
            return njit(signature, **options)(function)


def _named_after(function: Callable[..., None], parts: Sequence[ModuleType]) -> Callable[..., None]:
    """The same function under a name that changes with the contents of some modules.

    Stored code is found by the function's name, and is checked against its own module only.
    """
    sources = [Path(part.__file__ or "").read_bytes() for part in parts]
    copy = FunctionType(function.__code__, function.__globals__, function.__name__)
    digest = sha256(b"".join(sources)).hexdigest()[:16] if parts else ""
    copy.__qualname__ = function.__qualname__ + digest
    return copy


class _Announcement(event.Listener):
    """Logs one line when numba begins to compile, which it does not where it finds stored code."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._made = False

    def on_start(self, event: Any) -> None:
        if not self._made:
            _log.info("compiling the %s, once per installation", self._name)
        self._made = True

    def on_end(self, event: Any) -> None:
        """Nothing to say."""
