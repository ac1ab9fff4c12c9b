"""The command line: ``asr COMMAND``. Each command is a file, imported when it is called."""

from __future__ import annotations

import errno
import logging
import os
import sys
from importlib import import_module

import click

from asr import __version__
from asr.errors import AsrError, did_you_mean

COMMANDS = {
    "train": "Train a model from a recipe.",
    "finetune": "Train a model on, on your own voice, words or room.",
    "evaluate": "Word and character error rates of a model on a manifest.",
    "transcribe": "Write down what recordings say.",
    "report": "Show recordings, words and errors on a page for the browser.",
    "stream": "Write down a recording as if it were being spoken.",
    "listen": "Write down what is said into a microphone.",
    "record": "Read prompts aloud, and get recordings to train on.",
    "serve": "Recognise speech for other programs and for the browser.",
    "align": "Find when the words of a known text are spoken.",
    "calibrate": "Make confidences of words as often right as they say.",
    "lm": "Make n-gram language models from text, and judge them.",
    "lexicon": "Say how words are pronounced, or guess it from their letters.",
    "export": "Make a model faster, and free of torch, with ONNX Runtime.",
    "check": "Look for mistakes in a manifest before training on it.",
    "reproduce": "Run a row of the table of results again, and compare.",
    "verify": "Prove again, on this machine, what is promised of a model.",
    "doctor": "Look at this machine: what works, what is missing, how to get it.",
}
EXTRA = {
    **dict.fromkeys(
        ("torch", "torchaudio", "librosa", "matplotlib", "psutil", "tensorboard", "filelock"), "train"
    ),
    "onnx": "export",
    "sounddevice": "listen",
    **dict.fromkeys(("fastapi", "uvicorn", "websockets", "python_multipart", "prometheus_client"), "serve"),
}
"""The extra that brings a package which the core can do without."""
FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}


class LazyCommands(click.Group):
    """Lists all commands from a table, and imports only the one that is called."""

    def list_commands(self, context: click.Context) -> list[str]:
        """The names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Imports a command."""
        if name not in COMMANDS:
            return None
        command = import_module(f"asr.cli.{name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggests the nearest command where there is none of that name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"no command {args[0]!r}{did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(context, args)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the table into the help text without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


class Notes(logging.Handler):
    """Prints what is logged on standard error, above a progress bar where there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        """Prints a line."""
        from asr.progress import say

        say(self.format(record))


@click.command(
    cls=LazyCommands,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "token_normalize_func": lambda name: name.replace("_", "-"),
    },
)
@click.version_option(__version__, prog_name="asr")
def group() -> None:
    """Speech recognition with recurrent networks.

    Start with a manifest: python -m data_prep makes one. Then asr train RECIPE --data DIR --out RUN,
    and asr transcribe RECORDING --model RUN/bundle. Results go to stdout, messages to stderr.
    """


def main() -> None:
    """Runs the command line; errors that a person can mend become one line and status 2."""
    run(group)


def run(command: click.Command) -> None:
    """Runs a click command with the toolkit's manners, and exits with its status."""
    logging.basicConfig(level=logging.WARNING, format="note: %(message)s", handlers=[Notes()])
    logging.getLogger("asr").setLevel(logging.INFO)
    try:
        status = command.main(standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except AsrError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.status)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except ModuleNotFoundError as error:
        if error.name not in EXTRA:
            raise
        extra = EXTRA[error.name]
        click.echo(f"error: {error.name} is not installed; pip install 'recurrent-asr[{extra}]'", err=True)
        sys.exit(2)
    except OSError as error:
        if error.errno not in FULL or error.filename is not None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the exit would try again
        click.echo(f"error: standard output: {error.strerror}; free some space", err=True)
        sys.exit(2)
