"""Video and AAC for tests, written by PyAV."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from asr.audio.io import AudioSource
from tests.helpers.recordings import saved

CODECS = {"m4a": "aac", "mp4": "aac", "aac": "aac", "webm": "libopus", "mkv": "pcm_s16le", "mov": "pcm_s16le"}
MUXERS = {"m4a": "mp4", "aac": "adts", "mkv": "matroska"}


def container(samples: NDArray[np.float32], suffix: str, rate: int = 16_000, video: bool = False) -> bytes:
    """The bytes of a file of some kind whose sound is `samples` (n,); with a black picture if asked for."""
    av = pytest.importorskip("av", reason="needs PyAV: pip install av")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=MUXERS.get(suffix, suffix)) as file:
        sound = file.add_stream(CODECS[suffix], rate=rate, layout="mono")
        if video:
            picture = file.add_stream("mpeg4", rate=5, width=32, height=32, pix_fmt="yuv420p")
            for _ in range(5 * len(samples) // rate):
                black = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
                file.mux(picture.encode(black))
            file.mux(picture.encode(None))
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = rate, 0
        file.mux(sound.encode(frame))
        file.mux(sound.encode(None))
    return buffer.getvalue()


def saved_container(
    folder: Path, samples: NDArray[np.float32], suffix: str, rate: int = 16_000
) -> AudioSource:
    """Writes such a file."""
    return saved(folder, container(samples, suffix, rate), f"a.{suffix}")
