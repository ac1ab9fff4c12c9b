"""``asr stream``: prints what ``asr transcribe`` prints, from files and pipes, and captions on a terminal."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.helpers.bundles import random_bundle
from tests.helpers.console import asr, asr_here, asr_on_a_terminal, one_line
from tests.helpers.streams import signal

RATE = 8_000


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    random_bundle(folder, bidirectional=False, lookahead=2, normalization="running")
    return folder


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "sound.wav"
    soundfile.write(path, np.stack([signal(2, RATE), signal(2, RATE, 1)], axis=1), RATE, subtype="PCM_16")
    return path


@pytest.mark.parametrize("form", ["txt", "json"])
@pytest.mark.parametrize("options", [[], ["--beam-size", "5"], ["--channel", "1"]])
def test_it_prints_what_transcribe_prints(
    model: Path, recording: Path, form: str, options: list[str]
) -> None:
    common = [recording, "--model", model, "-f", form, *options]
    streamed, whole = asr_here("stream", "--no-endpoints", *common), asr_here("transcribe", *common)
    assert streamed.status == whole.status == 0, streamed.err
    assert len(whole.out) > 10
    if form == "txt":
        assert streamed.out == whole.out
        return
    one, other = json.loads(streamed.out), json.loads(whole.out)
    for content in (one, other):
        for segment in content["segments"]:
            for word in segment["words"]:
                word["probability"] = pytest.approx(word["probability"], abs=2e-4)
    assert one == other


def test_a_second_model_reads_the_segments_again(model: Path, recording: Path, tmp_path: Path) -> None:
    random_bundle(tmp_path, bidirectional=True, normalization="utterance", seed=3)
    shown = asr_here("stream", recording, "--model", model, "--final-model", tmp_path, "--longest", 60)
    again = asr_here("transcribe", recording, "--model", tmp_path)
    assert shown.out == again.out != asr_here("transcribe", recording, "--model", model).out
    common = [recording, "--model", model, "--final-model", tmp_path]
    one_line(asr_here("stream", *common, "--no-endpoints"), "without endpoints")


def test_a_bidirectional_model_listens_in_chunks(recording: Path, tmp_path: Path) -> None:
    random_bundle(tmp_path, bidirectional=True, normalization="running")
    common = [recording, "--model", tmp_path, "--chunk", "0.5", "--right-context", "0.2"]
    shown = asr_here("stream", "--no-endpoints", *common)
    assert shown.out == asr_here("transcribe", *common).out
    assert "lookahead" in shown.err
    one_line(asr_here("stream", recording, "--model", tmp_path), "--chunk")
    shown = asr_here("stream", recording, "--model", tmp_path, "--right-context", "1")
    assert (shown.status, "--right-context without --chunk" in shown.err) == (2, True)


def test_standard_input_is_raw_samples(model: Path, recording: Path) -> None:
    samples, _ = soundfile.read(recording, dtype="int16")
    pcm = np.ascontiguousarray(samples[:, 0]).tobytes() + b"\x01"  # half a sample more
    shown = asr("stream", "-", "--rate", RATE, "--model", model, "--no-endpoints", stdin=pcm)
    assert shown.out == asr_here("transcribe", recording, "--channel", 0, "--model", model).out
    assert "Traceback" not in shown.err


def test_it_says_how_long_things_took(model: Path, recording: Path) -> None:
    took, latency = asr_here("stream", recording, "--model", model).err.splitlines()
    assert took.startswith("160 ms of sound took ")
    assert ", p95 " in took
    assert latency.startswith("words come after 250 ms (resampler 8, frame 12, convolutions 30, lookahead 40")


def test_every_segment_has_a_line(model: Path, recording: Path) -> None:
    shown = asr_here("stream", recording, "--model", model, "--longest", 1)
    assert shown.status == 0, shown.err
    assert shown.out.count("\n") > 1
    assert all(shown.out.splitlines())


def test_captions_rewrite_their_line_on_a_terminal(model: Path, recording: Path) -> None:
    shown = asr_on_a_terminal("stream", recording, "--model", model)
    lines = shown.err.split("\r\x1b[K")
    assert len(lines) > 5
    assert all(len(line) < 80 and "\n" not in line for line in lines[:-1])
    assert lines[-1].startswith("160 ms")  # the last caption is taken away
    assert shown.out == asr_here("stream", recording, "--model", model).out


def test_live_takes_as_long_as_the_recording(model: Path, recording: Path) -> None:
    begin = time.monotonic()
    shown = asr_here("stream", recording, "--model", model, "--live")
    assert time.monotonic() - begin >= 2.0
    assert shown.out == asr_here("stream", recording, "--model", model).out


def test_what_cannot_be_heard_is_one_line(model: Path, recording: Path, tmp_path: Path) -> None:
    one_line(asr_here("stream", tmp_path / "none.wav", "--model", model), "none.wav: no such file")
    one_line(asr_here("stream", "-", "--model", model), "standard input: no samples")
    one_line(asr_here("stream", recording, "--model", model, "--after-words", 0), "after_words (0)")
    random_bundle(tmp_path / "both", bidirectional=True)
    one_line(asr_here("stream", recording, "--model", tmp_path / "both"), "a bidirectional model")
