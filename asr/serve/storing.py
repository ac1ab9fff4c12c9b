"""Keeping what clients send, to look into errors; a server does so only where it is told to."""

from __future__ import annotations

import itertools
import wave
from pathlib import Path


class Tape:
    """A recording of one stream: 16-bit PCM in the next wav file of a folder, as it was received.

    Args:
        folder: Made if it is missing.
        sample_rate: Hz.
    """

    def __init__(self, folder: Path, sample_rate: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            path = folder / f"stream-{number:05}.wav"
            try:
                self._file = path.open("xb")
                break
            except FileExistsError:
                continue
        self._wave = wave.Wave_write(self._file)
        self._wave.setparams((1, 2, sample_rate, 0, "NONE", ""))

    def write(self, pcm: bytes) -> None:
        """Appends samples."""
        self._wave.writeframesraw(pcm)

    def close(self) -> None:
        """Completes the file."""
        self._wave.close()
        self._file.close()
