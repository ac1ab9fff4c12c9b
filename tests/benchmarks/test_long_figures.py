"""The benchmark of long recordings: what it writes, and what it tells of it, with a random model."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.bundle import save_bundle
from asr.export.bundle import export
from asr.recognize.recognizer import load
from benchmarks import long
from benchmarks.streams.hours import alone, seams
from benchmarks.streams.material import MIXED, Recording
from tests.helpers.bundles import random_model
from tests.helpers.streams import signal, streaming_model

RATE = 16_000
QUIET = 0.01 * signal(0.3, RATE, 2)
KNOWN = [
    Recording(np.concatenate([signal(length, RATE, seed), QUIET]), text)
    for seed, (length, text) in enumerate(((4.0, "one two"), (6.0, "four")))
]


@pytest.mark.parametrize(("hear", "streams"), [(partial(long.offline, 20.0), False), (long.stream, True)])
def test_a_long_recording_is_written_and_heard(tmp_path: Path, hear, streams: bool) -> None:
    bundle = streaming_model(normalization="running") if streams else random_model(subsampling=4)
    save_bundle(export(bundle), tmp_path / "model")
    places = long.write(tmp_path / "long.wav", KNOWN, RATE, 60, MIXED)
    written = soundfile.info(tmp_path / "long.wav").frames / RATE
    assert 60 <= written < 68
    assert [place.number for place in places] == [index % 2 for index in range(len(places))]
    assert written - 1.1 < places[-1].end < written
    shift = np.zeros(2 * RATE, np.float32)
    run = hear(tmp_path / "model", "onnx", tmp_path / "long.wav", shift, places)
    assert run.places[0].end == places[0].end + 2
    assert [mark.seconds for mark in run.marks] == sorted(mark.seconds for mark in run.marks)
    assert len(run.marks) == 3
    assert run.marks[-1].seconds == pytest.approx(written + 2)
    assert all(mark.cpu > 0 and 1e7 < mark.resident <= run.peak for mark in run.marks)
    assert run.words[-1].end <= written + 2
    texts = alone(load(tmp_path / "model", engine="onnx"), KNOWN)
    figures = {figure.name: figure for figure in long.summary("task", run, seams(run, KNOWN, texts))}
    assert figures["process after 100 %"].median == run.marks[-1].resident / 1e6
    assert figures["CPU of an hour, to 10 %"].median > 0
    spoken = sum(len(KNOWN[place.number].text.split()) for place in places)
    assert figures["long, errors"].unit == figures["alone, errors"].unit == f"of {spoken}"
