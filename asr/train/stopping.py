"""Ctrl-C ends a run after the step at hand, so that nothing is lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from asr.errors import RunError


class Interrupted(RunError):
    """Training was asked to stop, wrote a checkpoint, and did."""

    status = 130


@contextmanager
def stop_signal() -> Iterator[threading.Event]:
    """Ctrl-C and SIGTERM set the event, so that the step at hand ends first; a second one ends at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, ask) for number in signals]
    try:
        yield stop
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
