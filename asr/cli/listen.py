"""``asr listen``: write down what is said into a microphone."""

from __future__ import annotations

import math
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from asr.cli.captions import Captions, Ends, Timings, endpoint_options
from asr.cli.options import Choice, recognizer_options
from asr.errors import AudioError

if TYPE_CHECKING:
    from asr.recognize.stream_input import Samples

METER = " ▁▂▃▄▅▆▇█"
QUIETEST_DB = -54.0
"""Level of the lowest mark of the meter, in dB of full scale."""
WAITING = 100
"""Blocks that may wait to be heard; more than these are lost, and counted."""


def _list_devices(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        sounddevice = _sounddevice()
        found = [
            f"{number}: {device['name']} ({device['max_input_channels']} channels, "
            f"{device['default_samplerate']:.0f} Hz)"
            for number, device in enumerate(sounddevice.query_devices())
            if device["max_input_channels"]
        ]
        if not found:
            raise AudioError(NO_DEVICE)
        click.echo("\n".join(found))
        context.exit()


NO_DEVICE = "no microphone was found; connect one, or pipe samples into asr stream -"


@click.command("listen")
@recognizer_options
@endpoint_options
@click.option(
    "--input", "microphone", help="Microphone: its number or a part of its name; see --list-devices."
)
@click.option(
    "--list-devices",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_devices,
    help="Show the microphones and exit.",
)
def command(choice: Choice, ends: Ends, microphone: str | None) -> None:
    """Write down what is said into a microphone, until Ctrl-C.

    Where standard error is a terminal, a meter shows the level and the words are shown as they come. The
    text goes to stdout: each segment as it ends, and the last one after Ctrl-C.

    \b
    asr listen --model models/an4-lstm-streaming
    asr listen --list-devices
    """
    from asr.progress import say

    sounddevice = _sounddevice()
    number, rate = _microphone(sounddevice, microphone)
    streaming = ends.streaming(choice)
    streaming.prepare()
    session, captions, timings = streaming.start(rate), Captions(), Timings()
    blocks: queue.Queue[Samples] = queue.Queue(WAITING)
    lost = [0]
    try:
        with _opened(sounddevice, number, rate, round(streaming.block_seconds * rate), (blocks, lost)):
            say("listening; Ctrl-C ends it")
            while True:
                samples = blocks.get()
                timings.push(session, samples)
                _print(captions, session.take())
                captions.show(session, f"{_level(samples)} ")
    except KeyboardInterrupt:  # that is how it ends
        pass
    captions.clear()
    _print(captions, session.finish().segments)
    if lost[0]:
        say(f"{lost[0]} blocks were lost, for they came faster than they could be heard")
    timings.say(session, streaming.block_seconds)


def _print(captions: Captions, segments: tuple[Any, ...]) -> None:
    for segment in segments:
        if segment.text:
            captions.clear()
            click.echo(segment.text)


def _sounddevice() -> Any:
    """The package that reads microphones.

    Raises:
        AudioError: If the library that it needs is missing.
    """
    try:
        import sounddevice
    except OSError:
        raise AudioError(
            "PortAudio, which reads microphones, is not installed; install it, on Debian with "
            "apt install libportaudio2"
        ) from None
    return sounddevice


def _microphone(sounddevice: Any, wanted: str | None) -> tuple[int, int]:
    """Number and sample rate of a microphone. Raises AudioError where there is none, or none of that name."""
    if not any(device["max_input_channels"] for device in sounddevice.query_devices()):
        raise AudioError(NO_DEVICE)
    try:
        found = sounddevice.query_devices(int(wanted) if wanted and wanted.isdigit() else wanted, "input")
    except (ValueError, sounddevice.PortAudioError) as error:
        problem = " ".join(str(error).split())
        raise AudioError(f"microphone {wanted!r}: {problem}; asr listen --list-devices names them") from None
    return int(found["index"]), round(found["default_samplerate"])


@contextmanager
def _opened(
    sounddevice: Any, device: int, rate: int, count: int, taken: tuple[queue.Queue[Samples], list[int]]
) -> Iterator[None]:
    """Puts what the microphone hears into a queue, `count` samples at a time, and counts what is lost."""
    blocks, lost = taken

    def hear(samples: Any, frames: int, moment: Any, status: Any) -> None:
        try:
            blocks.put_nowait(samples[:, 0].copy())
        except queue.Full:
            lost[0] += 1

    try:
        microphone = sounddevice.InputStream(
            samplerate=rate, blocksize=count, device=device, channels=1, dtype="float32", callback=hear
        )
    except sounddevice.PortAudioError as error:
        problem = " ".join(str(error).split())
        raise AudioError(f"microphone {device}: {problem}; try another one of --list-devices") from None
    with microphone:
        yield


def _level(samples: Samples) -> str:
    """A mark as high as the samples are loud."""
    power = float((samples**2).mean()) if len(samples) else 0.0
    decibels = 10 * math.log10(max(power, 1e-12))
    share = (decibels - QUIETEST_DB) / -QUIETEST_DB
    return METER[min(max(round(share * (len(METER) - 1)), 0), len(METER) - 1)]
