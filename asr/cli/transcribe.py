"""``asr transcribe``: write down what recordings say."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import click

from asr.cli.hearing import Listening, listening_options, seconds
from asr.cli.inputs import Input, is_folder, unfolded
from asr.cli.options import Choice, recognizer_options
from asr.cli.writing import Writing, writing_options
from asr.errors import AudioError
from asr.progress import counter, say, visible
from asr.recognize.long import Part, joined
from asr.recognize.recognizer import Recognizer


@click.command("transcribe")
@click.argument("files", nargs=-1, required=True, metavar="FILES...")
@recognizer_options
@writing_options
@listening_options
@click.option(
    "--nbest",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Write so many readings of each recording, best first: txt has a total and a text a line, json has "
    "also the parts of the total, in nats; the other formats have the best one. No recording is then cut.",
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
    listening: Listening,
    nbest: int,
    threads: int,
) -> int:
    """Write down what FILES say: recordings, folders of them, or - for standard input.

    Text goes to stdout, everything else to stderr. A file that cannot be read is reported, the
    others are still transcribed, and the exit status is 1. After Ctrl-C, what was heard of a long
    recording is written to NAME.partial.txt, or printed, and --skip-existing goes on with the rest.
    Names of options may be written with underscores, as whisper's are.

    \b
    asr transcribe talk.mp3 --model runs/an4/bundle
    asr transcribe talk.mp3 --model runs/an4/bundle -f srt --max-line-count 2 > talk.srt
    asr transcribe recordings/ --model runs/an4/bundle -f all -o texts/ --skip-existing
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
    batch = Batch(recognizer, listening, writing, nbest)
    return batch.run(list(unfolded(files)))


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


@dataclass(slots=True)
class Batch:
    """Recordings that are transcribed one after the other.

    Attributes:
        recognizer: Hears them.
        listening: To which channel; how long ones are cut.
        writing: Where the transcripts go.
        nbest: How many readings of each.
        done, failed, there: How many were transcribed, could not be, and had been before.
        heard: The parts of the one that is being transcribed.
    """

    recognizer: Recognizer
    listening: Listening
    writing: Writing
    nbest: int = 1
    done: int = 0
    failed: int = 0
    there: int = 0
    heard: list[Part] = field(default_factory=list)

    def run(self, inputs: list[Input | AudioError]) -> int:
        """Transcribes them, and says with which status to exit."""
        with counter("transcribing", len(inputs), hidden=not self._slow(inputs)) as advance:
            for entry in inputs:
                try:
                    self._one(entry, advance)
                except AudioError as error:
                    say(f"error: {error}")
                    self.failed += 1
                    self._keep(entry)
                except KeyboardInterrupt:
                    self._keep(entry)
                    if self.writing.folder is not None and len(inputs) > 1:
                        say(f"{self.done} of {len(inputs)} are done; --skip-existing goes on with the rest")
                    raise
        if self.there:
            say(f"{self.there} of the recordings had been transcribed before, and were left as they are")
        if self.failed and self.writing.named:
            say(f"{self.failed} of the inputs could not be transcribed")
        return 1 if self.failed else 0

    def _slow(self, inputs: list[Input | AudioError]) -> bool:
        """Whether there is something to wait for, and no text that shows the progress."""
        if len(inputs) > 1:
            return self.writing.folder is not None or not sys.stdout.isatty()
        cutting = self.listening.cutting
        return visible() and cutting is not None and seconds(inputs[0]) > cutting.longest

    def _one(self, entry: Input | AudioError, advance: Callable[[float], None]) -> None:
        """Transcribes a recording; `advance` is told by which share of it that has come on."""
        self.heard = []
        if isinstance(entry, AudioError):
            advance(1)
            raise entry
        if self.writing.finished(entry.name):
            self.there += 1
            advance(1)
            return
        share = 0.0
        try:
            length = seconds(entry) if visible() else 0.0
            cutting = self.listening.cutting
            if cutting is None or self.nbest > 1:
                transcript = self.listening.whole(self.recognizer, entry, self.nbest)
            else:
                for part in self.listening.parts(self.recognizer, entry, cutting):
                    self.heard.append(part)
                    now = min(1.0, part.end / length) if length else share
                    advance(now - share)
                    share = now
                transcript = joined(self.heard)
        finally:
            advance(1 - share)
        self.writing.deliver(transcript, str(entry), entry.name)
        self.done += 1
        if skipped := sum(part.skipped for part in self.heard):
            say(f"note: {entry}: {skipped:.1f} s of silence were skipped")
        if entry.taken and self.writing.folder is not None:
            say(f"note: {entry}: its files are called {entry.name}, for another input had its name first")

    def _keep(self, entry: Input | AudioError) -> None:
        """Delivers what was heard of a recording that could not be transcribed to its end."""
        if isinstance(entry, AudioError) or not self.heard:
            return
        beginning = joined(self.heard)
        where = self.writing.deliver(beginning, str(entry), entry.name, partial=True)
        say(f"{entry}: the first {beginning.duration:.1f} s were transcribed{where}")
