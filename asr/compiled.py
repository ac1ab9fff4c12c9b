"""Functions compiled to machine code by numba: once per installation, stored on disk, loaded afterwards.

Only modules that hold kernels import this one, and they are imported when they are first needed:
importing numba and its first use take some tenths of a second.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from numba import njit
from numba.core import event
from numba.core.typing.templates import Signature

_log = logging.getLogger("asr")


def compiled(function: Callable[..., None], signature: Signature, name: str) -> Callable[..., None]:
    """Compiles a function for one signature, or loads what an earlier process compiled.

    The code is stored in `NUMBA_CACHE_DIR` where that is set, else beside the function's module, else,
    where that folder cannot be written, in the user's cache folder. It is stored per version of the
    module, of numba and of the processor, and every file is replaced as a whole. Where nothing can be
    stored, a warning is logged, and the function is compiled in every process.

    Args:
        function: What to compile, at the top level of its module. Like all it calls, it must stand in
            that module, whose contents decide whether stored code is still valid.
        signature: The types of its arguments.
        name: What to call it in log lines.
    """
    with event.install_listener("numba:compile", _Announcement(name)):
        try:
            return njit(signature, nogil=True, cache=True)(function)
        except (RuntimeError, OSError, EOFError) as error:  # no such folder, no space left, an empty file
            _log.warning(
                "the compiled %s cannot be stored or loaded (%s); set NUMBA_CACHE_DIR to a writable folder",
                name,
                error,
            )
            return njit(signature, nogil=True)(function)


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
