"""The page in a headless Chromium, with a recording as its microphone. Every word is full of HTML."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from asr.audio.resample import resample
from asr.recognize.formats import to_srt
from asr.recognize.recognizer import Recognizer, load
from asr.recognize.streaming import Endpointing, StreamingRecognizer
from tests.helpers.bundles import random_bundle
from tests.helpers.recordings import encoded
from tests.helpers.tones import chirp, noise
from tests.serve.browser import PROGRAM, Page, opened
from tests.serve.running import Server, running, wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="needs Chromium: apt-get install chromium"),
]
HOSTILE = ("<b>x</b> <i>", "&amp; \"a' <img src=x>")
TOKEN = "open-sesame"
SPOKEN = np.concatenate(
    [chirp(100, 4_000, 0.7), noise(0.6), chirp(3_000, 200, 0.7), noise(0.5, amplitude=0.01)]
)
WORDS = "[...document.querySelectorAll('#captions .word')].map((word) => word.firstChild.textContent)"
LINES = """[...document.querySelectorAll('#captions p')].map((line) =>
    [...line.querySelectorAll('.word')].map((word) => word.firstChild.textContent).join(' '))"""
STATE = "document.body.dataset.state"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "hostile"
    shape = {"bidirectional": False, "normalization": "running", "lookahead": 4, "hidden": 16}
    random_bundle(folder, texts=HOSTILE, seed=0, **shape)
    return folder


@pytest.fixture(scope="module")
def spoken(hostile: Path) -> Recognizer:
    return load(hostile)


@pytest.fixture(scope="module")
def guarded(hostile: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with running(hostile, folder, "--store", folder / "store", ASR_TOKEN=TOKEN) as server:
        yield server


@pytest.fixture(scope="module")
def page(guarded: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The page after the token was given: a wrong one first."""
    folder = tmp_path_factory.mktemp("browser")
    (folder / "microphone.wav").write_bytes(encoded(np.tile(SPOKEN, 3), subtype="PCM_16"))
    with opened(guarded.http, folder, folder / "microphone.wav") as page:
        page.wait("document.getElementById('access')?.open")
        for token, expected in (
            ("wrong", "document.getElementById('access-error').textContent"),
            (TOKEN, STATE),
        ):
            page.value(f"document.getElementById('token').value = '{token}'")
            page.value("document.getElementById('access-form').requestSubmit()")
            page.wait(expected)
        assert page.value("sessionStorage.getItem('asr-token')") == TOKEN
        assert page.value("document.getElementById('model').textContent") == "random"
        page.complaints.clear()  # the two refusals
        yield page


def test_the_captions_are_what_the_received_sound_says(
    page: Page, guarded: Server, spoken: Recognizer
) -> None:
    page.value("document.getElementById('record').click()")
    page.wait(f"{STATE} === 'listening'")
    page.wait("document.getElementById('live').textContent.trim() !== ''")
    page.wait("parseFloat(document.getElementById('clock').value.slice(2)) > 3")
    page.value("document.getElementById('record').click()")
    page.wait(f"{STATE} === 'ready'")
    (tape,) = (guarded.log.parent / "store").iterdir()
    with wave.open(str(tape)) as file:
        rate, pcm = file.getframerate(), file.readframes(file.getnframes())
    assert len(pcm) > 2 * 2.5 * rate
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
    session = StreamingRecognizer(spoken, endpointing=Endpointing()).start(rate)
    session.push(samples)
    segments = session.finish().segments
    heard = resample(samples, rate, 16_000)
    ends = [round(segment.end * 16_000) for segment in segments]
    for segment, end in zip(segments, ends, strict=True):
        text = spoken.transcribe_samples(heard[round(segment.start * 16_000) : end]).text
        assert segment.text == text
    assert page.value(LINES) == [segment.text for segment in segments]
    assert any("<" in segment.text for segment in segments)


def test_a_dropped_file_says_what_transcribe_says(page: Page, spoken: Recognizer, tmp_path: Path) -> None:
    content = encoded(SPOKEN, kind="FLAC", subtype="PCM_16")
    (tmp_path / "a.flac").write_bytes(content)
    expected = spoken.transcribe(tmp_path / "a.flac")
    page.drop("<img src=x onerror=alert(1)>.flac", content)
    page.wait(f"{STATE} === 'ready' && {WORDS}.length > 0")
    assert page.value(LINES) == [segment.text for segment in expected.segments]
    assert page.value("document.querySelector('#captions h3').textContent").startswith("<img src=x")
    assert page.value("document.querySelectorAll('#captions img, #captions b, #captions i').length") == 0
    times = page.value("[...document.querySelectorAll('#captions .word time')].map((one) => one.textContent)")
    assert times == [f"{word.start:.2f}" for word in expected.words]


def test_subtitles_are_those_that_the_server_writes(page: Page, spoken: Recognizer, tmp_path: Path) -> None:
    page.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    page.value("document.getElementById('srt').click()")
    (tmp_path / "a").write_bytes(encoded(SPOKEN, kind="FLAC", subtype="PCM_16"))
    wait_for((tmp_path / "captions.srt").exists)
    expected = to_srt(spoken.transcribe(tmp_path / "a"), "")
    assert (tmp_path / "captions.srt").read_text(encoding="utf-8") == expected


def test_what_is_no_recording_is_told(page: Page) -> None:
    page.drop("a.txt", b"To be, or not to be" * 99)
    page.wait("document.getElementById('status').classList.contains('error')")
    assert page.value("document.getElementById('status').textContent").startswith(
        "upload: not audio in a known"
    )
    page.wait(f"{STATE} === 'ready'")
    assert [one for one in page.complaints if "status of 400" not in one] == []


def test_it_fits_a_small_screen_and_knows_the_dark(page: Page) -> None:
    colours = []
    for dark in (False, True):
        page.size(360, 740, dark=dark)
        assert page.value("document.documentElement.scrollWidth") <= 360
        colours.append(page.value("getComputedStyle(document.body).backgroundColor"))
    assert colours[0] != colours[1]


def test_it_can_be_used_with_the_keyboard(page: Page) -> None:
    page.value("document.activeElement.blur()")
    reached = []
    for _ in range(12):
        page.command("Input.dispatchKeyEvent", type="keyDown", key="Tab", windowsVirtualKeyCode=9)
        reached.append(page.value("document.activeElement.id"))
    assert {"record", "choose", "processing", "times", "captions"} <= set(reached)
