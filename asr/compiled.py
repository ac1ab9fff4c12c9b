"""Functions compiled to machine code by numba: once per installation, stored on disk, loaded afterwards.

Only modules that hold kernels import this one, and they are imported when they are first needed:
importing numba and its first use take some tenths of a second.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from hashlib import sha256
from pathlib import Path
from threading import Lock
from types import FunctionType, ModuleType
from typing import Any, TypeVar, cast

from numba import njit
from numba.core import event
from numba.core.caching import FunctionCache, NullCache
from numba.core.runtime.nrt import rtsys
from numba.core.typing.templates import Signature
from numba.extending import is_jitted

_log = logging.getLogger("asr")

Result = TypeVar("Result")
Function = TypeVar("Function", bound=Callable[..., Any])

_UNCOUNTED = {"_nrt": False}
"""Numba's option to compile without its counts of references."""

_PART: dict[str, Any] = {"nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True, **_UNCOUNTED}

_SEAL = sha256().digest_size


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
    modules, of numba and of the processor, and every file is replaced as a whole; a damaged one is
    compiled again. Where nothing can be stored, a warning is logged, and every process compiles.

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
    jitted = njit(**options)(function)
    if not is_jitted(jitted):  # NUMBA_DISABLE_JIT is set
        return cast(Callable[..., None], jitted)
    dispatcher = cast(Any, jitted)
    with event.install_listener("numba:compile", _Announcement(name)):
        try:
            dispatcher._cache = _Store(function)  # type: ignore[no-untyped-call]
            dispatcher.compile(signature)
        except (RuntimeError, OSError) as error:  # no folder that can be written, no space left
            _log.warning(
                "the compiled %s cannot be stored or loaded (%s); set NUMBA_CACHE_DIR to a writable folder",
                name,
                error,
            )
            dispatcher._cache = NullCache()
            dispatcher.compile(signature)  # does nothing if storing was all that failed
    dispatcher.disable_compile()
    return cast(Callable[..., None], dispatcher)


@dataclass(frozen=True, slots=True)
class Stored:
    """The code that is stored of a module's functions.

    Attributes:
        folder: Where.
        files: How many there are.
        damaged: Those that a crash cut short or a failing disk changed; they are compiled again.
    """

    folder: Path
    files: int
    damaged: tuple[Path, ...]


def stored(module: ModuleType) -> Stored:
    """Looks at the code that is stored of a module's functions, and loads none of it.

    Raises:
        RuntimeError: If nothing can be stored.
    """
    functions = (one for one in vars(module).values() if isinstance(one, FunctionType))
    function = next(one for one in functions if one.__code__.co_filename == module.__file__)
    folder = Path(_Store(function).cache_path)  # type: ignore[no-untyped-call]
    name = Path(str(module.__file__)).stem
    files = sorted(folder.glob(f"{name}.*.nb[ic]")) if folder.is_dir() else []
    return Stored(folder, len(files), tuple(file for file in files if not _is_sealed(file)))


def _named_after(function: Callable[..., None], parts: Sequence[ModuleType]) -> Callable[..., None]:
    """The same function under a name that changes with all that decides about its machine code.

    Stored code is found by the function's name.
    """
    paths = [__file__, function.__code__.co_filename, *(part.__file__ or "" for part in parts)]
    digest = sha256(b"".join(Path(path).read_bytes() for path in paths)).hexdigest()[:16]
    copy = FunctionType(function.__code__, function.__globals__, function.__name__)
    copy.__qualname__ = function.__qualname__ + digest
    return copy


class _Store(FunctionCache):
    """Where numba stores the code of one function: loaded in a third of the time, and only if it is whole.

    numba prepares to compile before it loads, which takes longer than all the rest, and imports scipy
    where that is installed. It unpickles files that a crash cut short or a failing disk changed, and would
    run what it finds in them. Here every file ends with the SHA-256 of what stands before.
    """

    def load_overload(self, signature: Signature, context: Any) -> Any:
        """The stored code; None if there is none, or a part of it is damaged."""
        rtsys.initialize(context)  # all of the preparations that running takes
        if not all(map(_is_sealed, self._files())):
            return None
        return self._load_overload(signature, context)  # type: ignore[no-untyped-call]

    def save_overload(self, signature: Signature, result: Any) -> None:
        """Stores code, in place of what is damaged."""
        for file in self._files():
            if not _is_sealed(file):
                file.unlink(missing_ok=True)
        super().save_overload(signature, result)  # type: ignore[no-untyped-call]
        for file in self._files():
            with suppress(FileNotFoundError):  # another process has just removed it, and writes its own
                _seal(file)

    def _files(self) -> list[Path]:
        return list(Path(self.cache_path).glob(f"{self._impl.filename_base}*.nb[ic]"))


def _is_sealed(file: Path) -> bool:
    try:
        content = file.read_bytes()
    except FileNotFoundError:  # another process has just removed it, too
        return False
    return sha256(content[:-_SEAL]).digest() == content[-_SEAL:]


def _seal(file: Path) -> None:
    """Adds the checksum, at which nobody else looks: numba ignores what follows."""
    content = file.read_bytes()
    sealed = file.with_name(f"{file.name}.tmp.{os.getpid()}")
    try:
        sealed.write_bytes(content + sha256(content).digest())
        sealed.replace(file)
    finally:
        sealed.unlink(missing_ok=True)


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
