"""Files that are never half written: everything is written aside, then renamed."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from functools import cache
from itertools import count
from pathlib import Path
from platform import node

from asr.errors import RunError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_ASIDE = re.compile(r"\.asr-(.*)-([0-9]{1,9})-[0-9]+\.tmp")  # machine and process that write it
_numbers = count()


def write_atomically(path: Path, content: bytes | str) -> None:
    """Writes `content` beside `path` and renames it, so that readers see the old file or the new one.

    What processes of this machine left in the folder when they were killed is removed.

    Args:
        path: The file; its folder is made where missing.
        content: Bytes, or text written as UTF-8.

    Raises:
        RunError: If it cannot be written (disk full, no permission); what was there stays.
    """
    aside = path.with_name(f".asr-{node()}-{os.getpid()}-{next(_numbers)}.tmp")
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
    _remove_leftovers(path.parent)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Around the writing of a file; raises RunError where it fails (disk full, no permission)."""
    try:
        yield
    except OSError as error:
        remedy = "free some space" if error.errno in _FULL else "choose another place"
        raise RunError(f"{path}: cannot be written: {error.strerror or error}; {remedy}") from None


@cache  # once for each folder: listing a large one takes longer than writing a file
def _remove_leftovers(folder: Path) -> None:
    with contextlib.suppress(OSError):  # the file is written; this is not worth failing for
        for file in folder.iterdir():
            aside = _ASIDE.fullmatch(file.name)
            if aside and aside[1] == node() and not _running(int(aside[2])):
                file.unlink()


def _running(process: int) -> bool:
    """Whether this machine has such a process, as far as one may ask."""
    if os.name != "posix":
        return True  # elsewhere, to ask is to end it
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True
