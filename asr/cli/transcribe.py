"""``asr transcribe``: write down what recordings say."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click

from asr.audio.io import AudioSource, find_recordings, load_bytes
from asr.cli.options import Choice, recognizer_options
from asr.cli.writing import Writing, writing_options
from asr.errors import AudioError
from asr.progress import say, track
from asr.recognize.recognizer import Recognizer
from asr.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Input:
    """Something to transcribe: a file, or standard input where `path` is None.

    Attributes:
        path: The file.
        name: How its output files are called, without extension; may hold folders.
        taken: Whether that is not its own name, which another input has.
    """

    path: Path | None
    name: str
    taken: bool = False

    def __str__(self) -> str:
        return str(self.path) if self.path else "-"


@dataclass(frozen=True, slots=True)
class Listening:
    """The channel to listen to, and how many readings are wanted."""

    channel: int | None
    nbest: int


@click.command("transcribe")
@click.argument("files", nargs=-1, required=True, metavar="FILES...")
@recognizer_options
@writing_options
@click.option(
    "--nbest",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Write so many readings of each recording, best first: txt has a total and a text a line, json has "
    "also the parts of the total, in nats; the other formats have the best one.",
)
@click.option(
    "--channel", type=click.IntRange(min=0), help="Listen to one channel, from 0 on; default: the mean."
)
@click.option(
    "--threads",
    type=click.IntRange(min=0),
    default=0,
    help="Threads that compute. Default: 1 with onnx, and what torch takes with torch.",
)
def command(
    files: tuple[str, ...],
    choice: Choice,
    writing: Writing,
    nbest: int,
    channel: int | None,
    threads: int,
) -> int:
    """Write down what FILES say: recordings, folders of them, or - for standard input.

    Text goes to stdout, everything else to stderr. A file that cannot be read is reported, the
    others are still transcribed, and the exit status is 1. Names of options may be written with
    underscores, as whisper's are.

    \b
    asr transcribe talk.mp3 --model runs/an4/bundle
    asr transcribe talk.mp3 --model runs/an4/bundle -f srt --max-line-count 2 > talk.srt
    asr transcribe recordings/ --model runs/an4/bundle -f all -o texts/
    asr transcribe talk.mp3 --model runs/an4/bundle --lm lm.arpa --hotwords names.txt
    asr transcribe talk.mp3 --model runs/an4/bundle --output_format vtt --output_dir . --threads 4
    """
    writing = replace(writing, named=len(files) > 1 or is_folder(files[0]))
    writing.check()
    recognizer = choice.load(search=nbest > 1)
    if threads:
        _use_threads(recognizer, threads)
    if {"json", "ctm"} & set(writing.formats) and recognizer.bundle.calibrations:
        _note_calibration(recognizer)
    return _transcribe_all(recognizer, list(_inputs(files)), Listening(channel, nbest), writing)


def _use_threads(recognizer: Recognizer, count: int) -> None:
    from asr.graphs import ONNX, ONNX_INT8
    from asr.recognize.onnx_engine import OnnxEngine

    engine = recognizer.engine
    if isinstance(engine, OnnxEngine):
        recognizer.engine = OnnxEngine(recognizer.bundle, ONNX_INT8 if engine.variant else ONNX, count)
    else:
        import torch

        torch.set_num_threads(count)


def _note_calibration(recognizer: Recognizer) -> None:
    if recognizer.calibration is None:
        say("the confidences of words are not calibrated for these options; asr calibrate does it")


def _transcribe_all(
    recognizer: Recognizer, inputs: list[Input | AudioError], wanted: Listening, writing: Writing
) -> int:
    """Transcribes one after the other, and says with which status to exit."""
    printed = writing.folder is None and sys.stdout.isatty()  # the texts show the progress
    failed = 0
    for entry in track(inputs, "transcribing", hidden=printed or len(inputs) < 2):
        try:
            if isinstance(entry, AudioError):
                raise entry
            transcript = _transcribe(recognizer, entry, wanted)
            writing.deliver(transcript, str(entry), entry.name)
            if entry.taken and writing.folder is not None:
                say(f"note: {entry}: its files are called {entry.name}, for another input had its name first")
        except AudioError as error:
            say(f"error: {error}")
            failed += 1
    if failed and writing.named:
        say(f"{failed} of the inputs could not be transcribed")
    return 1 if failed else 0


def _inputs(files: Iterable[str]) -> Iterator[Input | AudioError]:
    """Unfolds folders; what cannot be unfolded becomes an error in its place."""
    taken: set[str] = set()
    for file in files:
        if file == "-":
            yield _named(None, "stdin", taken)
        elif is_folder(file):
            try:
                for path in find_recordings(Path(file)):
                    yield _named(path, str(path.relative_to(file).with_suffix("")), taken)
            except AudioError as error:
                yield error
        else:
            yield _named(Path(file), Path(file).stem, taken)


def is_folder(file: str) -> bool:
    """Whether a name on the command line is that of a folder."""
    try:
        return bool(file) and Path(file).is_dir()
    except OSError:  # too long, or no permission: whoever reads it will say so
        return False


def _named(path: Path | None, name: str, taken: set[str]) -> Input:
    """Numbers a name that is taken: a, a-2, a-3. Some file systems make no difference between a and A."""
    number, unused = 1, name
    while unused.casefold() in taken:
        number += 1
        unused = f"{name}-{number}"
    taken.add(unused.casefold())
    return Input(path, unused, taken=number > 1)


def _transcribe(recognizer: Recognizer, entry: Input, wanted: Listening) -> Transcript:
    channel, nbest = wanted.channel, wanted.nbest
    if entry.path is not None:
        return recognizer.transcribe(AudioSource(entry.path), channel=channel, nbest=nbest)
    rate = recognizer.bundle.features.sample_rate
    content = sys.stdin.buffer.read()
    samples = load_bytes(content, "standard input", sample_rate=rate, channel=channel)
    return recognizer.transcribe_samples(samples, nbest=nbest)
