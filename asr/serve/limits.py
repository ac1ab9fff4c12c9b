"""How much the server takes on, and what it says when that is too much."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

RETRY_AFTER = 5
"""Seconds after which a client that was turned away may try again."""
TOO_LARGE, BUSY = 413, 503


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what clients may ask for.

    Attributes:
        upload_bytes: Size of an uploaded file, with what the form adds.
        upload_seconds: Length of an uploaded recording.
        uploads: Recordings under way at once; one is transcribed, the others arrive or wait.
        sessions: Live streams at once.
        session_seconds: Audio that one stream may bring.
        message_bytes: Size of a message on a socket.
        idle: Seconds for which a client may say nothing.
        stop: Seconds for what is under way when the server is told to stop.
    """

    upload_bytes: int = 128 << 20
    upload_seconds: float = 3600.0
    uploads: int = 8
    sessions: int = 200
    session_seconds: float = 8 * 3600.0
    message_bytes: int = 1 << 20
    idle: float = 60.0
    stop: float = 10.0


class Refused(Exception):
    """A request that is not served: what the client is told, and how.

    Attributes:
        message: What is wrong and what to do.
        status: Of HTTP.
        code: A word for programs.
        param: The field of the form that is to blame.
        headers: To send along.
    """

    def __init__(
        self, message: str, status: int = 400, *, code: str | None = None, param: str | None = None
    ) -> None:
        super().__init__(message)
        self.message, self.status, self.code, self.param = message, status, code, param
        self.headers = {"Retry-After": str(RETRY_AFTER)} if status == BUSY else {}


class Goodbye(Exception):
    """The end of a conversation on a socket.

    Attributes:
        code: Of the closing frame (RFC 6455, section 7.4, and the registry of IANA).
        reason: What the client is told.
    """

    DONE, STOPPING, UNREADABLE, LIMIT, DEFECT, BUSY = 1000, 1001, 1007, 1008, 1011, 1013

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Room:
    """Counts what is under way; turns away what does not fit, and everybody once it is closed.

    Args:
        what: What it counts, for messages.
        places: How many there may be.

    Attributes:
        taken: How many there are.
    """

    def __init__(self, what: str, places: int) -> None:
        self.taken = 0
        self._what, self._places = what, places
        self._empty = asyncio.Event()
        self._empty.set()
        self._closed = False

    @contextmanager
    def place(self) -> Iterator[None]:
        """Takes a place for as long as it lasts.

        Raises:
            Refused: With status 503, if there is none.
        """
        if self._closed:
            raise Refused("the server is stopping; try again later", BUSY, code="stopping")
        if self.taken >= self._places:
            message = f"{self.taken} {self._what} are under way; try again in {RETRY_AFTER} s"
            raise Refused(message, BUSY, code="busy")
        self.taken += 1
        self._empty.clear()
        try:
            yield
        finally:
            self.taken -= 1
            if not self.taken:
                self._empty.set()

    def close(self) -> None:
        """Turns everybody away from now on."""
        self._closed = True

    async def emptied(self) -> None:
        """Waits until nothing is under way."""
        await self._empty.wait()
