"""Microphones: finding, opening and listening to them; or to recordings in their place."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import click
import numpy as np

from asr.audio.io import AudioSource, Samples, find_recordings, load_audio
from asr.audio.takes import level_db
from asr.errors import AudioError

METER = " ▁▂▃▄▅▆▇█"
QUIETEST_DB = -54.0
"""Level of the lowest mark of the meter, in dB of full scale."""

WAITING = 100
"""Blocks that may wait to be heard; more than these are lost, and counted."""

BLOCK_SECONDS = 0.1
NO_DEVICE = "no microphone was found; connect one, or pipe samples into asr stream -"


class Recorder(Protocol):
    """Something that hears one take after the other."""

    @property
    def rate(self) -> int:
        """Samples a second, in Hz."""

    def __enter__(self) -> Recorder:
        """Begins a take."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends it."""

    def heard(self) -> Samples | None:
        """The next samples (n,) of the take, which may be none; None where it has ended by itself."""


class MicrophoneRecorder:
    """Hears takes from a microphone.

    Args:
        wanted: Its number, or a part of its name; by default the one of the system.

    Attributes:
        lost: Blocks that came faster than they were taken.

    Raises:
        AudioError: If there is no such microphone, or no library for any.
    """

    def __init__(self, wanted: str | None) -> None:
        self._sounddevice = sounddevice_module()
        self._device, self.rate = find_microphone(self._sounddevice, wanted)
        self._blocks: queue.Queue[Samples] = queue.Queue(WAITING)
        self.lost = [0]
        self._open: AbstractContextManager[None] | None = None

    def __enter__(self) -> MicrophoneRecorder:
        """Opens it. Raises AudioError if another program has it."""
        self._blocks = queue.Queue(WAITING)
        count = round(BLOCK_SECONDS * self.rate)
        self._open = opened(self._sounddevice, self._device, self.rate, count, (self._blocks, self.lost))
        self._open.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes it."""
        if self._open is not None:
            self._open.__exit__(kind, error, trace)
            self._open = None

    def heard(self) -> Samples | None:
        """What has come in since; see Recorder."""
        blocks = [self._blocks.get_nowait() for _ in range(self._blocks.qsize())]
        return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


class FileRecorder:
    """Hears recordings as if they were spoken into a microphone: the next one at each take.

    Args:
        path: A recording, or a folder of them, taken in the order of their names.

    Raises:
        AudioError: If there is none, or, later, one cannot be read or all were heard.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._left = find_recordings(path) if path.is_dir() else [path]
        self.rate = 16_000
        self._take: list[Samples] = []

    def __enter__(self) -> FileRecorder:
        """Takes the next recording. Raises AudioError if it cannot be read, or there is none."""
        if not self._left:
            raise AudioError(f"{self._path}: all its recordings were heard; record the rest another time")
        self._take = [load_audio(AudioSource(self._left.pop(0)), sample_rate=self.rate)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Forgets what is left of it."""
        self._take = []

    def heard(self) -> Samples | None:
        """The whole recording, and then None; see Recorder."""
        return self._take.pop() if self._take else None


def level_mark(samples: Samples) -> str:
    """A mark as high as the samples are loud."""
    share = (level_db(samples) - QUIETEST_DB) / -QUIETEST_DB
    return METER[min(max(round(share * (len(METER) - 1)), 0), len(METER) - 1)]


def list_devices(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    """Callback of ``--list-devices``: shows the microphones and exits."""
    if wanted and not context.resilient_parsing:
        sounddevice = sounddevice_module()
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


microphone_option = click.option(
    "--input", "microphone", help="Microphone: its number or a part of its name; see --list-devices."
)
list_devices_option = click.option(
    "--list-devices",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=list_devices,
    help="Show the microphones and exit.",
)


def sounddevice_module() -> Any:
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


def find_microphone(sounddevice: Any, wanted: str | None) -> tuple[int, int]:
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
def opened(
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
