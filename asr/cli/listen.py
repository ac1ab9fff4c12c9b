"""``asr listen``: write down what is said into a microphone."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

import click

from asr.cli.captions import Captions, Ends, Timings, endpoint_options
from asr.cli.microphone import (
    WAITING,
    find_microphone,
    level_mark,
    list_devices_option,
    microphone_option,
    opened,
    sounddevice_module,
)
from asr.cli.options import Choice, streaming_recognizer_options

if TYPE_CHECKING:
    from asr.recognize.stream_input import Samples


@click.command("listen")
@streaming_recognizer_options
@endpoint_options
@microphone_option
@list_devices_option
def command(choice: Choice, ends: Ends, microphone: str | None) -> None:
    """Write down what is said into a microphone, until Ctrl-C.

    Where standard error is a terminal, a meter shows the level and the words are shown as they come. The
    text goes to stdout: each segment as it ends, and the last one after Ctrl-C.

    \b
    asr listen --model models/an4-lstm-streaming
    asr listen --list-devices
    """
    from asr.progress import say

    sounddevice = sounddevice_module()
    number, rate = find_microphone(sounddevice, microphone)
    streaming = ends.streaming(choice)
    streaming.prepare()
    session, captions, timings = streaming.start(rate), Captions(), Timings()
    blocks: queue.Queue[Samples] = queue.Queue(WAITING)
    lost = [0]
    try:
        with opened(sounddevice, number, rate, round(streaming.block_seconds * rate), (blocks, lost)):
            say("listening; Ctrl-C ends it")
            while True:
                samples = blocks.get()
                timings.push(session, samples)
                _print(captions, session.take())
                captions.show(session, f"{level_mark(samples)} ")
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
