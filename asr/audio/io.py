"""Reading recordings: any format that libsndfile knows, any rate, any channels → mono samples.

Files, members of tar files (read in place) and bytes. What cannot be used raises an `AudioError`; what
can be used but may disappoint gives one note: a warning of the logger ``asr``, once per process.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from asr.audio.resample import Resampler
from asr.audio.source import AudioSource, audio_error, find_recordings, locate, one_line

__all__ = ["AudioInfo", "AudioSource", "find_recordings", "load_audio", "load_bytes", "probe"]

Samples = NDArray[np.float32]

_RATES = range(1_000, 1_000_001)  # Hz; anything else in a header is damage
_KNOWN_STARTS = (b"RIFF", b"RF64", b"fLaC", b"OggS", b"FORM", b".snd", b"ID3", b"\xff\xfb", b"\xff\xf3")
_UNKNOWN_LENGTH = 1 << 62  # libsndfile's count is above it where the header of a FLAC stream says none
_FULL_SCALE = 0.9999
_CLIPPED_SHARE = 0.01
_BLOCK = 1 << 18  # samples per channel decoded at once: bounds the memory
_STREAMED = 0x7FF00000  # sizes from here on stand in headers of streams, where the size was unknown


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
class _Wanted:
    """What to take from a recording; see `load_audio`."""

    sample_rate: int
    channel: int | None
    start: float = 0.0
    duration: float | None = None


def probe(source: AudioSource) -> AudioInfo:
    """Reads the header of a recording; nothing is decoded, unless the header leaves the length out.

    Raises:
        AudioError: If the recording is missing, empty, damaged or not audio.
    """
    with _opened(str(source), *locate(source)) as sound:
        samples = sound.frames
        if samples > _UNKNOWN_LENGTH:
            samples = sum(len(block) for block in _blocks(sound, 0, samples))
        return AudioInfo(sound.samplerate, sound.channels, samples, f"{sound.format} {sound.subtype}")


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
    with _opened(str(source), *locate(source)) as sound:
        return _decode(sound, str(source), _Wanted(sample_rate, channel, start, duration))


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
    with _opened(name, BytesIO(content), content[:64]) as sound:
        return _decode(sound, name, _Wanted(sample_rate, channel))


@contextmanager
def _opened(name: str, target: str | BytesIO, head: bytes) -> Iterator[soundfile.SoundFile]:
    """Opens a recording and checks its header; what libsndfile refuses becomes an `AudioError`."""
    if not head:
        raise audio_error(name, "empty file (0 bytes); record or copy it again")
    try:
        with soundfile.SoundFile(target) as sound:
            if sound.samplerate not in _RATES:
                raise audio_error(name, f"its header is damaged ({sound.samplerate} Hz); export it again")
            if sound.frames == 0:
                raise audio_error(name, "holds no samples (0 s); record or export it again")
            yield sound
    except soundfile.LibsndfileError:
        raise audio_error(name, _remedy(head)) from None


def _remedy(head: bytes) -> str:
    convert = "convert it to wav, flac, ogg or mp3 first, for example with ffmpeg"
    if head[4:8] == b"ftyp" or head.startswith((b"\xff\xf1", b"\xff\xf9")):
        return f"AAC audio (m4a, mp4) cannot be read; {convert}"
    if head.startswith(_KNOWN_STARTS):
        return f"damaged, cut off or of an unknown encoding; copy it again, or {convert}"
    return f"not audio in a known format; {convert}"


def _decode(sound: soundfile.SoundFile, name: str, wanted: _Wanted) -> Samples:
    rate, channel = sound.samplerate, wanted.channel
    if channel is not None and not 0 <= channel < sound.channels:
        raise audio_error(name, f"no channel {channel}; choose one of 0 to {sound.channels - 1}")
    first = round(wanted.start * rate)
    if not 0 <= first < sound.frames:
        length = f"{sound.frames / rate:.2f} s long"
        raise audio_error(
            name, f"cannot start at {wanted.start:g} s, it is {length}; correct the start or the file"
        )
    count = sound.frames - first if wanted.duration is None else round(wanted.duration * rate)
    resampler = Resampler(rate, wanted.sample_rate)
    state, parts, decoded, clipped = resampler.start(), [], 0, 0
    for block in _blocks(sound, first, count):
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
        parts.append(part)
    if not decoded:
        raise audio_error(name, "nothing in it can be decoded; copy or export it again")
    _note(name, _weakness(sound, wanted, decoded, clipped / decoded))
    return np.concatenate([*parts, resampler.finish(state)])


def _blocks(sound: soundfile.SoundFile, first: int, count: int) -> Iterator[Samples]:
    """Decodes `count` samples of every channel from `first` on, in blocks (n, C), until damage or the end."""
    if first:
        sound.seek(first)
    while count > 0:
        block = np.full((min(count, _BLOCK), sound.channels), np.nan, np.float32)
        try:
            decoded = len(sound.read(out=block))
        except soundfile.LibsndfileError:  # what was decoded before the damage is in the block
            unfilled = np.flatnonzero(np.isnan(block).all(axis=1))
            decoded = int(unfilled[0]) if len(unfilled) else len(block)
        if decoded:
            yield block[:decoded]
        count = count - decoded if decoded == len(block) else 0


def _weakness(sound: soundfile.SoundFile, wanted: _Wanted, decoded: int, clipped: float) -> str:
    """The most important thing to say about a recording that can be used, or nothing."""
    rate = sound.samplerate
    sizes = re.search(r"(?:data|SSND|Data Size) *: (\d+) \(should be (\d+)\)", sound.extra_info)
    said, there = (int(sizes[1]), int(sizes[2])) if sizes else (0, 0)
    whole = sound.frames - round(wanted.start * rate)
    promised = whole if wanted.duration is None else round(wanted.duration * rate)
    if wanted.duration is None and there < said < _STREAMED:
        promised = round(whole * said / max(there, 1))
    if decoded < promised - rate // 20 and sound.frames < _UNKNOWN_LENGTH:
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
