"""Hours of speech in one recording: its words against those of each utterance alone, memory, and time.

    ASR_DATA=… python -m benchmarks.long [--hours 2] [--manifest FILE] [--shifts 0 3.7 11.3] [--json FILE]

Utterances of a manifest are joined, with pauses of 0.2 to 2 seconds that sound like their surroundings, or
like other backgrounds, and written to a file. A bidirectional model hears it as `asr transcribe` does: cut at
pauses, at constant memory. A unidirectional one hears it as a stream with endpoints. Both run in a process of
their own, without torch. A word that was heard belongs to the utterance that it lies in, by its middle.
Before the first utterance lies a pause of each of --shifts, so that the cuts fall elsewhere.

The measure in full is --hours 2; by default it is a few minutes.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.common import Figure, command, figure  # isort: skip

import soundfile

from asr.audio.background import quietest, repeated
from asr.audio.cutting import Cutting
from asr.audio.io import AudioSource, audio_blocks
from asr.bundle import load_bundle
from asr.data.manifest import read_manifest
from asr.errors import RunError
from asr.recognize.endpoint import Endpointing
from asr.recognize.long import parts
from asr.recognize.recognizer import load
from asr.recognize.streaming import StreamingRecognizer
from asr.transcript import Segment, Word
from benchmarks.streams.hours import SHARES, Place, Seams, alone, seams
from benchmarks.streams.material import KINDS, MIXED, Recording, Samples, endless, exported, spoken
from benchmarks.streams.memory import apart, resident

PAUSES = (0.2, 2.0)
"""Seconds between utterances, at least and at most."""

WITHIN = 0.3
"""Per cent of words by which the error rate may differ from that of the utterances alone."""

NO_MODEL = "none"


@dataclass(frozen=True, slots=True)
class Mark:
    """How things stand after one of SHARES: seconds heard, CPU seconds, and bytes of the process."""

    seconds: float
    cpu: float
    resident: float


@dataclass(frozen=True, slots=True)
class Run:
    """What became of a long recording.

    Attributes:
        places: The utterances.
        words: That were heard.
        segments: How many there were.
        skipped: Seconds of silence that were left out.
        marks: On the way.
        peak: Bytes of the process, at most.
    """

    places: tuple[Place, ...]
    words: tuple[Word, ...]
    segments: int
    skipped: float
    marks: tuple[Mark, ...]
    peak: float


@dataclass(slots=True)
class _Notes:
    """What is written down while a recording of so many seconds is heard; see Run."""

    seconds: float
    words: list[Word] = field(default_factory=list)
    segments: int = 0
    skipped: float = 0.0
    marks: list[Mark] = field(default_factory=list)
    begin: float = field(default_factory=time.process_time)

    def take(self, segments: Sequence[Segment], end: float, skipped: float = 0.0) -> None:
        """Takes what was heard until `end`."""
        self.words += [word for segment in segments for word in segment.words]
        self.segments += len(segments)
        self.skipped += skipped
        while len(self.marks) < len(SHARES) and end >= SHARES[len(self.marks)] * self.seconds - 1e-6:
            self.marks.append(Mark(end, time.process_time() - self.begin, resident()))

    def run(self, places: tuple[Place, ...]) -> Run:
        """All of it."""
        counted = 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # now and then a little late
        peak = max([counted, *(mark.resident for mark in self.marks)])
        return Run(places, tuple(self.words), self.segments, self.skipped, tuple(self.marks), peak)


def write(path: Path, known: Sequence[Recording], rate: int, seconds: float, kind: str) -> tuple[Place, ...]:
    """Writes a recording of at least so many seconds, and says where in it each utterance is."""
    places: list[Place] = []
    with soundfile.SoundFile(path, "w", rate, 1, "PCM_16") as file:
        for placed in endless(known, rate, kind, pauses=PAUSES):
            file.write(placed.recording.samples)
            file.write(placed.pause)
            end = placed.first + len(placed.recording.samples)
            places.append(Place(placed.number, (end + len(placed.pause) / 2) / rate))
            if end + len(placed.pause) >= seconds * rate:
                return tuple(places)
    raise AssertionError("utterances end")


def offline(
    longest: float, folder: Path, engine: str, path: Path, shift: Samples, places: tuple[Place, ...]
) -> Run:
    """Transcribes a recording after a pause as `asr transcribe` does, in pieces that are not longer."""
    recognizer = load(folder, engine=engine)
    rate = recognizer.bundle.features.sample_rate
    notes = _Notes(_seconds(path, shift, rate))
    for part in parts(recognizer, _shifted(path, rate, shift), Cutting(longest)):
        notes.take(part.segments, part.end, part.skipped)
    return notes.run(_moved(places, len(shift) / rate))


def stream(folder: Path, engine: str, path: Path, shift: Samples, places: tuple[Place, ...]) -> Run:
    """Hears it as a stream with endpoints, as fast as possible."""
    streaming = StreamingRecognizer(load(folder, engine=engine), endpointing=Endpointing())
    session, rate = streaming.start(), streaming.sample_rate
    notes = _Notes(_seconds(path, shift, rate))
    for block in _shifted(path, rate, shift):
        for first in range(0, len(block), rate // 2):
            session.push(block[first : first + rate // 2])
            segments = session.take()
            notes.take(segments, min(session.seconds, notes.seconds - 1))
    notes.take(session.finish().segments, notes.seconds)
    return notes.run(_moved(places, len(shift) / rate))


def _shifted(path: Path, rate: int, shift: Samples) -> Iterator[Samples]:
    yield shift
    yield from audio_blocks(AudioSource(path), sample_rate=rate)


def _seconds(path: Path, shift: Samples, rate: int) -> float:
    return soundfile.info(path).frames / soundfile.info(path).samplerate + len(shift) / rate


def _moved(places: Sequence[Place], seconds: float) -> tuple[Place, ...]:
    return tuple(Place(place.number, place.end + seconds) for place in places)


def summary(task: str, run: Run, found: Seams) -> list[Figure]:
    """What is told of a recording."""
    values = [
        ("segments", float(run.segments), f"of {found.recordings}"),
        ("silence skipped", run.skipped, "s"),
        ("process, at most", run.peak / 1e6, "MB"),
    ]
    before = Mark(0.0, 0.0, 0.0)
    for share, mark in zip(SHARES, run.marks, strict=True):
        values.append((f"process after {100 * share:.0f} %", mark.resident / 1e6, "MB"))
        if mark.seconds > before.seconds:  # in a short recording, one part may reach both
            spent = (mark.cpu - before.cpu) / (mark.seconds - before.seconds)
            values.append((f"CPU of an hour, to {100 * share:.0f} %", 3600 * spent, "s"))
        before = mark
    for kind, errors in (("long", found.stream), ("alone", found.alone)):
        values.append((f"{kind}, errors", float(errors.errors), f"of {errors.reference}"))
        values.append((f"{kind}, WER", 100 * errors.rate, "%"))
    difference = 100 * (found.stream.rate - found.alone.rate)
    values.append((f"WER, long less alone (≤ {WITHIN})", difference, "%"))
    values.append(("utterances heard differently", float(found.different), f"of {found.recordings}"))
    for kind, count in (("first", found.first), ("last", found.last), ("inner", found.inner)):
        values.append((f"differences, {kind} words", float(count), "words"))
    return [figure(task, what, [value], unit) for what, value, unit in values]


def measure(arguments: argparse.Namespace) -> list[Figure]:
    """Measures what was chosen."""
    if arguments.manifest is None:
        raise RunError("say what to join with --manifest, or set ASR_DATA for that of AN4")
    figures: list[Figure] = []
    for model, hear in (
        (arguments.model, partial(offline, arguments.longest)),
        (arguments.streaming, stream),
    ):
        if str(model) == NO_MODEL:
            continue
        with TemporaryDirectory() as folder:
            own = exported(model, Path(folder) / "model")
            bundle = load_bundle(own, weights=False)
            rate = bundle.features.sample_rate
            known = spoken(list(read_manifest(arguments.manifest))[: arguments.utterances], bundle)
            texts = alone(load(own, engine=arguments.engine), known)
            path = Path(folder) / "long.wav"
            places = write(path, known, rate, 3600 * arguments.hours, arguments.pauses)
            quiet = quietest(known[0].samples, rate)
            for shift in arguments.shifts:
                pause = repeated(quiet, round(shift * rate))
                run = apart(hear, own, arguments.engine, path, pause, places)
                task = f"{model.name}, {places[-1].end / 3600:.2g} h, shift {shift:g} s"
                figures += summary(task, run, seams(run, known, texts))
    return figures


def main() -> int:
    """Measures, prints a table, and writes JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add, data = parser.add_argument, os.environ.get("ASR_DATA")
    manifest = Path(data) / "an4" / "test" / "manifest.jsonl" if data else None
    add("--model", type=Path, default=Path("models/an4-bilstm"), help="bidirectional; none: do without")
    add("--streaming", type=Path, default=Path("models/an4-lstm-streaming"), help="or none")
    add("--manifest", type=Path, default=manifest, help="default: the test split of AN4 in ASR_DATA")
    add("--utterances", type=int, help="take only so many of it")
    add("--engine", default="onnx")
    add(
        "--longest", type=float, default=Cutting().longest, help="seconds of a piece, at most (bidirectional)"
    )
    add("--hours", type=float, default=0.1, help="the full measure is 2")
    add("--pauses", choices=[*KINDS, MIXED], default=MIXED, help="what is heard in them")
    add(
        "--shifts", type=float, nargs="+", default=[0.0, 3.7, 11.3], help="seconds before the first utterance"
    )
    return command("long", parser, measure)


if __name__ == "__main__":
    raise SystemExit(main())
