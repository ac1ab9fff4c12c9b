"""``asr listen``: without a sound card, its place is taken by a module with the interface of sounddevice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.bundles import random_bundle
from tests.helpers.console import MAIN, Shown, asr, asr_here, one_line
from tests.helpers.streams import signal

RATE = 44_100
SOUND_CARD = """
import os, signal, sys, threading, types
import numpy as np

card = types.ModuleType("sounddevice")
card.PortAudioError = type("PortAudioError", (Exception,), {})
DEVICES = [
    {"name": "Speaker", "max_input_channels": 0, "default_samplerate": 48000.0, "index": 0},
    {"name": "Microphone", "max_input_channels": 1, "default_samplerate": 44100.0, "index": 1},
][:LAST]

def query_devices(device=None, kind=None):
    if kind is None:
        return DEVICES
    if device not in (None, 1, "Micro"):
        raise ValueError(f"No input device matching {device!r}")
    return DEVICES[1]

class InputStream:
    def __init__(self, samplerate, blocksize, device, channels, dtype, callback):
        assert (samplerate, device, channels, dtype) == (44100, 1, 1, "float32")
        if BUSY:
            raise card.PortAudioError("Device unavailable")
        self.blocksize, self.callback = blocksize, callback

    def __enter__(self):
        threading.Thread(target=self.play).start()

    def play(self):
        from tests.helpers.streams import signal as sound
        samples = sound(2, 44100)
        for first in range(0, len(samples), self.blocksize):
            self.callback(samples[first : first + self.blocksize, None], self.blocksize, None, None)
        threading.Event().wait(1.5)
        os.kill(os.getpid(), signal.SIGINT)

    def __exit__(self, *problem):
        pass

card.query_devices, card.InputStream = query_devices, InputStream
sys.modules["sounddevice"] = card
"""


def listen(*arguments: object, devices: int = 2, busy: bool = False) -> Shown:
    code = SOUND_CARD.replace("LAST", str(devices)).replace("BUSY", str(busy))
    return asr("listen", *arguments, code=code + MAIN)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    random_bundle(folder, bidirectional=False, normalization="running")
    return folder


@pytest.mark.parametrize("options", [[], ["--input", "Micro"], ["--input", 1, "--no-endpoints"]])
def test_what_is_said_is_printed_after_ctrl_c(model: Path, options: list[object]) -> None:
    from asr.recognize.recognizer import load
    from asr.recognize.streaming import Endpointing, StreamingRecognizer

    shown = listen("--model", model, *options)
    ends = None if "--no-endpoints" in options else Endpointing()
    session = StreamingRecognizer(load(model), endpointing=ends).start(RATE)
    session.push(signal(2, RATE))
    assert (shown.status, shown.out) == (0, session.finish().text + "\n"), shown.err
    listening, took, latency = shown.err.splitlines()
    assert listening == "listening; Ctrl-C ends it"
    assert took.startswith("160 ms of sound")
    assert latency.startswith("words come after")


def test_microphones_are_listed() -> None:
    shown = listen("--list-devices")
    assert (shown.status, shown.out) == (0, "1: Microphone (1 channels, 44100 Hz)\n")


def test_no_microphone_is_one_line(model: Path) -> None:
    one_line(listen("--model", model, devices=1), "no microphone was found")
    one_line(listen("--list-devices", devices=1), "no microphone was found")
    one_line(listen("--model", model, "--input", "Radio"), "'Radio'", "--list-devices names them")
    one_line(listen("--model", model, busy=True), "Device unavailable", "try another one")


def test_missing_software_is_one_line(model: Path) -> None:
    missing = "import sys; sys.modules['sounddevice'] = None; "
    one_line(asr("listen", "--model", model, code=missing + MAIN), "pip install 'recurrent-asr[listen]'")
    broken = """
import sys
class Finder:
    def find_spec(self, name, path, target=None):
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
sys.meta_path.insert(0, Finder())
"""
    one_line(asr("listen", "--model", model, code=broken + MAIN), "PortAudio", "apt install")


def test_the_meter_rises_with_the_level() -> None:
    from asr.cli.microphone import METER, level_mark

    marks = [level_mark(level * signal(0.1, RATE)) for level in (0.0, 1e-3, 0.01, 0.1, 1.0)]
    assert marks == sorted(marks, key=METER.index)
    assert marks[0] == " "
    assert len(set(marks)) >= 3
    assert asr_here("listen", "--help").status == 0
