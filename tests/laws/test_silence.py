"""Law 13: where nobody speaks, trained models write nothing, however loud it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from asr.models import OFFLINE, shipped
from asr.recognize.recognizer import Recognizer, load
from tests.helpers.tones import chirp, chord, clicks, hum, noise, pink_noise, silence, tone

MODELS = {"an4": Path(__file__).parents[2] / "models" / "an4-bilstm", "english": shipped(OFFLINE)}
SECONDS = 3.0
GAINS_DB = (-30, -20, -10, 0, 10, 20, 30)
SOUNDS = {
    "silence": silence(SECONDS),
    "white noise": noise(SECONDS, seed=1),
    "other white noise": noise(SECONDS, seed=2),
    "pink noise": pink_noise(SECONDS, seed=3),
    "other pink noise": pink_noise(SECONDS, seed=4),
    "hum of 50 Hz": hum(SECONDS),
    "hum of 60 Hz": hum(SECONDS, mains=60.0),
    "tone of 100 Hz": tone(100, SECONDS),
    "tone of 440 Hz": tone(440, SECONDS),
    "tone of 1 kHz": tone(1_000, SECONDS),
    "tone of 4 kHz": tone(4_000, SECONDS),
    "chord": chord([262, 330, 392], SECONDS),
    "low chord": chord([110, 165, 220, 275], SECONDS),
    "sweep": chirp(100, 7_000, SECONDS),
    "clicks": clicks(4, SECONDS),
    "fast clicks": clicks(30, SECONDS),
}


@pytest.fixture(scope="module", params=MODELS)
def recognizer(request: pytest.FixtureRequest) -> Recognizer:
    return load(MODELS[request.param])


@pytest.mark.parametrize("sound", SOUNDS)
def test_nothing_is_written_where_nobody_speaks(recognizer: Recognizer, sound: str) -> None:
    gains = [np.float32(10 ** (gain / 20)) for gain in GAINS_DB]
    louder = [np.clip(gain * SOUNDS[sound], -1, 1) for gain in gains]
    texts = {
        gain: transcript.text
        for gain, transcript in zip(GAINS_DB, recognizer.transcribe_batch(louder), strict=True)
    }
    assert texts == dict.fromkeys(GAINS_DB, "")


@pytest.mark.parametrize("length", [0.01, 0.1, 1.0, 20.0])
def test_nothing_is_written_at_any_length(recognizer: Recognizer, length: float) -> None:
    transcripts = recognizer.transcribe_batch([silence(length), noise(length), hum(length)])
    assert [transcript.text for transcript in transcripts] == ["", "", ""]
