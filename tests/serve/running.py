"""``asr serve`` in a process of its own, and what its clients say."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import numpy as np
from numpy.typing import NDArray
from websockets.sync.client import ClientConnection, connect

LONGEST_START = 120.0
CHUNK = 0.2
"""Seconds that a client of Vosk sends at once."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its process, where it listens, and the file with what it printed."""

    process: subprocess.Popen[bytes]
    address: str
    log: Path

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    @property
    def http(self) -> str:
        return self.address

    @property
    def socket(self) -> str:
        return self.address.replace("http", "ws", 1)

    @property
    def printed(self) -> str:
        return self.log.read_text()

    def get(self, path: str, headers: dict[str, str] | None = None) -> bytes:
        opener = build_opener(ProxyHandler({}))
        with opener.open(Request(self.http + path, headers=headers or {}), timeout=30) as response:
            return response.read()

    def health(self) -> dict[str, Any]:
        return json.loads(self.get("/health"))

    def metric(self, name: str) -> float:
        """A counter, all of its labels together; 0 if it never moved."""
        lines = [line for line in self.get("/metrics").decode().splitlines() if line.startswith(name)]
        return sum(float(line.rpartition(" ")[2]) for line in lines)


@contextmanager
def running(model: Path, folder: Path, *options: object, **variables: str) -> Iterator[Server]:
    """Starts a server on a free port, and ends it."""
    log = folder / f"server-{time.monotonic_ns()}.log"
    command = [sys.executable, "-m", "asr", "serve", "--model", model, "--port", 0, *options]
    environment = {name: value for name, value in os.environ.items() if name != "ASR_TOKEN"}
    with log.open("wb") as printed:
        process = subprocess.Popen(list(map(str, command)), stderr=printed, env=environment | variables)
    try:
        yield Server(process, _address(process, log), log)
    finally:
        process.terminate()
        try:
            process.wait(30)
        finally:
            process.kill()
    assert "Traceback" not in log.read_text(), log.read_text()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    end = time.monotonic() + LONGEST_START
    while time.monotonic() < end and process.poll() is None:
        for line in log.read_text().splitlines():
            if line.startswith("listening on "):
                return line.split()[2].rstrip("/")
        time.sleep(0.05)
    raise AssertionError(f"the server did not start: {log.read_text()}")


def talk(server: Server, path: str = "/ws", **options: Any) -> ClientConnection:
    """Opens a socket."""
    return connect(server.socket + path, proxy=None, **options)


def pcm(samples: NDArray[np.float32]) -> bytes:
    """16-bit PCM of samples in -1 … 1."""
    return np.round(np.clip(samples, -1, 32767 / 32768) * 32768).astype("<i2").tobytes()


def rounded(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """What is left of samples that were sent as 16-bit PCM."""
    return np.frombuffer(pcm(samples), "<i2").astype(np.float32) / np.float32(32768)


def say(
    client: ClientConnection, audio: bytes, rate: int, chunk: float = CHUNK, **config: object
) -> list[dict[str, Any]]:
    """Says all as Vosk's example client does, message after message; returns the answers, the last to eof."""
    client.send(json.dumps({"config": {"sample_rate": rate, **config}}))
    answers = []
    size = 2 * round(chunk * rate)
    for begin in range(0, len(audio), size):
        client.send(audio[begin : begin + size])
        answers.append(json.loads(client.recv(30)))
    client.send('{"eof" : 1}')
    answers.append(json.loads(client.recv(30)))
    return answers


def final(answers: Sequence[dict[str, Any]]) -> str:
    """The whole text."""
    return " ".join(answer["text"] for answer in answers if answer.get("text"))


def wait_for(condition: Any, seconds: float = 10.0) -> None:
    """Waits until something is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def raw_socket(server: Server) -> socket.socket:
    """A connection that has become a WebSocket, to say on it what no library would."""
    raw = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    raw.sendall(
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += raw.recv(1)
    assert answer.startswith(b"HTTP/1.1 101 ")
    return raw


def until(raw: socket.socket, part: bytes) -> None:
    """Reads until something was said; in between there may be pings."""
    said = b""
    while part not in said:
        more = raw.recv(1000)
        assert more, said
        said += more


def frame(content: bytes, opcode: int = 2) -> bytes:
    """A frame as clients send them, masked with zeros; binary by default."""
    return struct.pack("!BBQI", 0x80 | opcode, 0xFF, len(content), 0) + content
