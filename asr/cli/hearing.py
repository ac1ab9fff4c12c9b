"""How commands hear recordings that may be long: options, part after part, and how far they are."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

from asr.audio.cutting import LEAST_SKIPPED, SHORTEST, Cutting
from asr.audio.io import AudioSource, Encoded, audio_blocks, load_audio, load_bytes, probe
from asr.cli.inputs import Input
from asr.errors import AudioError
from asr.recognize.long import Part, parts
from asr.recognize.recognizer import Recognizer
from asr.transcript import Transcript

_OPTIONS = (
    click.option(
        "--segment-seconds",
        type=click.FloatRange(min=0),
        default=Cutting().longest,
        show_default=True,
        help="Longer recordings are cut at pauses into segments of so many seconds at most, which are heard "
        "one by one, so that memory does not grow with length; 0: never cut.",
    ),
    click.option(
        "--skip-silence",
        type=click.FloatRange(min=LEAST_SKIPPED),
        metavar="SECONDS",
        help="Leave out silences of long recordings that last longer than this; how much that was is said. "
        "Default: everything is heard.",
    ),
    click.option(
        "--channel", type=click.IntRange(min=0), help="Listen to one channel, from 0 on; default: the mean."
    ),
)


@dataclass(frozen=True, slots=True)
class Listening:
    """What to listen to, and how.

    Attributes:
        channel: Counted from 0; None for the mean of all.
        cutting: How long recordings are cut; None where they are not.
    """

    channel: int | None
    cutting: Cutting | None

    def whole(self, recognizer: Recognizer, entry: Input, nbest: int) -> Transcript:
        """Transcribes a recording that is not cut. Raises AudioError if it cannot be read."""
        rate = recognizer.bundle.features.sample_rate
        source = _source(entry)
        if isinstance(source, Encoded):
            samples = load_bytes(source.content, source.name, sample_rate=rate, channel=self.channel)
        else:
            samples = load_audio(source, sample_rate=rate, channel=self.channel)
        return recognizer.transcribe_samples(samples, nbest=nbest)

    def parts(self, recognizer: Recognizer, entry: Input, cutting: Cutting) -> Iterator[Part]:
        """Transcribes a recording part after part. Raises AudioError where it cannot be read."""
        rate = recognizer.bundle.features.sample_rate
        blocks = audio_blocks(_source(entry), sample_rate=rate, channel=self.channel)
        return parts(recognizer, blocks, cutting)


def listening_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds options for the hearing to a command, which gets them as one `listening`."""

    @wraps(function)
    def command(
        segment_seconds: float, skip_silence: float | None, channel: int | None, **others: Any
    ) -> Any:
        if 0 < segment_seconds < SHORTEST:
            raise click.UsageError(f"--segment-seconds must be at least {SHORTEST:g}, or 0 to cut nothing")
        if not segment_seconds and skip_silence:
            raise click.UsageError("--skip-silence goes with cutting; leave out --segment-seconds 0")
        cutting = Cutting(segment_seconds, skip_silence or float("inf")) if segment_seconds else None
        return function(listening=Listening(channel, cutting), **others)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def seconds(entry: Input | AudioError) -> float:
    """About how long a recording is by its header; 0 where that is not known before it is read."""
    try:
        path = None if isinstance(entry, AudioError) else entry.path
        return probe(AudioSource(path), about=True).duration if path and path.is_file() else 0.0
    except (AudioError, OSError, ValueError):  # whoever reads it will say so
        return 0.0


def _source(entry: Input) -> AudioSource | Encoded:
    if entry.path is None:
        return Encoded(sys.stdin.buffer.read(), "standard input")
    return AudioSource(entry.path)
