"""``asr transcribe`` in a process of its own: every kind of recording, pipes, full disks, long files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.helpers.bundles import random_bundle
from tests.helpers.console import LIMITED, MAIN, Shown, asr, one_line
from tests.helpers.recordings import encoded
from tests.helpers.tones import chirp, noise, tone

SOUND = chirp(100, 5_000, 2)
PCM = np.round(SOUND * 32767).astype(np.int16)
GOOD = {
    "16k.wav": encoded(PCM),
    "8k.wav": encoded(chirp(100, 3_500, 2, 8_000), 8_000),
    "44k.wav": encoded(chirp(100, 5_000, 2, 44_100), 44_100),
    "8bit.wav": encoded(SOUND, subtype="PCM_U8"),
    "24bit.wav": encoded(SOUND, subtype="PCM_24"),
    "float.wav": encoded(SOUND, subtype="FLOAT"),
    "six.wav": encoded(np.stack([SOUND] * 6, axis=1)),
    "clipped.wav": encoded(np.clip(20 * SOUND, -1, 1)),
    "frame.wav": encoded(SOUND[:400]),
    "short.wav": encoded(SOUND[:399]),
    "sample.wav": encoded(SOUND[:1]),
    "a.flac": encoded(PCM, kind="FLAC"),
    "a.ogg": encoded(SOUND, kind="OGG", subtype="OPUS"),
    "a.mp3": encoded(SOUND, kind="MP3", subtype="MPEG_LAYER_III"),
}
NOTES = {
    "8k.wav": "8000 Hz recording",
    "clipped.wav": "of the samples are at full scale",
}
BAD = {
    "empty.wav": (b"", "empty file (0 bytes)"),
    "header.wav": (encoded(SOUND)[:30], "copy it again"),
    "text.wav": (b"To be, or not to be, that is the question." * 9, "not audio in a known format"),
    "nan.wav": (
        encoded(np.where(np.arange(999) == 500, np.float32(np.nan), SOUND[:999]), subtype="FLOAT"),
        "the sample at 0.0312 s is not a finite number",
    ),
    "none.wav": (encoded(SOUND[:0]), "holds no samples"),
}


USAGE = "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "random"
    random_bundle(folder)
    return folder


@pytest.fixture(scope="module")
def shown(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """Good and bad recordings, a missing one and a folder without any, all in one command."""
    folder = tmp_path_factory.mktemp("all")
    files = []
    for name, content in GOOD.items() | {name: content for name, (content, _) in BAD.items()}.items():
        (folder / name).write_bytes(content)
        files.append(name)
    (folder / "quiet").mkdir()
    arguments = [*sorted(files), "missing.wav", "quiet", "--model", str(model)]
    code = f"import os; os.chdir({str(folder)!r}); {MAIN}"
    return asr("transcribe", *arguments, code=code)


def test_what_can_be_used_is_transcribed_and_the_rest_makes_the_status_1(shown: Shown) -> None:
    assert shown.status == 1
    texts = dict(line.split(": ") for line in shown.out.splitlines())
    assert texts.keys() == GOOD.keys()
    assert texts["16k.wav"] == texts["a.flac"]
    empty = {"short.wav", "sample.wav"}
    assert {name for name in GOOD if not texts[name]} == empty
    assert texts["short.wav"] == texts["sample.wav"] == ""
    assert "Traceback" not in shown.err


def test_there_is_at_most_one_note_for_each_good_recording(shown: Shown) -> None:
    for name in GOOD:
        lines = [line for line in shown.err.splitlines() if line.startswith(f"note: {name}: ")]
        assert len(lines) == (name in NOTES), lines
        if lines:
            assert NOTES[name] in lines[0]


def test_there_is_one_line_for_each_bad_recording(shown: Shown) -> None:
    expected = {name: message for name, (_, message) in BAD.items()}
    expected |= {"missing.wav": "no such file; check the path", "quiet": "no recordings in this folder; put"}
    errors = [line for line in shown.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == len(expected)
    for name, message in expected.items():
        (line,) = [line for line in errors if line.startswith(f"error: {name}: ")]
        assert message in line
        assert ";" in line, "no remedy"
    assert shown.err.endswith(f"{len(expected)} of the inputs could not be transcribed\n")
    assert len(shown.err.splitlines()) == len(expected) + len(NOTES) + 1


def test_a_pipe_gives_json_on_stdout_alone(model: Path) -> None:
    shown = asr("transcribe", "-", "--model", model, "-f", "json", stdin=GOOD["8k.wav"])
    assert shown.status == 0
    assert json.loads(shown.out)["duration"] == 2.0
    assert shown.err.count("\n") == 1
    assert shown.err.startswith("note: standard input: 8000 Hz recording")


def test_a_closed_pipe_is_no_reason_for_a_traceback(model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(GOOD["16k.wav"])
    command = [sys.executable, "-m", "asr", "transcribe", tmp_path, "--model", model]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode in (0, 1)


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(model: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.wav", "b.wav"):
        (tmp_path / "in" / name).write_bytes(GOOD["16k.wav"])
    out = tmp_path / "out"
    code = LIMITED.format(100) + MAIN
    shown = asr("transcribe", tmp_path / "in", "-f", "json", "-o", out, "--model", model, code=code)
    one_line(shown, str(out / "a.json"), "cannot be written", "free some space")
    assert list(out.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_is_one_line(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", SOUND, 16_000)
    manifest = tmp_path / "m.jsonl"
    manifest.write_text('{"audio_filepath": "a.wav", "duration": 2, "text": "a"}\n')
    command = [sys.executable, "-m", "asr", "check", manifest]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False, text=True)
    assert done.returncode == 2
    assert done.stderr == "error: standard output: No space left on device; free some space\n"


def test_an_hour_needs_no_more_memory_than_five_minutes(model: Path, tmp_path: Path) -> None:
    assert used_for(model, tmp_path, 60) < 1.3 * used_for(model, tmp_path, 5)


def used_for(model: Path, tmp_path: Path, minutes: int) -> float:
    """Megabytes that the transcription of so many minutes takes at most."""
    path = tmp_path / f"{minutes}.flac"
    with soundfile.SoundFile(path, "w", 16_000, 1, subtype="PCM_16") as sound:
        for minute in range(minutes):
            sound.write(noise(60, seed=minute) + tone(100.0 * (minute + 1), 60))
    code = f"import atexit, resource, sys; atexit.register(lambda: {USAGE}); {MAIN}"
    shown = asr("transcribe", path, "--model", model, "-f", "json", code=code)
    used = int(shown.err) / 1024
    sys.stdout.write(f"{minutes} minutes: {used:.0f} MB\n")
    assert shown.status == 0
    transcript = json.loads(shown.out)
    assert transcript["duration"] == 60 * minutes
    assert transcript["segments"][-1]["words"][-1]["end"] > 60 * minutes - 30
    return used
