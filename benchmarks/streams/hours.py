"""Hours of speech through one session: its memory, and its words against those of each recording alone.

Recordings are joined with pauses of random lengths and pushed fast. A word that was heard belongs to the
recording that it lies in, by its middle; a pause belongs half to either.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmarks.common import Figure, figure  # isort: skip

from asr.bundle import load_bundle
from asr.recognize.endpoint import Endpointing
from asr.recognize.recognizer import Recognizer, load
from asr.recognize.streaming import StreamingRecognizer, StreamingSession
from asr.text.error_rate import ErrorCounts, align_words, word_errors
from asr.transcript import Word
from benchmarks.streams.material import Recording, endless, recordings
from benchmarks.streams.memory import apart, resident

PUSH = 0.5
"""Seconds that are pushed at once."""
SHARES = (0.1, 0.5, 1.0)
"""Of the stream, after which the memory is looked at."""
WITHIN = 0.5
"""Per cent of words by which the error rate may differ from that of the recordings alone."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is heard: how many hours, with which kinds of pauses, of which recordings: `test` or `dev`."""

    hours: float
    kinds: Sequence[str]
    split: str


@dataclass(frozen=True, slots=True)
class Place:
    """A recording in the stream: its number, and the middle of the pause after it, in seconds."""

    number: int
    end: float


@dataclass(frozen=True, slots=True)
class Run:
    """What became of a long stream.

    Attributes:
        seconds: Of the stream.
        cpu: Seconds that it took.
        resident: Bytes of the process after each of SHARES.
        stored: Bytes of the session at the same times.
        places: The recordings.
        words: That were heard.
        cuts: Seconds at which segments with words ended.
    """

    seconds: float
    cpu: float
    resident: tuple[float, ...]
    stored: tuple[float, ...]
    places: tuple[Place, ...]
    words: tuple[Word, ...]
    cuts: tuple[float, ...]


class Heard(Protocol):
    """What was heard of recordings that were joined."""

    @property
    def places(self) -> Sequence[Place]:
        """The recordings."""

    @property
    def words(self) -> Sequence[Word]:
        """What was heard, with times from the beginning."""


@dataclass(frozen=True, slots=True)
class Seams:
    """Errors of the stream and of the recordings alone, and where the two differ.

    Attributes:
        stream, alone: Errors.
        recordings: How many there were.
        different: Those with other words than alone.
        first, last, inner: Differences in their first words, their last words, and others.
    """

    stream: ErrorCounts
    alone: ErrorCounts
    recordings: int
    different: int
    first: int
    last: int
    inner: int


def measure(name: str, folder: Path, engines: Sequence[str], data: Path, plan: Plan) -> list[Figure]:
    """Memory and word errors of long streams."""
    figures: list[Figure] = []
    known = recordings(data, load_bundle(folder, weights=False), plan.split)
    for engine in engines:
        texts = alone(load(folder, engine=engine), known)
        for kind in plan.kinds:
            run = apart(listen, folder, engine, known, 3600 * plan.hours, kind)
            task = f"{name}, {engine}, {run.seconds / 3600:.2g} h, {plan.split}, {kind}"
            figures += summary(task, run, seams(run, known, texts))
    return figures


def summary(task: str, run: Run, found: Seams) -> list[Figure]:
    """What is told of a long stream."""
    values = [("speed", run.seconds / run.cpu, "x real time")]
    for share, memory, stored in zip(SHARES, run.resident, run.stored, strict=True):
        values.append((f"process after {100 * share:.0f} %", memory / 1e6, "MB"))
        values.append((f"session after {100 * share:.0f} %, stored", stored / 1e3, "kB"))
    for kind, errors in (("stream", found.stream), ("alone", found.alone)):
        values.append((f"{kind}, errors", float(errors.errors), f"of {errors.reference}"))
        values.append((f"{kind}, WER", 100 * errors.rate, "%"))
    values.append(("WER, stream less alone", 100 * (found.stream.rate - found.alone.rate), "%"))
    values.append(("segments", float(len(run.cuts)), f"of {found.recordings}"))
    values.append(("recordings heard differently", float(found.different), f"of {found.recordings}"))
    for kind, count in (("first", found.first), ("last", found.last), ("inner", found.inner)):
        values.append((f"differences, {kind} words", float(count), "words"))
    return [figure(task, what, [value], unit) for what, value, unit in values]


def listen(
    folder: Path,
    engine: str,
    known: Sequence[Recording],
    seconds: float,
    kind: str,
    endpointing: Endpointing | None = None,
) -> Run:
    """Pushes recordings, with pauses of a kind, until there were so many seconds."""
    endpointing = endpointing or Endpointing()
    streaming = StreamingRecognizer(load(folder, engine=engine), endpointing=endpointing)
    session, rate = streaming.start(), streaming.sample_rate
    marks = [share * seconds for share in SHARES]
    notes = _Notes()
    begin = time.process_time()
    for placed in endless(known, rate, kind):
        for samples in (placed.recording.samples, placed.pause):
            for first in range(0, len(samples), round(PUSH * rate)):
                session.push(samples[first : first + round(PUSH * rate)])
                _take(session, notes.words, notes.cuts)
        spoken = placed.first + len(placed.recording.samples)
        notes.places.append(Place(placed.number, (spoken + len(placed.pause) / 2) / rate))
        while marks and session.seconds >= marks[0]:
            marks.pop(0)
            notes.memory.append(resident())
            notes.stored.append(float(len(session.save())))
        if not marks:
            break
    transcript = session.finish()
    notes.words += [word for segment in transcript.segments for word in segment.words]
    return notes.run(transcript.duration, time.process_time() - begin)


@dataclass(slots=True)
class _Notes:
    """What is written down while a stream is heard; see Run."""

    places: list[Place] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    cuts: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    stored: list[float] = field(default_factory=list)

    def run(self, seconds: float, cpu: float) -> Run:
        """All of it."""
        memory, stored = tuple(self.memory), tuple(self.stored)
        return Run(seconds, cpu, memory, stored, tuple(self.places), tuple(self.words), tuple(self.cuts))


def _take(session: StreamingSession, words: list[Word], cuts: list[float]) -> None:
    for segment in session.take():
        words += segment.words
        cuts.append(segment.end)


def alone(recognizer: Recognizer, known: Sequence[Recording]) -> list[str]:
    """What is heard in each recording by itself."""
    return [recognizer.transcribe_samples(recording.samples).text for recording in known]


def seams(run: Heard, known: Sequence[Recording], texts: Sequence[str]) -> Seams:
    """Compares what was heard in the stream with the references and with the texts of recordings alone."""
    ends = [place.end for place in run.places]
    heard: dict[int, list[str]] = defaultdict(list)
    for word in run.words:
        found = bisect_right(ends, (word.start + word.end) / 2)
        heard[min(found, len(ends) - 1)].append(word.text)
    stream, single = ErrorCounts.zero(), ErrorCounts.zero()
    different, changes = 0, [0, 0, 0]
    for number, place in enumerate(run.places):
        text, expected = " ".join(heard[number]), texts[place.number]
        stream += word_errors(known[place.number].text, text)
        single += word_errors(known[place.number].text, expected)
        different += text != expected
        for kind, count in enumerate(differences(expected, text)):
            changes[kind] += count
    return Seams(stream, single, len(run.places), different, *changes)


def differences(expected: str, text: str) -> tuple[int, int, int]:
    """How many words differ between two texts: at the beginning, at the end, and between."""
    changed = [column.op != "equal" for column in align_words(expected, text)]
    if not any(changed):
        return 0, 0, 0
    inner = sum(changed[1:-1])
    return int(changed[0]), int(len(changed) > 1 and changed[-1]), inner
