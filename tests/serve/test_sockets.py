"""Live captions on a socket, as Vosk's clients ask for them."""

from __future__ import annotations

import json
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

from asr.recognize.recognizer import Recognizer
from asr.recognize.streaming import StreamingRecognizer
from asr.transcript import Transcript
from tests.helpers.bundles import random_bundle
from tests.helpers.tones import chirp, noise
from tests.serve.running import Server, final, pcm, running, say, talk


def heard(recognizer: Recognizer, audio: bytes, rate: int) -> Transcript:
    """What a stream of these samples gives, pushed at once."""
    session = StreamingRecognizer(recognizer).start(rate)
    session.push(np.frombuffer(audio, "<i2").astype(np.float32) / np.float32(32768))
    return session.finish()


def sound(seed: int, seconds: float = 1.5, rate: int = 16_000) -> bytes:
    return pcm(chirp(100 + 37 * seed, 3_500, seconds, rate) + noise(seconds, rate, seed=seed, amplitude=0.05))


@pytest.mark.parametrize(("path", "rate"), [("/", 16_000), ("/ws", 8_000), ("/ws", 44_100), ("/", 48_000)])
def test_every_message_is_answered_and_the_last_has_the_words(
    server: Server, recognizer: Recognizer, path: str, rate: int
) -> None:
    audio = sound(1, rate=rate)
    with talk(server, path) as client:
        answers = say(client, audio, rate)
        with pytest.raises(ConnectionClosedOK):
            client.recv(10)
    expected = heard(recognizer, audio, rate)
    assert all("partial" in answer or "text" in answer for answer in answers)
    assert answers[-2]["partial"]
    assert final(answers) == expected.text
    words = [word for answer in answers for word in answer.get("result", ())]
    assert [(w["word"], w["start"], w["end"], w["conf"]) for w in words] == [
        (w.text, round(w.start, 6), round(w.end, 6), round(w.confidence, 6)) for w in expected.words
    ]


def test_a_stream_says_what_the_recording_says(server: Server, recognizer: Recognizer) -> None:
    audio = sound(2)
    with talk(server) as client:
        text = final(say(client, audio, 16_000, chunk=0.0371))
    samples = np.frombuffer(audio, "<i2").astype(np.float32) / np.float32(32768)
    assert text == recognizer.transcribe_samples(samples).text != ""


def test_bytes_may_be_cut_anywhere_even_within_a_sample(server: Server, recognizer: Recognizer) -> None:
    audio = sound(3)
    with talk(server) as client:
        client.send('{"config": {"sample_rate": 16000}}')
        for begin in range(0, len(audio), 3333):
            client.send(audio[begin : begin + 3333])
            client.recv(10)
        client.send(b"")
        client.recv(10)
        client.send('{"eof": 1}')
        assert json.loads(client.recv(10))["text"] == heard(recognizer, audio, 16_000).text


def test_after_a_reset_a_new_sentence_begins(server: Server, recognizer: Recognizer) -> None:
    first, second = sound(4), sound(5, rate=8_000)
    with talk(server) as client:
        client.send('{"config": {"sample_rate": 16000, "words": false}}')
        client.send(first)
        client.recv(10)
        client.send('{"reset": 1}')
        assert json.loads(client.recv(10)) == {"text": heard(recognizer, first, 16_000).text}
        assert final(say(client, second, 8_000)) == heard(recognizer, second, 8_000).text


def test_eof_without_a_word_is_answered_with_nothing(server: Server) -> None:
    with talk(server) as client:
        assert say(client, b"", 16_000) == [{"text": ""}]


def test_the_stable_part_never_changes(server: Server) -> None:
    with talk(server) as client:
        answers = say(client, sound(6, 3.0), 16_000, chunk=0.05, stable=True)
    before = ""
    for answer in answers[:-1]:
        if "text" in answer:
            before = ""
            continue
        assert answer["stable"].startswith(before)
        assert answer["partial"].startswith(answer["stable"])
        before = answer["stable"]


def test_many_clients_each_hear_their_own_words(server: Server, recognizer: Recognizer) -> None:
    sounds = [sound(seed, 0.8) for seed in range(100)]
    expected = [heard(recognizer, audio, 16_000).text for audio in sounds]
    assert len(set(expected)) > 50

    def one(audio: bytes) -> str:
        with talk(server, open_timeout=30) as client:
            return final(say(client, audio, 16_000))

    with ThreadPoolExecutor(100) as pool:
        assert list(pool.map(one, sounds)) == expected
    assert server.health()["sessions"] == 0


def test_phrases_are_all_that_is_written(server: Server) -> None:
    phrases = ["one two three", "[unk]", "zero"]
    with talk(server) as client:
        text = final(say(client, sound(7), 16_000, phrase_list=phrases))
    assert set(text.split()) <= {"one", "two", "three", "zero"}


def test_alternatives_have_their_own_shape(server: Server, recognizer: Recognizer) -> None:
    audio = sound(8)
    with talk(server) as client:
        last = say(client, audio, 16_000, max_alternatives=2)[-1]
    assert last["alternatives"][0]["text"] == heard(recognizer, audio, 16_000).text


def test_what_was_received_is_stored(server: Server) -> None:
    audio = sound(9, 0.5, 22_050)
    with talk(server) as client:
        say(client, audio, 22_050)
    newest = max((server.log.parent / "store").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    with wave.open(str(newest)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (22_050, 1, 2)
        assert file.readframes(file.getnframes()) == audio


def test_the_server_counts(server: Server) -> None:
    before = server.metric("asr_audio_seconds_total"), server.metric("asr_latency_seconds_count")
    with talk(server) as client:
        client.send('{"config": {"sample_rate": 16000}}')
        client.send(sound(10, 1.0))
        client.recv(10)
        assert server.metric('asr_sessions{kind="live"}') == 1
        assert server.health()["sessions"] == 1
    assert server.metric("asr_audio_seconds_total") - before[0] == pytest.approx(1.0)
    assert server.metric("asr_latency_seconds_count") - before[1] == 1
    assert server.metric("asr_real_time_factor_count") > 0


@pytest.mark.slow
def test_a_model_that_hears_both_ways_says_so(tmp_path: Path) -> None:
    random_bundle(tmp_path / "model", bidirectional=True)
    with running(tmp_path / "model", tmp_path) as server:
        assert "no live captions, recordings only: " in server.printed
        assert json.loads(server.get("/v1/models"))["data"][0]["streams"] is False
        with talk(server) as client, pytest.raises(ConnectionClosed, match="1008"):
            client.recv(10)
