"""The socket at ``/`` and ``/ws``: speech in, captions out; `asr.serve.vosk` has the messages.

A message is read only when the one before it is answered, so a client that sends faster than the server
computes finds its own network buffer full, and nothing grows here.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from asr.serve.limits import Goodbye, Refused
from asr.serve.patience import Patience
from asr.serve.service import Service
from asr.serve.storing import Tape
from asr.serve.stream import Caption, Stream
from asr.serve.vosk import Settings, partial, read_message, result
from asr.transcript import Segment

LAST_WORDS = 0.25
"""Seconds in which a client is still heard after the server was told to stop."""
_LONGEST_REASON = 123
router = APIRouter()


@router.websocket("/")
@router.websocket("/ws")
async def listen(socket: WebSocket) -> None:
    """Serves a client until it has said all, is gone, or must go."""
    service: Service = socket.app.state.service
    await socket.accept()
    try:
        with service.sessions.place(), service.metrics.under_way.labels("live").track_inprogress():
            service.metrics.started.labels("live").inc()
            await Conversation(socket, service).run()
    except WebSocketDisconnect:
        service.metrics.errors.labels("client_gone").inc()
    except Refused as error:
        await _close(socket, service, Goodbye(Goodbye.BUSY, error.message))
    except Goodbye as goodbye:
        await _close(socket, service, goodbye)
    else:
        await _close(socket, service, Goodbye(Goodbye.DONE, ""))


async def _close(socket: WebSocket, service: Service, goodbye: Goodbye) -> None:
    if goodbye.code not in (Goodbye.DONE, Goodbye.STOPPING):
        service.metrics.errors.labels(f"closed_{goodbye.code}").inc()
    reason = goodbye.reason.encode()[:_LONGEST_REASON].decode(errors="ignore")
    with suppress(WebSocketDisconnect, TimeoutError):  # nobody is there to hear it
        async with asyncio.timeout(service.limits.idle):
            await socket.close(goodbye.code, reason)


class Conversation:
    """What one client says, and what it is told."""

    def __init__(self, socket: WebSocket, service: Service) -> None:
        self._socket, self._service = socket, service
        self._settings = Settings()
        self._stream: Stream | None = None
        self._tape: Tape | None = None
        self._seconds = 0.0
        self._odd = b""
        self._hearing, self._telling = Patience(), Patience()
        self._end: float | None = None

    async def run(self) -> None:
        """Listens until the client has said all.

        Raises:
            WebSocketDisconnect: If the client is gone before.
            Goodbye: If it must go.
        """
        if self._service.captions is None:
            raise Goodbye(Goodbye.LIMIT, self._service.silence)
        self._service.wake.add(self._wake)
        try:
            await self._listen()
        finally:
            self._service.wake.discard(self._wake)
            self._hearing.close()
            self._telling.close()
            if self._tape is not None:
                self._tape.close()

    async def _listen(self) -> None:
        while (message := await self._receive()) is not None:
            begin = time.perf_counter()
            if (text := message.get("text")) is not None:
                said = read_message(text, self._settings)
                if isinstance(said, Settings):
                    self._configure(said)
                    continue
                await self._finish()
                if said.all:
                    return
            else:
                await self._hear(message["bytes"])
                self._service.metrics.latency.observe(time.perf_counter() - begin)
        await self._finish()
        raise Goodbye(Goodbye.STOPPING, "the server is stopping")

    async def _receive(self) -> dict[str, Any] | None:
        """The next message; None when the server stops."""
        wait = self._service.limits.idle if self._end is None else self._end - time.monotonic()
        try:
            message = await self._hearing.wait(self._socket.receive(), wait)
        except TimeoutError:
            if self._end is not None:
                return None
            await self._finish()
            raise Goodbye(Goodbye.LIMIT, f"nothing was said for {wait:g} s") from None
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"])
        return dict(message)

    def _wake(self) -> None:
        self._end = time.monotonic() + LAST_WORDS
        self._hearing.lasts(LAST_WORDS)

    def _configure(self, settings: Settings) -> None:
        if self._stream is not None:
            before = self._settings
            if (settings.sample_rate, settings.phrases) != (before.sample_rate, before.phrases):
                raise Goodbye(Goodbye.UNREADABLE, "sample_rate and phrase_list cannot change before a reset")
        self._settings = settings

    async def _hear(self, message: bytes) -> None:
        """Hears PCM and answers; a byte without its other half waits for it."""
        captions, limits = self._service.captions, self._service.limits
        assert captions is not None
        stream = self._stream or await self._begin()
        data = self._odd + message
        even = len(data) // 2 * 2
        self._odd = data[even:]
        if self._tape is not None:
            self._tape.write(data[:even])
        caption = await captions.push(stream, data[:even])
        self._seconds += even / 2 / stream.sample_rate
        if self._seconds > limits.session_seconds:
            await self._finish(caption.ended)
            raise Goodbye(Goodbye.LIMIT, f"a stream may last {limits.session_seconds:g} s; open another one")
        await self._answer(caption)

    async def _begin(self) -> Stream:
        captions, settings = self._service.captions, self._settings
        assert captions is not None
        chosen = await self._service.phrases.recognizer(settings.phrases) if settings.phrases else None
        self._stream, self._odd = captions.start(settings.sample_rate, chosen), b""
        if self._service.store is not None:
            self._tape = Tape(self._service.store, settings.sample_rate)
        return self._stream

    async def _answer(self, caption: Caption) -> None:
        if caption.ended:
            await self._send(result(caption.ended, self._settings))
        else:
            await self._send(partial(caption.stable, caption.tail, self._settings))

    async def _finish(self, untold: tuple[Segment, ...] = ()) -> None:
        """Ends the sentence, and tells what was not told yet."""
        rest = untold
        if self._stream is not None:
            captions = self._service.captions
            assert captions is not None
            stream, self._stream = self._stream, None
            rest += (await captions.finish(stream)).ended
            if self._tape is not None:
                self._tape.close()
                self._tape = None
        await self._send(result(rest, self._settings))

    async def _send(self, text: str) -> None:
        try:
            await self._telling.wait(self._socket.send_text(text), self._service.limits.idle)
        except TimeoutError:  # it does not read what it is told
            raise WebSocketDisconnect(1006) from None
