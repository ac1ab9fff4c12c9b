"""Recordings sent as OpenAI's clients send them."""

from __future__ import annotations

import http.client
import json
from pathlib import Path

import openai
import pytest

from asr.recognize.formats import to_srt, to_text, to_vtt
from asr.recognize.recognizer import Recognizer
from asr.transcript import Transcript
from tests.helpers.console import asr_here
from tests.helpers.recordings import encoded
from tests.helpers.tones import chirp
from tests.serve.running import Server

RECORDING = encoded(chirp(100, 5_000, 2, 22_050), 22_050, kind="FLAC", subtype="PCM_16")


@pytest.fixture(scope="module")
def client(server: Server) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.http}/v1", api_key="unused", max_retries=0)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recordings") / "a.flac"
    path.write_bytes(RECORDING)
    return path


@pytest.fixture(scope="module")
def transcript(recognizer: Recognizer, recording: Path) -> Transcript:
    transcript = recognizer.transcribe(recording)
    assert len(transcript.words) > 1
    return transcript


def test_json_is_the_default_and_says_what_transcribe_says(
    client: openai.OpenAI, recording: Path, model: Path
) -> None:
    with recording.open("rb") as file:
        found = client.audio.transcriptions.create(file=file, model="whisper-1")
    assert f"{found.text}\n" == asr_here("transcribe", recording, "--model", model).out
    assert found.text


@pytest.mark.parametrize(("name", "write"), [("text", to_text), ("srt", to_srt), ("vtt", to_vtt)])
def test_texts_and_subtitles(
    client: openai.OpenAI, recording: Path, transcript: Transcript, name: str, write
) -> None:
    found = client.audio.transcriptions.create(file=recording, model="random", response_format=name)
    assert found == write(transcript, "")


@pytest.mark.parametrize(
    ("wanted", "keys"),
    [
        (None, {"segments"}),
        (["segment"], {"segments"}),
        (["word"], {"words"}),
        (["word", "segment"], {"words", "segments"}),
    ],
)
def test_verbose_json_has_the_times_that_were_asked_for(
    client: openai.OpenAI, recording: Path, transcript: Transcript, wanted: list[str] | None, keys: set[str]
) -> None:
    found = client.audio.transcriptions.create(
        file=recording,
        model="random",
        response_format="verbose_json",
        language="de",
        temperature=0.7,
        prompt="changes nothing",
        timestamp_granularities=openai.NOT_GIVEN if wanted is None else wanted,
    )
    assert {name for name in ("words", "segments") if getattr(found, name, None) is not None} == keys
    assert (found.text, found.language, float(found.duration)) == (transcript.text, "de", 2.0)
    if "words" in keys:
        expected = [(word.text, round(word.start, 3), round(word.end, 3)) for word in transcript.words]
        assert [(word.word, word.start, word.end) for word in found.words] == expected
        assert [word.probability for word in found.words] == [
            round(w.confidence, 4) for w in transcript.words
        ]
    if "segments" in keys:
        (segment,), (expected,) = found.segments, transcript.segments
        assert (segment.id, segment.text, segment.start) == (0, expected.text, round(expected.start, 3))
        assert segment.avg_logprob < 0


def test_models_are_listed_and_described(client: openai.OpenAI) -> None:
    assert [one.id for one in client.models.list()] == ["random"]
    assert client.models.retrieve("random").owned_by == "asr"
    with pytest.raises(openai.NotFoundError, match="'other' does not exist"):
        client.models.retrieve("other")


@pytest.mark.parametrize(
    ("given", "status", "param", "message"),
    [
        ({"model": "gpt-4o-transcribe"}, 404, "model", "does not exist; GET /v1/models lists"),
        ({"response_format": "docx"}, 400, "response_format", "known: json, text, srt, verbose_json, vtt"),
        (
            {"timestamp_granularities": ["word"]},
            400,
            "timestamp_granularities",
            "needs response_format verbose",
        ),
        ({"timestamp_granularities": ["letter"]}, 400, "timestamp_granularities", "known: word, segment"),
        ({"temperature": 7}, 400, "temperature", "0 … 1"),
        ({"stream": True}, 400, "stream", "use the socket at /ws"),
        ({"include": ["logprobs"]}, 400, "include[]", "unknown parameter"),
        ({"file": b""}, 400, "file", "upload: empty file (0 bytes)"),
        ({"file": RECORDING[:40]}, 400, "file", "upload: damaged"),
        ({"file": b"To be, or not to be" * 99}, 400, "file", "upload: not audio"),
    ],
)
def test_what_cannot_be_done_is_an_error_as_openai_tells_it(
    client: openai.OpenAI, given: dict, status: int, param: str, message: str
) -> None:
    arguments = {"file": ("a.flac", RECORDING), "model": "random"} | given
    if "file" in given:
        arguments["file"] = ("a.flac", given["file"])
    with pytest.raises(openai.APIStatusError) as caught:
        client.audio.transcriptions.create(**arguments)
    error = caught.value
    assert (error.status_code, error.param, error.type) == (status, param, "invalid_request_error")
    assert message in error.body["message"]


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "a.raw", "/dev/zero", "x" * 3000, "a\nb.wav", '"; rm -rf ~ #.wav', "\udcff.wav"],
)
def test_the_name_of_a_file_means_nothing(client: openai.OpenAI, transcript: Transcript, name: str) -> None:
    name = name.encode("utf-8", "replace").decode()
    found = client.audio.transcriptions.create(file=(name, RECORDING), model="random")
    assert found.text == transcript.text


def test_a_form_without_file_or_model_is_told_which(server: Server) -> None:
    for boundary_body, param in (
        (b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nrandom\r\n--b--\r\n', "file"),
        (b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n--b--\r\n', "model"),
        (b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--b--\r\n', "file"),
        (b"--b\r\nnonsense", "file"),
    ):
        status, content = post(server, boundary_body, "multipart/form-data; boundary=b")
        assert status == 400
        assert content["error"]["param"] == param
    assert post(server, b"{}", "application/json")[0] == 415
    assert post(server, b"x", "multipart/form-data")[0] == 400


def post(server: Server, body: bytes, media_type: str) -> tuple[int, dict]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("POST", "/v1/audio/transcriptions", body, {"Content-Type": media_type})
    response = connection.getresponse()
    content = json.loads(response.read())
    connection.close()
    return response.status, content
