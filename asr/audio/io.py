"""Reading recordings: any format that a decoder knows, any rate, any channels → mono samples.

Files, members of tar files (read in place) and bytes. What cannot be used raises an `AudioError`; what
can be used but may disappoint gives one note: a warning of the logger ``asr``, once per process.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from asr.audio.decoders import UNKNOWN_LENGTH, Sound, opened
from asr.audio.resample import Resampler
from asr.audio.source import AudioSource, audio_error, find_recordings, locate, one_line

__all__ = ["AudioInfo", "AudioSource", "Encoded", "audio_blocks", "find_recordings"]
__all__ += ["load_audio", "load_bytes", "probe"]

Samples = NDArray[np.float32]

_FULL_SCALE = 0.9999
_CLIPPED_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What the header of a recording says.

    Attributes:
        sample_rate: Hz.
        channels: Count.
        samples: Count per channel.
        encoding: Format and sample type, for example ``WAV PCM_16``.
    """

    sample_rate: int
    channels: int
    samples: int
    encoding: str

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.samples / self.sample_rate


@dataclass(frozen=True, slots=True)
class Encoded:
    """The content of an audio file, header included, and what to call it in messages."""

    content: bytes
    name: str

    def __str__(self) -> str:
        return self.name

    def opening(self) -> tuple[str | BytesIO, bytes]:
        """What a decoder shall open, and the first 64 bytes."""
        return BytesIO(self.content), self.content[:64]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What to take from a recording; see `load_audio`."""

    sample_rate: int
    channel: int | None
    start: float = 0.0
    duration: float | None = None


def probe(source: AudioSource, *, about: bool = False) -> AudioInfo:
    """Reads the header of a recording; nothing is decoded, unless the header leaves the length out.

    Args:
        source: A file or a member of a tar file.
        about: Whether a length that may be wrong, as that of a whole video, will do.

    Raises:
        AudioError: If the recording is missing, empty, damaged or not audio.
    """
    with opened(str(source), *locate(source)) as sound:
        samples = sound.estimate if about else sound.samples
        if not 0 < samples < UNKNOWN_LENGTH:
            samples = sum(len(block) for block in sound.blocks(0, sound.samples))
        return AudioInfo(sound.rate, sound.channels, samples, sound.encoding)


def load_audio(
    source: AudioSource,
    *,
    sample_rate: int = 16_000,
    channel: int | None = None,
    start: float = 0.0,
    duration: float | None = None,
) -> Samples:
    """Reads a recording, or a stretch of it, as mono samples at one rate.

    Args:
        source: A file or a member of a tar file.
        sample_rate: Hz of the result; other rates are resampled.
        channel: Which channel, counted from 0; None takes the mean of all.
        start: Where the stretch begins, in seconds; rounded to a sample of the file.
        duration: Length of the stretch in seconds; None reads to the end.

    Returns:
        Samples (n,) float32, full scale at ±1; ``ceil(samples * sample_rate / rate)`` of them.

    Raises:
        AudioError: If the recording is missing, empty, damaged or not audio, has values that are not
            finite, no such channel, or nothing in that stretch.
    """
    with opened(str(source), *locate(source)) as sound:
        wanted = _Wanted(sample_rate, channel, start, duration)
        return np.concatenate(list(_mono(sound, str(source), wanted)))


def audio_blocks(
    source: AudioSource | Encoded, *, sample_rate: int = 16_000, channel: int | None = None
) -> Iterator[Samples]:
    """Reads a recording block by block, so that memory does not grow with its length.

    Joined, the blocks are what `load_audio` or `load_bytes` returns, to the last bit. A pipe and a member
    of a tar file are held in memory as they are stored, all others are read as they are needed.

    Args:
        source: A file, a member of a tar file, or the content of a file.
        sample_rate: Hz of the result.
        channel: Which channel, counted from 0; None takes the mean of all.

    Yields:
        Samples (n,) float32, any number of them.

    Raises:
        AudioError: As `load_audio`; what comes before the damage is given out first.
    """
    if isinstance(source, Encoded):
        target, head = source.opening()
    else:
        target, head = locate(source)
    with opened(str(source), target, head) as sound:
        yield from _mono(sound, str(source), _Wanted(sample_rate, channel))


def load_bytes(
    content: bytes, name: str, *, sample_rate: int = 16_000, channel: int | None = None
) -> Samples:
    """Reads the bytes of an audio file, for example from standard input; otherwise as `load_audio`.

    Args:
        content: The whole file, header included.
        name: What to call it in messages.
        sample_rate: Hz of the result.
        channel: Which channel, counted from 0; None takes the mean of all.

    Raises:
        AudioError: As `load_audio`.
    """
    return np.concatenate(
        list(audio_blocks(Encoded(content, name), sample_rate=sample_rate, channel=channel))
    )


def _mono(sound: Sound, name: str, wanted: _Wanted) -> Iterator[Samples]:
    """Decodes, mixes and resamples block by block; the parts, joined, are the result of `load_audio`."""
    rate, channel = sound.rate, wanted.channel
    if channel is not None and not 0 <= channel < sound.channels:
        raise audio_error(name, f"no channel {channel}; choose one of 0 to {sound.channels - 1}")
    first = round(wanted.start * rate)
    if not 0 <= first < sound.samples:
        length = f"{sound.samples / rate:.2f} s long"
        raise audio_error(
            name, f"cannot start at {wanted.start:g} s, it is {length}; correct the start or the file"
        )
    count = sound.samples - first if wanted.duration is None else round(wanted.duration * rate)
    resampler = Resampler(rate, wanted.sample_rate)
    state, decoded, clipped = resampler.start(), 0, 0
    for block in sound.blocks(first, count):
        heard = block if channel is None else block[:, channel : channel + 1]
        if not np.isfinite(heard).all():
            position = first + decoded + int(np.argmin(np.isfinite(heard).all(axis=1)))
            raise audio_error(
                name, f"the sample at {position / rate:.4f} s is not a finite number; export it again"
            )
        clipped += int(np.count_nonzero(np.abs(heard) >= _FULL_SCALE)) / heard.shape[1]
        mono = heard[:, 0] if heard.shape[1] == 1 else heard.mean(axis=1, dtype=np.float32)
        decoded += len(block)
        part, state = resampler.advance(state, mono)
        yield part
    if not decoded:
        raise audio_error(name, "nothing in it can be decoded; copy or export it again")
    _note(name, _weakness(sound, wanted, decoded, clipped / decoded))
    yield resampler.finish(state)


def _weakness(sound: Sound, wanted: _Wanted, decoded: int, clipped: float) -> str:
    """The most important thing to say about a recording that can be used, or nothing."""
    rate = sound.rate
    whole = sound.samples - round(wanted.start * rate)
    promised = round(whole * sound.promised) if wanted.duration is None else round(wanted.duration * rate)
    if decoded < promised - rate // 20 and sound.samples < UNKNOWN_LENGTH:
        return (
            f"only {decoded / rate:.2f} of {promised / rate:.2f} s are there; copy it again to have the rest"
        )
    if clipped > _CLIPPED_SHARE:
        return f"clipped: {clipped:.0%} of the samples are at full scale; record it more quietly"
    if rate < wanted.sample_rate:
        return f"{rate} Hz recording: nothing above {rate / 2000:g} kHz; use {wanted.sample_rate} Hz or more"
    return ""


@lru_cache(maxsize=10_000)
def _note(name: str, text: str) -> None:
    if text:
        logging.getLogger("asr").warning("%s: %s", one_line(name), text)
