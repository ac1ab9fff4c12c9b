"""Live clients of a server: each sends a piece of speech every 100 ms, and notes when its caption comes.

They run in one process of their own. A client sends by the clock, whether it was answered or not, as people
do not wait with speaking until they are understood; so where the server is too slow, its answers come later
and later.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from benchmarks.streams.material import Samples

PIECE = 0.1
"""Seconds of speech in a message."""
PHASES = 1.0
"""Seconds in which the clients begin, at random; were it one piece, blocks of all would be full at once."""
SETTLING = 2.0
"""Seconds at the beginning that do not count."""
LAST_ANSWERS = 5.0
"""Seconds for which the answers that are missing at the end are waited for."""


@dataclass(frozen=True, slots=True)
class Live:
    """What a number of clients found.

    Attributes:
        answers: Seconds from sending a piece to its caption, of all pieces that count.
        late: Seconds by which they were sent after their time, which is the fault of this process.
        missing: Pieces that were not answered.
        refused: Clients that were closed before their end.
    """

    answers: tuple[float, ...]
    late: tuple[float, ...]
    missing: int
    refused: int


class Client:
    """One client: sends pieces, and notes when the answer to each comes."""

    def __init__(self, pieces: Sequence[bytes], start: float, seconds: float) -> None:
        self._pieces, self._start = pieces, start
        self._count = round(seconds / PIECE)
        self._waiting: deque[tuple[float, bool]] = deque()
        self.answers: list[float] = []
        self.late: list[float] = []
        self.refused = False

    async def run(self, address: str, sample_rate: int) -> None:
        """Speaks to the server until it has said all."""
        async with connect(address, compression=None, open_timeout=60, proxy=None) as socket:
            await socket.send(json.dumps({"config": {"sample_rate": sample_rate}}))
            listening = asyncio.create_task(self._listen(socket))
            try:
                await self._speak(socket)
                async with asyncio.timeout(LAST_ANSWERS):
                    while self._waiting and not listening.done():
                        await asyncio.sleep(PIECE)
            except TimeoutError:
                pass
            except ConnectionClosed:
                self.refused = True
            listening.cancel()

    @property
    def missing(self) -> int:
        """Pieces that were not answered."""
        return len(self._waiting)

    async def _speak(self, socket: ClientConnection) -> None:
        for number in range(self._count):
            due = self._start + number * PIECE
            await asyncio.sleep(due - time.perf_counter())
            now = time.perf_counter()
            counts = number * PIECE >= SETTLING
            if counts:
                self.late.append(now - due)
            self._waiting.append((now, counts))
            await socket.send(self._pieces[number % len(self._pieces)])

    async def _listen(self, socket: ClientConnection) -> None:
        try:
            async for _ in socket:
                sent, counts = self._waiting.popleft()
                if counts:
                    self.answers.append(time.perf_counter() - sent)
        except ConnectionClosed:
            self.refused = True


def speak(address: str, speech: Samples, sample_rate: int, count: int, seconds: float) -> Live:
    """Lets so many clients speak for so many seconds, each from another place in the speech on.

    Args:
        address: Of the socket, ``ws://…``.
        speech: Samples (n,).
        sample_rate: Hz.
        count: Clients.
        seconds: How long each speaks, `SETTLING` included.
    """
    size = round(PIECE * sample_rate)
    pcm = (np.clip(speech, -1, 1) * 32767).astype("<i2")
    pieces = [pcm[first : first + size].tobytes() for first in range(0, len(pcm) - size + 1, size)]
    return asyncio.run(_speak(address, pieces, sample_rate, (count, seconds)))


async def _speak(address: str, pieces: Sequence[bytes], sample_rate: int, plan: tuple[int, float]) -> Live:
    count, seconds = plan
    begin = time.perf_counter() + 1 + count * 0.01  # by then all are connected
    phases = np.random.default_rng(0).uniform(0, PHASES, count)
    clients = []
    for number, phase in enumerate(phases):
        place = number * len(pieces) // count
        mine = [*pieces[place:], *pieces[:place]]
        clients.append(Client(mine, begin + phase, seconds))
    await asyncio.gather(*(client.run(address, sample_rate) for client in clients))
    return Live(
        answers=tuple(value for client in clients for value in client.answers),
        late=tuple(value for client in clients for value in client.late),
        missing=sum(client.missing for client in clients),
        refused=sum(client.refused for client in clients),
    )
