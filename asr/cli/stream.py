"""``asr stream``: write down what a recording says as if it were being spoken."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from asr.cli.captions import Captions, Ends, Timings, endpoint_options
from asr.cli.options import Choice, streaming_recognizer_options
from asr.recognize.formats import FORMATS

if TYPE_CHECKING:
    from asr.recognize.stream_input import Samples


@dataclass(frozen=True, slots=True)
class Source:
    """How to hear: as fast as it was spoken or not, the sample rate, and the channel."""

    live: bool
    rate: int
    channel: int | None


@click.command("stream")
@click.argument("file", metavar="FILE|-")
@streaming_recognizer_options
@endpoint_options
@click.option(
    "-f",
    "--output-format",
    type=click.Choice([*FORMATS]),
    default="txt",
    show_default=True,
    help="txt: the text; json: words with times and probabilities.",
)
@click.option("--live", is_flag=True, help="Hear FILE as fast as it was spoken, not as fast as possible.")
@click.option(
    "--rate",
    type=click.IntRange(1000, 768_000),
    default=16_000,
    show_default=True,
    help="Sample rate of standard input, in Hz.",
)
@click.option(
    "--channel",
    type=click.IntRange(min=0),
    help="Listen to one channel of FILE, from 0 on; default: the mean.",
)
def command(file: str, choice: Choice, ends: Ends, output_format: str, **hearing: Any) -> None:
    """Write down what FILE says as if it were being spoken, or samples from standard input, for -.

    Standard input is read as raw samples: 16 bits, signed, little-endian, one channel. Where standard error
    is a terminal, the words are shown there as they come. The text goes to stdout at the end, a line for each
    segment; with --no-endpoints it is that of asr transcribe --segment-seconds 0.

    \b
    asr stream talk.mp3 --model models/an4-lstm-streaming --live
    arecord -f S16_LE -r 16000 -t raw | asr stream - --model models/an4-lstm-streaming
    """
    streaming = ends.streaming(choice)
    streaming.prepare()
    source = Source(**hearing)
    if file != "-":
        source = replace(source, rate=_rate(file))
    session, captions, timings = streaming.start(source.rate), Captions(), Timings()
    count = round(streaming.block_seconds * source.rate)
    try:
        for samples in _standard_input(count) if file == "-" else _recording(file, source, count):
            timings.push(session, samples)
            captions.show(session)
    except KeyboardInterrupt:  # what was said until then is said
        pass
    finally:
        captions.clear()
    transcript = session.finish()
    timings.say(session, streaming.block_seconds)
    click.echo(FORMATS[output_format](transcript, file), nl=False)


def _rate(file: str) -> int:
    from asr.audio.io import AudioSource, probe

    return probe(AudioSource(Path(file))).sample_rate


def _recording(file: str, source: Source, count: int) -> Iterator[Samples]:
    """The samples of a file, `count` at a time; live, each part once it would have been spoken."""
    from asr.audio.io import AudioSource, load_audio

    samples = load_audio(AudioSource(Path(file)), sample_rate=source.rate, channel=source.channel)
    begin = time.monotonic()
    for first in range(0, len(samples), count):
        part = samples[first : first + count]
        if source.live:
            time.sleep(max(0.0, begin + (first + len(part)) / source.rate - time.monotonic()))
        yield part


def _standard_input(count: int) -> Iterator[Samples]:
    """The samples of standard input, as they come, `count` at most at a time."""
    import numpy as np

    from asr.errors import AudioError

    odd, heard = b"", False
    while content := _read(2 * count):
        content = odd + content
        whole = len(content) // 2 * 2
        odd = content[whole:]
        heard |= bool(whole)
        yield np.frombuffer(content[:whole], "<i2").astype(np.float32) / np.float32(32768)
    if not heard:
        raise AudioError("standard input: no samples; pipe raw 16-bit samples into it")


def _read(size: int) -> bytes:
    """What there is, up to `size` bytes, once there is something."""
    read = getattr(sys.stdin.buffer, "read1", sys.stdin.buffer.read)
    content = read(size)
    assert isinstance(content, bytes)
    return content
