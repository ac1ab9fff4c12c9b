"""One run folder, one process: two that write the same checkpoints would ruin both runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from asr.errors import RunError
from asr.files import writing


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """Holds a run folder, which is made where missing; the system lets go of it when the process ends.

    Args:
        run: The run folder.

    Raises:
        RunError: If another process holds it, or it cannot be written.
    """
    lock = FileLock(run / ".lock")
    with writing(run):
        run.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise RunError(
                f"{run}: another process is training there; wait for it, or choose another --out"
            ) from None
    try:
        yield
    finally:
        lock.release()
