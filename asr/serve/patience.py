"""How long the server waits for a client: as `asyncio.timeout`, with one timer for thousands of waits."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Found = TypeVar("Found")


class Patience:
    """Bounds the waits of one task, one after the other.

    A timer that is set and taken back for every message costs more than reading the message. So this one is
    left as it is where a wait ends in time, and looks when it is due whether anybody waits too long.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[Any] | None = None
        self._until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._lost = False

    async def wait(self, waiting: Coroutine[Any, Any, Found], seconds: float) -> Found:
        """Waits for so many seconds.

        Raises:
            TimeoutError: If it is not done by then; it is cancelled.
        """
        task = self._task = asyncio.current_task()
        assert task is not None
        self.lasts(seconds)
        try:
            return await waiting
        except asyncio.CancelledError:
            if self._lost and task.uncancel() == 0:
                raise TimeoutError from None
            raise  # somebody else wants the task to end
        finally:
            self._task, self._lost = None, False

    def lasts(self, seconds: float) -> None:
        """Lets the wait under way, if there is one, end so many seconds from now."""
        self._until = self._loop.time() + seconds
        if self._timer is None or self._until < self._due:
            self.close()
            self._due = self._until
            self._timer = self._loop.call_at(self._due, self._look)

    def close(self) -> None:
        """Waits no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._task is None:
            return
        if self._loop.time() < self._until:
            self._due = self._until
            self._timer = self._loop.call_at(self._due, self._look)
        else:
            self._lost = True
            self._task.cancel()
