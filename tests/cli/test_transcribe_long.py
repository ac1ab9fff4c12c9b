"""``asr transcribe`` of long recordings: cut unless told otherwise, interrupted, gone on with."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.audio import io as audio_io
from asr.cli import hearing
from asr.recognize.recognizer import Cutting, load
from tests.helpers.bundles import random_bundle
from tests.helpers.console import asr_here, one_line
from tests.helpers.containers import container
from tests.helpers.tones import chirp, silence


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "random"
    random_bundle(folder, subsampling=4)
    return folder


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three recordings: of a second, of six and a half minutes, and of a second."""
    folder = tmp_path_factory.mktemp("recordings")
    soundfile.write(folder / "a.wav", chirp(100, 5_000, 1), 16_000)
    spoken = np.concatenate([chirp(100, 5_000, 9), silence(1), chirp(3_000, 200, 11), silence(5)])
    soundfile.write(folder / "b.wav", np.tile(spoken, 15), 16_000)
    soundfile.write(folder / "c.wav", chirp(3_000, 100, 1), 16_000)
    return folder


def test_long_recordings_are_cut_unless_told_otherwise(model: Path, recordings: Path) -> None:
    recognizer, file = load(model), recordings / "b.wav"
    for options, cutting in (
        ((), Cutting()),
        (("--segment-seconds", 10), Cutting(10)),
        (("--segment_seconds", 0), None),
    ):
        shown = asr_here("transcribe", file, "--model", model, "-f", "tsv", *options)
        transcript = recognizer.transcribe(file, cutting=cutting)
        assert (shown.status, shown.err) == (0, "")
        assert len(shown.out.splitlines()) == 1 + len(transcript.segments)
        times = [int(line.split("\t")[1]) for line in shown.out.splitlines()[1:]]
        assert times == [round(1000 * segment.end) for segment in transcript.segments]


def test_standard_input_is_cut_too(model: Path, recordings: Path) -> None:
    file = recordings / "b.wav"
    shown = asr_here("transcribe", "-", "--model", model, stdin=file.read_bytes())
    assert shown.out == asr_here("transcribe", file, "--model", model).out


def test_silence_that_is_skipped_is_told(model: Path, recordings: Path) -> None:
    shown = asr_here("transcribe", recordings / "b.wav", "--model", model, "--skip-silence", 3)
    told = re.fullmatch(r"note: .*b\.wav: (\d+\.\d) s of silence were skipped\n", shown.err)
    assert told
    assert 0.9 * 14 * 4 < float(told[1]) < 15 * 4.2  # chirps begin and end faintly


def test_the_sound_of_a_video_is_transcribed(model: Path, tmp_path: Path) -> None:
    sound = chirp(100, 5_000, 3)
    (tmp_path / "film.mp4").write_bytes(container(sound, "mp4", video=True))
    soundfile.write(tmp_path / "film.wav", sound, 16_000)
    shown = asr_here("transcribe", tmp_path, "--model", model, "-o", tmp_path / "out")
    assert (shown.status, shown.out) == (0, "")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"film.txt", "film-2.txt"}
    assert len((tmp_path / "out" / "film.txt").read_text()) > 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--segment-seconds", 3), "--segment-seconds must be at least 5, or 0"),
        (("--segment-seconds", 0, "--skip-silence", 5), "leave out --segment-seconds 0"),
        (("--skip-existing",), "name their folder with -o"),
    ],
)
def test_options_that_do_not_go_together_are_told(
    model: Path, options: tuple[object, ...], message: str
) -> None:
    shown = asr_here("transcribe", "a.wav", "--model", model, *options)
    assert shown.status == 2
    assert message in shown.err


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody presses Ctrl-C when 300 seconds of a recording have been read."""

    def blocks(*values: object, **named: object) -> Iterator[np.ndarray]:
        seen = 0
        for block in audio_io.audio_blocks(*values, **named):
            yield block
            seen += len(block)
            if seen > 300 * 16_000:
                raise KeyboardInterrupt

    monkeypatch.setattr(hearing, "audio_blocks", blocks)


@pytest.mark.usefixtures("interrupted")
def test_an_interrupted_batch_keeps_what_it_has(model: Path, recordings: Path, tmp_path: Path) -> None:
    shown = asr_here("transcribe", recordings, "--model", model, "-f", "all", "-o", tmp_path)
    assert (shown.status, shown.out) == (130, "")
    lines = [line for line in shown.err.splitlines() if line]
    told = re.fullmatch(
        rf".*b\.wav: the first (\d+\.\d) s were transcribed; they are in {tmp_path}/b\.partial\.txt", lines[0]
    )
    assert told
    assert lines[1:] == ["1 of 3 are done; --skip-existing goes on with the rest", "interrupted"]
    whole = load(model).transcribe(recordings / "b.wav").text
    part = (tmp_path / "b.partial.txt").read_text().split()
    assert 150 < float(told[1]) < 300
    assert whole.split()[: len(part)] == part
    assert {path.stem for path in tmp_path.iterdir()} == {"a", "b.partial"}


@pytest.mark.usefixtures("interrupted")
def test_an_interrupted_recording_is_printed_as_far_as_it_was_heard(model: Path, recordings: Path) -> None:
    shown = asr_here("transcribe", recordings / "b.wav", "--model", model)
    assert shown.status == 130
    assert re.search(r"b\.wav: the first \d+\.\d s were transcribed\n+interrupted\n$", shown.err)
    whole = load(model).transcribe(recordings / "b.wav").text
    assert len(shown.out) > len(whole) / 3
    assert whole.startswith(" ".join(shown.out.split()))


def test_a_batch_goes_on_with_what_is_missing(model: Path, recordings: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.txt").write_text("from before")
    (out / "a.srt").write_text("from before")
    (out / "c.srt").write_text("of one format only")
    (out / "b.partial.txt").write_text("a part")
    arguments = ("transcribe", recordings, "--model", model, "-o", out, "--skip-existing")
    shown = asr_here(*arguments)
    assert (shown.status, shown.out) == (0, "")
    assert shown.err == "1 of the recordings had been transcribed before, and were left as they are\n"
    assert (out / "a.txt").read_text() == "from before"
    assert {path.name for path in out.iterdir()} == {"a.txt", "a.srt", "b.txt", "c.txt", "c.srt"}
    assert (out / "b.txt").read_text().split() == load(model).transcribe(recordings / "b.wav").text.split()
    assert asr_here(*arguments).err.startswith("3 of the recordings")
    assert asr_here(*arguments[:-1]).err == ""
    assert (out / "a.txt").read_text() != "from before"


def test_what_was_heard_before_the_damage_is_kept(model: Path, tmp_path: Path) -> None:
    samples = np.tile(np.concatenate([chirp(100, 5_000, 9), silence(1)]), 30)
    samples[-1] = np.nan
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    shown = asr_here("transcribe", tmp_path / "a.wav", "--model", model)
    assert shown.status == 1
    assert "is not a finite number" in shown.err
    assert shown.err.splitlines()[1].endswith("s were transcribed")
    assert shown.out.strip()
    one_line(asr_here("transcribe", tmp_path / "b.wav", "--model", model), "no such file", status=1)


def test_ctrl_c_while_the_bar_moves_is_no_reason_for_a_traceback(
    model: Path, recordings: Path, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "d.wav", np.tile(chirp(100, 5_000, 10), 200), 16_000)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "asr", "transcribe", tmp_path / "d.wav", "--model", model]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=theirs, env=os.environ | {"TERM": "xterm", "COLUMNS": "80"}
    ) as process:
        os.close(theirs)
        shown = b""
        while not re.search(rb"[1-9]\d?%", shown):
            shown += os.read(ours, 65536)
        process.send_signal(signal.SIGINT)
        assert process.stdout
        out = process.stdout.read().decode()
        shown += os.read(ours, 65536)
        assert process.wait(60) == 130
    assert b"Traceback" not in shown
    assert len(out.strip()) > 3
