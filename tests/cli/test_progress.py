"""Progress bars of the commands, on a terminal that is real enough, and their absence without one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import soundfile

from tests.helpers.bundles import random_bundle
from tests.helpers.console import Shown, asr, asr_here, asr_on_a_terminal
from tests.helpers.tones import chirp

ERASED = "\r\x1b[2K"
FILES = ("a.wav", "b.wav", "c.wav")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, three recordings, of which one deserves a note, a damaged one, and a manifest."""
    folder = tmp_path_factory.mktemp("progress")
    random_bundle(folder / "model")
    (folder / "recordings").mkdir()
    for name, rate in zip(FILES, (16_000, 8_000, 16_000), strict=True):
        soundfile.write(folder / "recordings" / name, chirp(100, 3_000, 0.5, rate), rate)
    (folder / "recordings" / "damaged.wav").write_bytes(b"?")
    entries = [{"audio_filepath": f"recordings/{name}", "duration": 0.5, "text": "one"} for name in FILES]
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, entries)))
    return folder


def drawn(shown: Shown, description: str) -> None:
    """Checks that a bar went from 0 to 100 % on standard error, and vanished."""
    percentages = [int(digits) for digits in re.findall(rf"{description} .*?(\d+)%", shown.err)]
    assert percentages == sorted(percentages)
    assert (percentages[0], percentages[-1]) == (0, 100)
    assert "\x1b[1A\x1b[2K" in shown.err[shown.err.rindex("100%") :], "the bar is still there"
    assert "\x1b" not in shown.out


def test_check_draws_a_bar_and_prints_the_same_as_without(folder: Path) -> None:
    shown = asr_on_a_terminal("check", folder / "manifest.jsonl")
    drawn(shown, "checking")
    piped = asr("check", folder / "manifest.jsonl")
    assert (piped.status, piped.out, piped.err) == (shown.status, shown.out, "")
    assert shown.status == 0


def test_transcribe_draws_a_bar_and_prints_notes_and_errors_above_it(folder: Path) -> None:
    arguments = ("transcribe", folder / "recordings", "--model", folder / "model")
    shown = asr_on_a_terminal(*arguments)
    drawn(shown, "transcribing")
    assert f"{ERASED}note: {folder}/recordings/b.wav: 8000 Hz recording" in shown.err
    assert f"{ERASED}error: {folder}/recordings/damaged.wav: not audio" in shown.err
    assert shown.err.endswith("1 of the inputs could not be transcribed\r\n")
    piped = asr_here(*arguments)
    assert (shown.status, shown.out) == (piped.status, piped.out)
    assert len(shown.out.splitlines()) == len(FILES)
    assert "\x1b" not in piped.err


def test_one_recording_needs_no_bar(folder: Path) -> None:
    shown = asr_on_a_terminal("transcribe", folder / "recordings" / "a.wav", "--model", folder / "model")
    assert (shown.status, shown.err) == (0, "")
