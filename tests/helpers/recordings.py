"""Audio files for tests, and the check that an unusable one is refused as it should be."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from asr.audio.io import AudioSource, load_audio
from asr.errors import AudioError


def encoded(
    samples: NDArray[np.float32], rate: int = 16_000, kind: str = "WAV", subtype: str | None = None
) -> bytes:
    """The bytes of an audio file that holds `samples` (n,) or (n, C)."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=kind, subtype=subtype)
    return buffer.getvalue()


def saved(folder: Path, content: bytes, name="a.wav") -> AudioSource:
    """Writes bytes to a file."""
    (folder / name).write_bytes(content)
    return AudioSource(folder / name)


def refused(source: AudioSource, **options: object) -> str:
    """Loads what cannot be loaded: one line that names the file and a remedy; returns it."""
    with pytest.raises(AudioError) as caught:
        load_audio(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert source.path.name in message
    assert ";" in message, "the message names no remedy"
    return message
