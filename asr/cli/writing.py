"""Options for how transcripts are written down, and the writing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from asr.files import write_atomically
from asr.recognize.formats import FORMATS, LINE, UNKNOWN, Style
from asr.transcript import Transcript

ALL = "all"
SHARED = ("txt", "json", "ctm")
"""Formats of which several recordings can share a stream."""

_OPTIONS = (
    click.option(
        "-f",
        "--output-format",
        type=click.Choice([*FORMATS, ALL], case_sensitive=False),
        default="txt",
        show_default=True,
        help="txt: the text; srt, vtt: subtitles; tsv: start and end (ms) and text of segments; json: words "
        "with times and probabilities; ctm: a line a word, for sclite; TextGrid: for Praat; all: each of "
        "them, with -o.",
    ),
    click.option(
        "-o",
        "--output-dir",
        type=click.Path(path_type=Path, file_okay=False),
        help="Write one file per recording here, not to stdout.",
    ),
    click.option(
        "--skip-existing",
        is_flag=True,
        help="With -o: leave recordings alone whose files are all there, as after an interruption. Whether "
        "they were written with the same options is not known.",
    ),
    click.option(
        "--max-line-width",
        type=click.IntRange(min=1),
        default=LINE,
        show_default=True,
        help="Characters of a line of subtitles; those of East Asia count twice. Words are never cut.",
    ),
    click.option(
        "--max-line-count",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Lines of a subtitle.",
    ),
    click.option(
        "--word-timestamps",
        type=bool,
        metavar="True|False",
        default=True,
        show_default=True,
        help="Whether json has the words of segments, with their times.",
    ),
    click.option(
        "--language",
        default=UNKNOWN,
        help="What json says is spoken, such as en; what is understood is up to the model.",
    ),
)


@dataclass(frozen=True, slots=True)
class Writing:
    """What to write, and where.

    Attributes:
        formats: Names in `FORMATS`.
        folder: Where files go; None for standard output.
        style: Of subtitles and JSON.
        named: Whether there are several recordings, which have to be told apart on standard output.
        skip: Whether recordings are left alone that have all of their files.
    """

    formats: tuple[str, ...]
    folder: Path | None
    style: Style
    named: bool = False
    skip: bool = False

    def check(self) -> None:
        """Raises UsageError if standard output cannot hold it."""
        if self.folder is not None:
            return
        if self.skip:
            raise click.UsageError("--skip-existing is about files: name their folder with -o")
        if len(self.formats) > 1:
            raise click.UsageError("-f all writes several files for each recording: name a folder with -o")
        if self.named and self.formats[0] not in SHARED:
            (form,) = self.formats
            raise click.UsageError(f"-f {form} makes a file of each recording: name a folder with -o")

    def finished(self, name: str) -> bool:
        """Whether a recording is to be left alone, as its files are there."""
        return self.skip and all(self._file(name, extension).exists() for extension in self.formats)

    def deliver(self, transcript: Transcript, recording: str, name: str, *, partial: bool = False) -> str:
        """Writes files, each aside first, or to standard output.

        Args:
            transcript: Of the recording.
            recording: What it is called in what is written.
            name: How its files are called, without extension; may hold folders.
            partial: Whether the recording goes on: its files are then called NAME.partial, and go once
                the others are there.

        Returns:
            Where they are, for a message; nothing for standard output.
        """
        for extension in self.formats:
            content = FORMATS[extension](transcript, recording, self.style)
            if self.folder is not None:
                write_atomically(self._file(name, extension, partial), content)
                if not partial:
                    self._file(name, extension, partial=True).unlink(missing_ok=True)
            elif extension == "txt" and self.named:
                lines = content.splitlines() if transcript.alternatives else [transcript.text]
                click.echo("".join(f"{recording}: {line}\n" for line in lines), nl=False)
            else:
                click.echo(content, nl=False)
        return f"; they are in {self._file(name, self.formats[0], partial)}" if self.folder else ""

    def _file(self, name: str, extension: str, partial: bool = False) -> Path:
        return (self.folder or Path()) / f"{name}{'.partial' if partial else ''}.{extension}"


def writing_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds options for the writing to a command, which gets them as one `writing`."""

    @wraps(function)
    def command(
        output_format: str, output_dir: Path | None, word_timestamps: bool, language: str, **others: Any
    ) -> Any:
        skip = others.pop("skip_existing")
        formats = tuple(FORMATS) if output_format == ALL else (output_format,)
        lines = others.pop("max_line_width"), others.pop("max_line_count")
        style = Style(*lines, words=word_timestamps, language=language)
        return function(writing=Writing(formats, output_dir, style, skip=skip), **others)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command
