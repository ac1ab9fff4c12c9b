"""Told to stop, the server takes nothing new and finishes what is under way."""

from __future__ import annotations

import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import openai
import pytest
from websockets.exceptions import ConnectionClosed

from asr.recognize.recognizer import Recognizer
from tests.helpers.recordings import encoded
from tests.helpers.tones import chirp, noise
from tests.serve.running import Server, pcm, rounded, running, talk, wait_for

LIVE = 20


def gone(server: Server) -> int:
    return server.process.wait(20)


def test_an_idle_server_ends_at_once_with_ctrl_c(model: Path, tmp_path: Path) -> None:
    with running(model, tmp_path) as server:
        server.process.send_signal(signal.SIGINT)
        assert gone(server) == 0
        assert len(server.printed.splitlines()) == 1, server.printed


def test_under_load_everybody_hears_their_last_words(
    model: Path, recognizer: Recognizer, tmp_path: Path
) -> None:
    """Streams end with their final result and 1001, a recording with its transcript, then nobody is left."""
    sounds = [chirp(100 + 50 * number, 4_000, 1.0) for number in range(LIVE)]
    recording = noise(120)
    with running(model, tmp_path) as server, ThreadPoolExecutor(1) as pool, ExitStack() as stack:
        clients = [stack.enter_context(talk(server)) for _ in sounds]
        api = openai.OpenAI(base_url=f"{server.http}/v1", api_key="unused", max_retries=0)
        content = ("a.flac", encoded(recording, kind="FLAC"))
        upload = pool.submit(api.audio.transcriptions.create, file=content, model="random")
        for client, sound in zip(clients, sounds, strict=True):
            client.send('{"config": {"sample_rate": 16000}}')
            client.send(pcm(sound))
        wait_for(lambda: server.health()["uploads"] == 1)
        server.process.terminate()
        for client, sound in zip(clients, sounds, strict=True):
            assert "partial" in json.loads(client.recv(30))
            assert json.loads(client.recv(30))["text"] == recognizer.transcribe_samples(rounded(sound)).text
            with pytest.raises(ConnectionClosed) as caught:
                client.recv(30)
            assert caught.value.rcvd is not None
            assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1001, "the server is stopping")
        assert upload.result().text
        assert gone(server) == 0
        with pytest.raises(ConnectionRefusedError):
            talk(server).__enter__()


@pytest.mark.slow
def test_who_is_not_done_in_time_is_left_behind(model: Path, tmp_path: Path) -> None:
    with running(model, tmp_path, "--stop-after", 0.2) as server, ThreadPoolExecutor(1) as pool:
        api = openai.OpenAI(base_url=f"{server.http}/v1", api_key="unused", max_retries=0)
        content = ("a.flac", encoded(noise(1500), kind="FLAC"))
        upload = pool.submit(api.audio.transcriptions.create, file=content, model="random")
        wait_for(lambda: server.health()["uploads"] == 1)
        time.sleep(0.5)
        server.process.terminate()
        assert gone(server) == 1
        assert "note: stopped before 0 streams and 1 recordings were finished" in server.printed
        assert upload.exception() is not None
