"""Running the server: listening, TLS, signals, and an end at which nobody loses their last words."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn

from asr.errors import RunError
from asr.progress import say
from asr.serve.app import create_app
from asr.serve.security import Access
from asr.serve.service import Service

FILES = 65_536
"""Open files that the server asks the system for; every connection is one."""
TURN = 0.0001
"""Seconds for which one thread runs Python while another one waits to. Every message that is read or answered
waits for a few turns of the threads that compute; Python's own 5 ms would keep clients waiting.
"""
_log = logging.getLogger("asr")


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen.

    Attributes:
        host: Name or address.
        port: 0 takes any that is free.
        cert, key: Files of a TLS certificate (PEM) and its key, which may be in the same file.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    cert: Path | None = None
    key: Path | None = None


def serve(service: Service, address: Address, access: Access, listener: socket.socket) -> bool:
    """Serves until the process is told to stop (SIGTERM, SIGINT).

    Returns:
        Whether all that was under way could be finished in time.
    """
    _raise_file_limit()
    sys.setswitchinterval(TURN)
    return asyncio.run(_serve(service, address, access, listener))


async def _serve(service: Service, address: Address, access: Access, listener: socket.socket) -> bool:
    server = uvicorn.Server(_config(service, address, access))
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    logging.getLogger("uvicorn.error").addFilter(_is_ours_to_mend)

    def stop(number: int, frame: FrameType | None) -> None:
        server.force_exit = told.is_set()  # who asks twice does not want to wait
        server.should_exit = server.should_exit or told.is_set()
        loop.call_soon_threadsafe(told.set)

    setattr(server, "handle_exit", stop)  # noqa: B010 — else uvicorn would close sockets at once
    serving = asyncio.create_task(server.serve([listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    scheme = "http" if address.cert is None else "https"
    host, port = listener.getsockname()[:2]
    say(f"listening on {scheme}://{f'[{host}]' if ':' in host else host}:{port}/ (Ctrl-C stops)")
    await asyncio.wait([serving, asyncio.create_task(told.wait())], return_when=asyncio.FIRST_COMPLETED)
    for accepting in server.servers:
        accepting.close()
    finished = await _drain(service)
    server.should_exit = True
    await serving
    service.close()
    return finished


def _is_ours_to_mend(record: logging.LogRecord) -> bool:
    """Whether a message is about the server; clients are told themselves that their text is no UTF-8."""
    return "Invalid UTF-8" not in record.getMessage()


async def _drain(service: Service) -> bool:
    """Lets those who are served finish, for as long as the limits say."""
    service.stop()
    try:
        async with asyncio.timeout(service.limits.stop):
            await service.emptied()
    except TimeoutError:
        streams, recordings = service.sessions.taken, service.uploads.taken
        _log.warning("stopped before %d streams and %d recordings were finished", streams, recordings)
        service.abandon()
        return False
    return True


def _config(service: Service, address: Address, access: Access) -> uvicorn.Config:
    limits = service.limits
    return uvicorn.Config(
        create_app(service, access),
        ws="websockets-sansio",
        ws_max_size=limits.message_bytes,
        ws_per_message_deflate=False,  # PCM does not shrink, and a small message could become a large one
        ws_ping_interval=min(20.0, limits.idle),
        ws_ping_timeout=max(20.0, limits.idle),
        ssl_certfile=address.cert,
        ssl_keyfile=address.key,
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        access_log=False,  # it would tell tokens
        log_config=None,
        log_level=logging.WARNING,
        timeout_graceful_shutdown=1,
    )


def _check_certificate(cert: Path, key: Path | None) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password="")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        files = f"{cert}" if key is None else f"{cert}, {key}"
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise RunError(f"{files}: no TLS certificate with its key ({reason}); name PEM files") from None


def listen(address: Address) -> socket.socket:
    """Takes the address, before a model is loaded in vain; who connects waits.

    Raises:
        RunError: If it cannot listen there, or the certificate cannot be used.
    """
    if address.cert is not None:
        _check_certificate(address.cert, address.key)
    try:
        family, _, _, _, place = socket.getaddrinfo(
            address.host.strip("[]"), address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(place[:2], family=family, backlog=2048)
    except (OSError, UnicodeError) as error:
        number = error.errno if isinstance(error, OSError) else None
        reason = os.strerror(number) if number and number > 0 else "there is no such name"
        raise RunError(
            f"{address.host}:{address.port}: cannot listen there ({reason}); choose another"
        ) from None


def _raise_file_limit() -> None:
    if sys.platform != "win32":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
