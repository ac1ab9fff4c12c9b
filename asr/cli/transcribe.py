"""``asr transcribe``: write down what recordings say."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from asr.audio.io import AudioSource, find_recordings, load_bytes
from asr.cli.options import Choice, recognizer_options
from asr.errors import AudioError
from asr.files import write_atomically
from asr.progress import say, track
from asr.recognize.formats import FORMATS
from asr.recognize.recognizer import Recognizer
from asr.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Input:
    """Something to transcribe: a file, or standard input where `path` is None.

    Attributes:
        path: The file.
        name: How its output files are called, without extension; may hold folders.
    """

    path: Path | None
    name: str


@dataclass(frozen=True, slots=True)
class Listening:
    """The channel to listen to, and how many readings are wanted."""

    channel: int | None
    nbest: int


@click.command("transcribe")
@click.argument("files", nargs=-1, required=True, metavar="FILES...")
@recognizer_options
@click.option(
    "-f",
    "--output-format",
    type=click.Choice([*FORMATS, "all"]),
    default="txt",
    show_default=True,
    help="txt: the text; json: words with times and probabilities; all: both, with -o.",
)
@click.option(
    "--nbest",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Write so many readings of each recording, best first: txt has a total and a text a line, json has "
    "also the parts of the total, in nats.",
)
@click.option(
    "-o",
    "--output-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write one file per recording here, not to stdout.",
)
@click.option(
    "--channel", type=click.IntRange(min=0), help="Listen to one channel, from 0 on; default: the mean."
)
def command(
    files: tuple[str, ...],
    choice: Choice,
    output_format: str,
    output_dir: Path | None,
    nbest: int,
    channel: int | None,
) -> int:
    """Write down what FILES say: recordings, folders of them, or - for standard input.

    Text goes to stdout, everything else to stderr. A file that cannot be read is reported, the
    others are still transcribed, and the exit status is 1.

    \b
    asr transcribe talk.mp3 --model runs/an4/bundle
    asr transcribe recordings/ --model runs/an4/bundle -f all -o texts/
    asr transcribe talk.mp3 --model runs/an4/bundle --lm lm.arpa --hotwords names.txt
    """
    if output_format == "all" and output_dir is None:
        raise click.UsageError("-f all writes several files for each recording: name a folder with -o")
    recognizer = choice.load(search=nbest > 1)
    wanted = Listening(channel, nbest)
    formats = list(FORMATS) if output_format == "all" else [output_format]
    if "json" in formats and recognizer.bundle.calibrations and recognizer.calibration is None:
        say("the confidences of words are not calibrated for these options; asr calibrate does it")
    inputs = list(_inputs(files))
    many = len(files) > 1 or _is_folder(files[0])
    printed = output_dir is None and sys.stdout.isatty()  # the texts show the progress
    failed = 0
    for entry in track(inputs, "transcribing", hidden=printed or len(inputs) < 2):
        try:
            if isinstance(entry, AudioError):
                raise entry
            transcript = _transcribe(recognizer, entry, wanted)
            _deliver(transcript, entry, formats, output_dir, many)
        except AudioError as error:
            say(f"error: {error}")
            failed += 1
    if failed and many:
        say(f"{failed} of the inputs could not be transcribed")
    return 1 if failed else 0


def _inputs(files: Iterable[str]) -> Iterator[Input | AudioError]:
    """Unfolds folders; what cannot be unfolded becomes an error in its place."""
    taken: set[str] = set()
    for file in files:
        if file == "-":
            yield Input(None, _unused("stdin", taken))
        elif _is_folder(file):
            try:
                for path in find_recordings(Path(file)):
                    yield Input(path, _unused(str(path.relative_to(file).with_suffix("")), taken))
            except AudioError as error:
                yield error
        else:
            yield Input(Path(file), _unused(Path(file).stem, taken))


def _is_folder(file: str) -> bool:
    try:
        return bool(file) and Path(file).is_dir()
    except OSError:  # too long, or no permission: whoever reads it will say so
        return False


def _unused(name: str, taken: set[str]) -> str:
    """Numbers a name that is taken: a, a-2, a-3."""
    number, unused = 1, name
    while unused in taken:
        number += 1
        unused = f"{name}-{number}"
    taken.add(unused)
    return unused


def _transcribe(recognizer: Recognizer, entry: Input, wanted: Listening) -> Transcript:
    channel, nbest = wanted.channel, wanted.nbest
    if entry.path is not None:
        return recognizer.transcribe(AudioSource(entry.path), channel=channel, nbest=nbest)
    rate = recognizer.bundle.features.sample_rate
    content = sys.stdin.buffer.read()
    samples = load_bytes(content, "standard input", sample_rate=rate, channel=channel)
    return recognizer.transcribe_samples(samples, nbest=nbest)


def _deliver(
    transcript: Transcript, entry: Input, formats: list[str], folder: Path | None, many: bool
) -> None:
    name = str(entry.path) if entry.path else "-"
    for extension in formats:
        content = FORMATS[extension](transcript, name)
        if folder is not None:
            write_atomically(folder / f"{entry.name}.{extension}", content)
        elif extension == "txt" and many:
            lines = content.splitlines() if transcript.alternatives else [transcript.text]
            click.echo("".join(f"{name}: {line}\n" for line in lines), nl=False)
        else:
            click.echo(content, nl=False)
