"""``asr record`` in a pseudo-terminal, with keys pressed by hand and recordings in place of a microphone."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.audio.io import load_audio
from asr.data.manifest import Utterance, read_manifest
from tests.helpers.console import asr, asr_here, one_line
from tests.helpers.tones import noise, silence, tone

RATE = 16_000
PATIENCE = 60.0


class Terminal:
    """``asr record`` with standard input and error on a terminal; standard output is a pipe."""

    def __init__(self, *arguments: object) -> None:
        self._ours, theirs = pty.openpty()
        self.settings = termios.tcgetattr(theirs)
        self._theirs = theirs
        self.process = subprocess.Popen(
            [sys.executable, "-m", "asr", "record", *map(str, arguments)],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "100", "PYTHONUTF8": "1"},
        )
        self.shown = ""
        self._seen = 0

    def until(self, text: str) -> None:
        """Waits until something is shown that was not waited for before."""
        end = time.monotonic() + PATIENCE
        while (place := self.shown.find(text, self._seen)) < 0:
            assert time.monotonic() < end, f"{text!r} was not shown in {self.shown!r}"
            if select.select([self._ours], [], [], 1)[0]:
                self.shown += os.read(self._ours, 65536).decode()
        self._seen = place + len(text)

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def end(self) -> tuple[int, str]:
        """Waits for the end: exit status and standard output. The terminal must be as it was found."""
        assert self.process.stdout
        out = self.process.stdout.read().decode()
        status = self.process.wait(PATIENCE)
        while select.select([self._ours], [], [], 0)[0]:
            self.shown += os.read(self._ours, 65536).decode()
        assert termios.tcgetattr(self._theirs) == self.settings
        self.process.stdout.close()
        os.close(self._theirs)
        os.close(self._ours)
        return status, out


def word(pitch: float, level: float = 0.2) -> np.ndarray:
    samples = np.concatenate([silence(0.3), tone(pitch, 0.6, amplitude=level), silence(0.3)])
    return samples + noise(len(samples) / RATE, amplitude=3e-4)[: len(samples)]


@pytest.fixture
def takes(tmp_path: Path) -> Path:
    """Five recordings; the second is far too quiet."""
    folder = tmp_path / "takes"
    folder.mkdir()
    for number, level in enumerate([0.2, 0.002, 0.2, 0.2, 0.2]):
        soundfile.write(folder / f"{number}.wav", word(300.0 + 100 * number, level), RATE)
    return folder


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.txt"
    path.write_text("\ufeffGuten Morgen!\n\nÄpfel und Öl\r\nGuten Morgen!\n  drei   Wörter hier \n", "utf-8")
    return path


def recorded(folder: Path) -> list[Utterance]:
    return read_manifest(folder / "manifest.jsonl")


def pitch(utterance: Utterance) -> float:
    samples = load_audio(utterance.audio)
    return float(np.abs(np.fft.rfft(samples, RATE))[: RATE // 2].argmax())


def test_prompts_are_shown_judged_repeated_and_kept(prompts: Path, takes: Path, tmp_path: Path) -> None:
    folder = tmp_path / "me"
    terminal = Terminal(prompts, "--to", folder, "--from-wav", takes, "--language", "de")
    terminal.until("1 / 3   Guten Morgen!")
    terminal.press("r\n")  # there is nothing to repeat yet
    terminal.until("kept: 1.2 s")
    assert [one.text for one in recorded(folder)] == ["Guten Morgen!"], "it is written at once"
    terminal.until("2 / 3   Äpfel und Öl")
    terminal.press("\n")
    terminal.until("it is too quiet")
    terminal.press("r")
    terminal.until("2 / 3   Äpfel und Öl")
    terminal.press("\n")
    terminal.until("kept: 1.2 s")
    terminal.until("3 / 3   drei Wörter hier")
    terminal.press("r")
    terminal.until("2 / 3   Äpfel und Öl")
    terminal.press("\n")
    terminal.until("kept")
    terminal.until("3 / 3")
    terminal.press("\n")
    status, out = terminal.end()
    assert (status, out) == (0, f"{folder / 'manifest.jsonl'}\n"), terminal.shown
    utterances = recorded(folder)
    assert [one.text for one in utterances] == ["Guten Morgen!", "Äpfel und Öl", "drei Wörter hier"]
    assert [round(pitch(one), -1) for one in utterances] == [300, 600, 700]
    assert {(one.speaker, one.language) for one in utterances} == {("me", "de")}
    assert [one.id for one in utterances] == ["me-0001", "me-0002", "me-0003"]
    assert all(one.duration == pytest.approx(1.2) for one in utterances)
    assert asr_here("check", folder / "manifest.jsonl").status == 0


def test_it_goes_on_where_it_stopped(prompts: Path, takes: Path, tmp_path: Path) -> None:
    folder = tmp_path / "me"
    (takes / "1.wav").unlink()
    command = (prompts, "--to", folder, "--from-wav", takes)
    terminal = Terminal(*command)
    terminal.until("1 / 3")
    terminal.press("s")
    terminal.until("2 / 3")
    terminal.press("\n")
    terminal.until("kept")
    terminal.until("3 / 3")
    terminal.press("q")
    assert terminal.end()[0] == 0
    assert "2 are left" in terminal.shown
    again = Terminal(*command)
    again.until("1 / 3   Guten Morgen!")
    again.press("\n")
    again.until("kept")
    again.until("3 / 3")
    again.press("\n")
    assert again.end()[0] == 0
    texts = ["Äpfel und Öl", "Guten Morgen!", "drei Wörter hier"]
    assert [one.text for one in recorded(folder)] == texts
    assert "all prompts are recorded" in asr("record", *command).err


def test_ctrl_c_loses_nothing_and_leaves_the_terminal_as_it_was(
    prompts: Path, takes: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "me"
    terminal = Terminal(prompts, "--to", folder, "--from-wav", takes)
    terminal.until("1 / 3")
    terminal.press("\n")
    terminal.until("kept")
    terminal.until("2 / 3")
    os.kill(terminal.process.pid, signal.SIGINT)
    status, out = terminal.end()
    assert (status, out) == (130, "")
    assert "1 recordings" in terminal.shown
    assert "interrupted" in terminal.shown
    assert "Traceback" not in terminal.shown
    assert len(recorded(folder)) == 1


def test_lines_of_a_pipe_do_for_keys(prompts: Path, takes: Path, tmp_path: Path) -> None:
    folder = tmp_path / "me"
    shown = asr("record", prompts, "--to", folder, "--from-wav", takes, stdin=b"\ns\n")
    assert shown.status == 0
    assert [one.text for one in recorded(folder)] == ["Guten Morgen!"]
    assert "2 are left" in shown.err, "the end of the input quits"


def test_mistakes_are_one_line(prompts: Path, takes: Path, tmp_path: Path) -> None:
    folder = tmp_path / "me"
    empty = tmp_path / "empty.txt"
    empty.write_text("\n  \n")
    one_line(asr_here("record", empty, "--to", folder), "empty.txt", "no prompts")
    one_line(asr_here("record", tmp_path / "none.txt", "--to", folder), "none.txt", "no such file")
    latin = tmp_path / "latin.txt"
    latin.write_bytes("Öl".encode("latin-1"))
    one_line(asr_here("record", latin, "--to", folder), "latin.txt", "UTF-8")
    (tmp_path / "nothing").mkdir()
    shown = asr_here("record", prompts, "--to", folder, "--from-wav", tmp_path / "nothing")
    one_line(shown, "nothing", "no recordings")
    assert not folder.exists()


def test_when_recordings_run_out_what_was_kept_stays(prompts: Path, takes: Path, tmp_path: Path) -> None:
    folder = tmp_path / "me"
    shown = asr("record", prompts, "--to", folder, "--from-wav", takes / "0.wav", stdin=b"\n\n\n")
    assert shown.status == 2
    assert "all its recordings were heard" in shown.err
    assert "Traceback" not in shown.err
    assert len(recorded(folder)) == 1


def test_without_a_microphone_one_line(prompts: Path, tmp_path: Path) -> None:
    missing = "import sys; sys.modules['sounddevice'] = None; from asr.cli import main; main()"
    shown = asr("record", prompts, "--to", tmp_path / "me", code=missing)
    one_line(shown, "pip install 'recurrent-asr[listen]'")


@pytest.mark.data
def test_real_recordings_are_kept_sample_by_sample(data_folder: Path, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("yes\ngo\n")
    speaker = data_folder / "an4/train/an4_clstk/fash"
    shown = asr("record", prompts, "--to", tmp_path / "me", "--from-wav", speaker, stdin=b"\n\n\n\n\n")
    assert shown.status == 0, shown.err
    files = sorted(speaker.glob("*.flac"))
    for utterance, path in zip(recorded(tmp_path / "me"), files, strict=False):
        expected, rate = soundfile.read(path, dtype="int16")
        found, own = soundfile.read(utterance.audio.path, dtype="int16")
        assert own == rate
        np.testing.assert_array_equal(found, expected)
