"""Single keys of a terminal, without waiting for the end of a line; or lines of a pipe in their place."""

from __future__ import annotations

import os
import queue
import sys
import threading
from types import TracebackType
from typing import Any

ENTER, END = "\n", "q"


class Keys:
    """The keys that are pressed while it is entered. Standard input is read in the background.

    On a terminal, keys come at once and are not shown, and the terminal is left as it was found. Where
    standard input is no terminal, or the system has no such terminals, the first character of each line
    counts. When input ends, that is as if `END` were pressed.
    """

    def __init__(self) -> None:
        self._pressed: queue.Queue[str] = queue.Queue()
        self._before: list[Any] | None = None

    def __enter__(self) -> Keys:
        """Begins to read."""
        single = self._single_keys()
        threading.Thread(target=self._read, args=(single,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leaves the terminal as it was found."""
        if self._before is not None:
            import termios

            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._before)

    def pressed(self, seconds: float | None = None) -> str:
        """The next key, in lower case; "" where none is pressed for so many seconds (None: wait for one)."""
        try:
            return self._pressed.get(timeout=seconds)
        except queue.Empty:
            return ""

    def _single_keys(self) -> bool:
        """Lets the terminal hand over each key at once, if it is one."""
        if not sys.stdin.isatty():
            return False
        try:
            import termios
            import tty
        except ImportError:  # no such terminals
            return False
        self._before = termios.tcgetattr(sys.stdin.fileno())
        tty.setcbreak(sys.stdin.fileno())
        return True

    def _read(self, single: bool) -> None:
        while True:
            if single:
                read = os.read(sys.stdin.fileno(), 1).decode("ascii", "ignore")
            else:
                read = sys.stdin.readline()[:1]
            if not read and not single:
                self._pressed.put(END)
                return
            if read:
                self._pressed.put(ENTER if read in "\r\n" else read.lower())
