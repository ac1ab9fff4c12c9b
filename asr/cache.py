"""What takes long to make of a file, and follows from it alone: made once, and kept in a cache folder.

The folder is `ASR_CACHE_DIR` where that is set, else the user's for caches. Nothing is lost with it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from asr.errors import AsrError, RunError

MOST = 12
"""Files that are kept; those that were not used for longest go first."""

Made = TypeVar("Made")

_log = logging.getLogger("asr")


def cache_folder() -> Path:
    """Where things are kept; it need not be there."""
    if named := os.environ.get("ASR_CACHE_DIR"):
        return Path(named)
    from platformdirs import user_cache_path

    return user_cache_path("asr", appauthor=False)


def kept(
    origin: str,
    makers: Sequence[ModuleType],
    *,
    suffix: str,
    load: Callable[[Path], Made],
    make: Callable[[], Made],
    save: Callable[[Made, Path], None],
) -> Made:
    """What an earlier process made and kept, else made now, and kept where the folder can be written.

    Args:
        origin: Differs where what it is made of does, such as a hash.
        makers: The modules that make it; where their code changes, it is made anew.
        suffix: Ending of the names of such files.
        load: Reads one. Whatever it refuses, by an AsrError, is made and written again.
        make: Makes it.
        save: Writes it. RunError means that nothing can be kept.
    """
    code = b"".join(Path(str(module.__file__)).read_bytes() for module in makers)
    path = cache_folder() / f"{sha256(code + origin.encode()).hexdigest()[:32]}{suffix}"
    with suppress(AsrError):
        found = load(path)
        with suppress(OSError):
            os.utime(path)
        return found
    made = make()
    try:
        save(made, path)
        _forget(path.parent, suffix)
    except RunError as error:
        _log.debug("nothing is kept for the next start: %s", error)
    return made


def _forget(folder: Path, suffix: str) -> None:
    """Removes what was not used for longest."""
    with suppress(OSError):
        files = sorted(folder.glob(f"*{suffix}"), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in files[MOST:]:
            file.unlink(missing_ok=True)
