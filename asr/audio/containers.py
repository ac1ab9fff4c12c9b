"""What libsndfile cannot read: the sound of video, m4a, mp4, aac and webm, through PyAV.

PyAV (https://pyav.org) brings the libraries of FFmpeg; ``pip install 'recurrent-asr[video]'`` brings PyAV.
Only the formats of `FORMATS` are opened, through a file that is open already: so a file that names others,
as playlists do, makes FFmpeg open nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from asr.audio.decoders import BLOCK, UNKNOWN_LENGTH, Samples
from asr.audio.source import audio_error

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,aac,asf,avi,flv,mpegts,ogg,wav,caf"
"""Names that FFmpeg gives to what is read here."""

EXACT = "mov,mp4"
"""The formats whose headers say exactly how long the sound is."""


def open_container(target: str | BytesIO, name: str) -> ContainerSound | None:
    """Opens what PyAV can read; None if it cannot read this.

    Args:
        target: A path, or the content.
        name: What to call it in messages.

    Raises:
        AudioError: If there is no sound in it.
    """
    import av

    if isinstance(target, BytesIO):
        target.seek(0)
    with ExitStack() as stack:
        file = stack.enter_context(Path(target).open("rb")) if isinstance(target, str) else target
        try:
            container = stack.enter_context(av.open(file, "r", options={"format_whitelist": FORMATS}))
        except (av.FFmpegError, ValueError):
            return None
        if not container.streams.audio:
            raise audio_error(name, "no sound in it; choose a file that has a sound track")
        return ContainerSound(container, container.streams.audio[0], stack.pop_all())


class ContainerSound:
    """The first sound track of a file that PyAV reads; see `asr.audio.decoders.Sound`.

    FFmpeg leaves out the samples that a codec puts before the first one, where the file says how many.

    Args:
        container: What is open.
        stream: The track.
        stack: Closes both.
    """

    promised = 1.0

    def __init__(self, container: InputContainer, stream: AudioStream, stack: ExitStack) -> None:
        self._container, self._stream, self._stack = container, stream, stack
        self.rate: int = stream.rate or 0
        self.channels: int = stream.channels
        self.estimate = self._declared()
        exact = container.format.name.startswith(EXACT) and stream.duration
        self.samples = self.estimate if exact else UNKNOWN_LENGTH + 1
        self.encoding = f"{container.format.name.split(',')[0].upper()} {stream.codec_context.name}"

    def __enter__(self) -> ContainerSound:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _declared(self) -> int:
        """Samples by the header: of the track, else of all tracks; 0 where FFmpeg would only guess."""
        if self._stream.duration and self._stream.time_base and self._container.format.name != "aac":
            return round(self._stream.duration * self._stream.time_base * self.rate)
        if self._container.duration and self._container.format.name != "aac":
            return round(self._container.duration / 1_000_000 * self.rate)
        return 0

    def blocks(self, first: int, count: int) -> Iterator[Samples]:
        """Decodes from the beginning, as positions in compressed files are not exact; see Sound."""
        waiting: list[Samples] = []
        for part in self._frames():
            if first >= len(part):
                first -= len(part)
                continue
            part, first = part[first : first + count], 0
            count -= len(part)
            waiting.append(part)
            if count <= 0 or sum(map(len, waiting)) >= BLOCK:
                yield np.concatenate(waiting)
                waiting = []
            if count <= 0:
                return
        if waiting:
            yield np.concatenate(waiting)

    def _frames(self) -> Iterator[Samples]:
        """What is decoded at a time (n, C), until damage or the end."""
        import av

        resampler = av.AudioResampler("fltp", self._stream.layout, self._stream.rate)
        try:
            for frame in self._container.decode(self._stream):
                for part in resampler.resample(frame):
                    yield np.ascontiguousarray(part.to_ndarray().T, np.float32)
            for part in resampler.resample(None):
                yield np.ascontiguousarray(part.to_ndarray().T, np.float32)
        except av.FFmpegError:
            return
