"""Files are whole or not there at all, whatever happens while they are written."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from asr.errors import RunError
from asr.files import write_atomically
from tests.helpers.disk import full_beyond

PAUSED = """
import os, sys
from pathlib import Path
from asr.files import write_atomically
def fsync(file):
    print("written aside", flush=True)
    sys.stdin.read()
os.fsync = fsync
write_atomically(Path(sys.argv[1]), "from another process")
"""
"""Writes a file, but waits for its standard input to close between writing aside and renaming."""


def paused(path: Path) -> subprocess.Popen[str]:
    """A process in the middle of writing a file."""
    command = [sys.executable, "-c", PAUSED, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "written aside\n"
    return process


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


@pytest.mark.parametrize("content", ["größe\n", b"\x00\xff\r\n", "", b""])
def test_what_is_written_is_read_and_nothing_else_is_there(tmp_path: Path, content: bytes | str) -> None:
    path = tmp_path / "new" / "folder" / "a.txt"
    for _ in range(2):
        write_atomically(path, content)
        assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
        assert names(path.parent) == {"a.txt"}


def test_a_file_may_have_as_long_a_name_as_the_system_allows(tmp_path: Path) -> None:
    path = tmp_path / ("日" * 83 + ".json")
    write_atomically(path, "{}")
    assert path.read_text() == "{}"


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_atomically(path, "old")
    message = r"a\.txt: cannot be written: File too large; free some space$"
    with full_beyond(100), pytest.raises(RunError, match=message):
        write_atomically(path, "new" * 100)
    assert path.read_text() == "old"
    assert names(tmp_path) == {"a.txt"}


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"a\.txt: cannot be written: .*; choose another place$"):
        write_atomically(tmp_path / "file" / "a.txt", "x")


def test_what_a_killed_process_left_is_removed_by_the_next_writer(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    others = {".asr-notes.tmp", ".asr-another machine-999999999-0.tmp"}
    for name in others:
        (tmp_path / name).touch()
    with paused(path) as process:
        process.send_signal(signal.SIGKILL)
    assert path.read_text() == "old"
    assert len(names(tmp_path)) == 4
    write_atomically(path, "new")
    assert path.read_text() == "new"
    assert names(tmp_path) == {"a.txt", *others}


def test_two_writers_of_one_file_do_not_disturb_each_other(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with paused(path) as process:
        write_atomically(path, "from this process")
        assert path.read_text() == "from this process"
        assert len(names(tmp_path)) == 2
    assert process.returncode == 0
    assert path.read_text() == "from another process"
    assert names(tmp_path) == {"a.txt"}
