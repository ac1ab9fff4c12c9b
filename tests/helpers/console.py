"""The command line as a user meets it: in a process of its own, or here for the many small cases."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from unittest import mock

from asr.cli import main

LIMITED = """
import numpy, resource
from asr.audio.features import log_mel
from asr.config import FeatureConfig
log_mel(numpy.zeros(400, "f4"), FeatureConfig())  # what is compiled once is stored before the disk is full
resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}))
"""
"""Code after which every file longer than so many bytes fails as if the disk were full."""

MAIN = "from asr.cli import main; main()"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a command left behind: exit status, standard output, standard error."""

    status: int
    out: str
    err: str


def asr(*arguments: object, stdin: bytes = b"", code: str = "") -> Shown:
    """Runs ``python -m asr …`` in a process of its own, or Python `code` with the same arguments."""
    start = ["-c", code] if code else ["-m", "asr"]
    done = subprocess.run(
        [sys.executable, *start, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=600,
        check=False,
        env=os.environ | {"PYTHONUTF8": "1"},
    )
    return Shown(done.returncode, done.stdout.decode(), done.stderr.decode())


def asr_on_a_terminal(*arguments: object, code: str = "") -> Shown:
    """Runs the same with standard error on a terminal of 80 columns; standard output goes to a pipe.

    Returns:
        What was written to either; that to the terminal with control sequences and lines ended by CRLF.
    """
    start = ["-c", code] if code else ["-m", "asr"]
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, *start, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=os.environ | {"PYTHONUTF8": "1", "TERM": "xterm", "COLUMNS": "80"},
    ) as process:
        os.close(theirs)
        err = b"".join(iter(lambda: _read(ours), b""))
        os.close(ours)
        assert process.stdout
        out = process.stdout.read()
    return Shown(process.returncode, out.decode(), err.decode())


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # so Linux says that nobody writes there any more
        return b""


def asr_here(*arguments: object, stdin: bytes = b"") -> Shown:
    """Runs the command line in this process, which has torch loaded already."""
    out, err = io.StringIO(), io.StringIO()
    given = mock.Mock(buffer=io.BytesIO(stdin))
    with (
        mock.patch.object(sys, "argv", ["asr", *map(str, arguments)]),
        mock.patch.object(sys, "stdin", given),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            return Shown(int(end.code or 0), out.getvalue(), err.getvalue())
    raise AssertionError("the command line did not exit")


def one_line(shown: Shown, *parts: str, status: int = 2) -> None:
    """Checks that a command failed as it should: one line on stderr that says all this, no traceback."""
    assert shown.status == status, shown
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert shown.err.count("\n") == 1, shown.err
    for part in parts:
        assert part in shown.err
