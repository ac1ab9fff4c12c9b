"""Commands of asr as the steps of a script: each is printed, and runs in the process of the script."""

from __future__ import annotations

import io
import shlex
from contextlib import redirect_stdout

import click

from asr.cli import group


def asr(*arguments: object) -> str:
    """Runs a command; what it says on stdout is printed, and given.

    Raises:
        AsrError: Where the command has an error to tell.
        KeyboardInterrupt: If it was interrupted, and has told so.
    """
    words = [str(argument) for argument in arguments]
    click.echo(f"\n$ asr {shlex.join(words)}")
    said = io.StringIO()
    with redirect_stdout(said):
        status = group.main(words, prog_name="asr", standalone_mode=False)
    click.echo(said.getvalue(), nl=False)
    if status:
        raise KeyboardInterrupt
    return said.getvalue()
