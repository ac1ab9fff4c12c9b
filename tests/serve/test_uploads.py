"""Uploads that are too large, too long, too slow, or too many."""

from __future__ import annotations

import http.client
import json
import socket
from contextlib import suppress

import numpy as np
import pytest

from tests.helpers.recordings import encoded
from tests.serve.running import Server, wait_for

pytestmark = pytest.mark.usefixtures("free_again")


def upload(server: Server, content: bytes, **headers: str) -> tuple[int, dict, http.client.HTTPResponse]:
    body = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nrandom\r\n'
    body += (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        + content
        + b"\r\n--b--\r\n"
    )
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    given = {"Content-Type": "multipart/form-data; boundary=b"} | headers
    chunked = "Transfer-Encoding" in headers
    parts = (body[begin : begin + 65_536] for begin in range(0, len(body), 65_536)) if chunked else body
    with suppress(BrokenPipeError, ConnectionResetError):  # it did not want to hear the rest
        connection.request("POST", "/v1/audio/transcriptions", parts, given, encode_chunked=chunked)
    response = connection.getresponse()
    content = json.loads(response.read())
    connection.close()
    return response.status, content, response


def test_an_upload_over_the_limit_is_refused_however_it_is_sent(strict: Server) -> None:
    for headers in ({}, {"Transfer-Encoding": "chunked"}):
        status, content, _ = upload(strict, bytes(3 << 20), **headers)
        assert (status, content["error"]["code"]) == (413, "upload_too_large")


def test_a_recording_that_is_too_long_is_refused_though_its_file_is_small(strict: Server) -> None:
    status, content, _ = upload(strict, encoded(np.zeros(96_000, np.float32), kind="FLAC", subtype="PCM_16"))
    assert (status, content["error"]["code"]) == (413, "audio_too_long")
    assert "the recording is 6 s long, and 5 s are allowed" in content["error"]["message"]


def test_an_upload_that_stops_coming_is_given_up(strict: Server) -> None:
    with socket.create_connection(("127.0.0.1", strict.port), timeout=10) as raw:
        raw.sendall(
            b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 408 ")


def test_a_client_that_is_gone_before_its_upload_was_there_is_forgotten(strict: Server) -> None:
    with socket.create_connection(("127.0.0.1", strict.port), timeout=10) as raw:
        raw.sendall(
            b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
        )
        wait_for(lambda: strict.health()["uploads"] == 1)


def test_there_are_so_many_recordings_and_the_next_is_told_to_come_back(strict: Server) -> None:
    held = []
    for _ in range(2):
        raw = socket.create_connection(("127.0.0.1", strict.port), timeout=10)
        raw.sendall(
            b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        )
        held.append(raw)
    wait_for(lambda: strict.health()["uploads"] == 2)
    status, content, response = upload(strict, b"x")
    assert (status, content["error"]["code"], response.getheader("Retry-After")) == (503, "busy", "5")
    for raw in held:
        raw.close()
