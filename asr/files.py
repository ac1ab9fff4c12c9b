"""Files that are never half written: everything is written aside, then renamed."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from asr.errors import RunError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_atomically(path: Path, content: bytes | str) -> None:
    """Writes `content` beside `path` and renames it, so that readers see the old file or the new one.

    Args:
        path: The file; its folder is made where missing.
        content: Bytes, or text written as UTF-8.

    Raises:
        RunError: If it cannot be written (disk full, no permission); what was there stays.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with writing(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with aside.open("wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                aside.unlink()
            raise


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Around the writing of a file; raises RunError where it fails (disk full, no permission)."""
    try:
        yield
    except OSError as error:
        remedy = "free some space" if error.errno in _FULL else "choose another place"
        raise RunError(f"{path}: cannot be written: {error.strerror or error}; {remedy}") from None
