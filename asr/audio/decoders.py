"""Opening recordings: libsndfile first, and PyAV, where it is installed, for what that cannot read.

Either decodes in blocks, so that memory does not grow with the length of a recording.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from io import BytesIO
from typing import Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from asr.audio.source import audio_error

Samples = NDArray[np.float32]

UNKNOWN_LENGTH = 1 << 62
"""Counts of samples above it mean that the header says none; so does libsndfile of FLAC streams."""

BLOCK = 1 << 18
"""Samples per channel decoded at once: bounds the memory."""

_RATES = range(1_000, 1_000_001)  # Hz; anything else in a header is damage
_KNOWN_STARTS = (b"RIFF", b"RF64", b"fLaC", b"OggS", b"FORM", b".snd", b"ID3", b"\xff\xfb", b"\xff\xf3")
_STREAMED = 0x7FF00000  # sizes from here on stand in headers of streams, where the size was unknown


class Sound(Protocol):
    """An open recording."""

    @property
    def rate(self) -> int:
        """Sample rate in Hz."""

    @property
    def channels(self) -> int:
        """How many there are."""

    @property
    def samples(self) -> int:
        """Count per channel; above `UNKNOWN_LENGTH` where nobody knows before the end."""

    @property
    def estimate(self) -> int:
        """About how many there are, 0 where not even that is known."""

    @property
    def promised(self) -> float:
        """How many times what is there the header promised; more than 1 if the file was cut off."""

    @property
    def encoding(self) -> str:
        """Format and sample type, for example ``WAV PCM_16``."""

    def blocks(self, first: int, count: int) -> Iterator[Samples]:
        """Decodes `count` samples of every channel from `first` on, in blocks (n, C), until damage or the
        end.
        """


@contextmanager
def opened(name: str, target: str | BytesIO, head: bytes) -> Iterator[Sound]:
    """Opens a recording and checks its header.

    Args:
        name: What to call it in messages.
        target: A path, or the content.
        head: The first 64 bytes.

    Raises:
        AudioError: If it is empty, damaged or nothing that the decoders at hand can read.
    """
    if not head:
        raise audio_error(name, "empty file (0 bytes); record or copy it again")
    try:
        with _first_that_reads(name, target, head) as sound:
            if sound.rate not in _RATES:
                raise audio_error(name, f"its header is damaged ({sound.rate} Hz); export it again")
            if sound.samples == 0:
                raise audio_error(name, "holds no samples (0 s); record or export it again")
            yield sound
    except soundfile.LibsndfileError:
        raise audio_error(name, _remedy(head)) from None


def _first_that_reads(name: str, target: str | BytesIO, head: bytes) -> AbstractContextManager[Sound]:
    """Raises LibsndfileError where nothing can read it, and AudioError where something would."""
    try:
        return _SndfileSound(soundfile.SoundFile(target))
    except soundfile.LibsndfileError:
        if not has_pyav():
            if _is_container(head):
                raise audio_error(name, _EXTRA) from None
            raise
        from asr.audio.containers import open_container

        sound = open_container(target, name)
        if sound is None:
            raise
        return sound


def has_pyav() -> bool:
    """Whether PyAV is installed, which reads video and AAC."""
    return find_spec("av") is not None


class _SndfileSound:
    """What libsndfile can read; see Sound."""

    def __init__(self, sound: soundfile.SoundFile) -> None:
        self._sound = sound
        self.rate: int = sound.samplerate
        self.channels: int = sound.channels
        self.samples: int = sound.frames
        self.estimate = self.samples if self.samples < UNKNOWN_LENGTH else 0
        self.encoding = f"{sound.format} {sound.subtype}"

    def __enter__(self) -> _SndfileSound:
        return self

    def __exit__(self, *_: object) -> None:
        self._sound.close()

    @property
    def promised(self) -> float:
        """What the header says of its own size, by what is there; see Sound."""
        sizes = re.search(r"(?:data|SSND|Data Size) *: (\d+) \(should be (\d+)\)", self._sound.extra_info)
        said, there = (int(sizes[1]), int(sizes[2])) if sizes else (0, 0)
        return said / max(there, 1) if there < said < _STREAMED else 1.0

    def blocks(self, first: int, count: int) -> Iterator[Samples]:
        """See Sound."""
        if first:
            self._sound.seek(first)
        while count > 0:
            block = np.full((min(count, BLOCK), self.channels), np.nan, np.float32)
            try:
                decoded = len(self._sound.read(out=block))
            except soundfile.LibsndfileError:  # what was decoded before the damage is in the block
                unfilled = np.flatnonzero(np.isnan(block).all(axis=1))
                decoded = int(unfilled[0]) if len(unfilled) else len(block)
            if decoded:
                yield block[:decoded]
            count = count - decoded if decoded == len(block) else 0


_CONVERT = "convert it to wav, flac, ogg or mp3 first, for example with ffmpeg"
_EXTRA = f"video and AAC (m4a, mp4, webm) need PyAV: pip install 'recurrent-asr[video]'; or {_CONVERT}"


def _is_container(head: bytes) -> bool:
    """Whether it begins as MP4, AAC, Matroska and WebM, or AVI do."""
    starts = (b"\xff\xf1", b"\xff\xf9", b"\x1aE\xdf\xa3")
    return head[4:8] == b"ftyp" or head.startswith(starts) or (head[:4], head[8:12]) == (b"RIFF", b"AVI ")


def _remedy(head: bytes) -> str:
    if head.startswith(_KNOWN_STARTS) or _is_container(head):
        return f"damaged, cut off or of an unknown encoding; copy it again, or {_CONVERT}"
    return f"not audio in a known format; {_CONVERT}"
