"""Transcribing uploaded recordings, one after the other, in a thread that live captions do not wait for."""

from __future__ import annotations

import asyncio
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from asr.audio.io import AudioSource, load_audio, probe
from asr.errors import AudioError
from asr.recognize.recognizer import Recognizer
from asr.serve.limits import BUSY, TOO_LARGE, Limits, Refused
from asr.serve.metrics import Metrics
from asr.transcript import Transcript

NAME = "upload"
"""How messages call a recording: what clients call it is nobody else's business."""


@dataclass(frozen=True, slots=True)
class _Bounds:
    folder: Path
    seconds: float


class RecordingWorker:
    """Transcribes recordings as `asr transcribe` does."""

    def __init__(self, recognizer: Recognizer, limits: Limits, metrics: Metrics) -> None:
        self._recognizer, self._metrics = recognizer, metrics
        self._thread = ThreadPoolExecutor(1, "recordings")
        self._waiting: set[asyncio.Future[tuple[Transcript, float]]] = set()
        self._abandoned = False
        self._folder = TemporaryDirectory(prefix="asr-serve-")
        self._bounds = _Bounds(Path(self._folder.name), limits.upload_seconds)

    async def transcribe(self, content: BinaryIO) -> Transcript:
        """Transcribes the bytes of an audio file, from where `content` stands.

        Raises:
            Refused: If it is not audio, or too long, or the server stopped.
        """
        loop = asyncio.get_running_loop()
        waiting = loop.run_in_executor(self._thread, _transcribe, self._recognizer, content, self._bounds)
        self._waiting.add(waiting)
        try:
            transcript, seconds = await waiting
        except asyncio.CancelledError:
            if not self._abandoned:
                raise
            raise Refused("the server stopped before the recording was finished", BUSY) from None
        finally:
            self._waiting.discard(waiting)
        self._metrics.heard("upload", transcript.duration, seconds)
        return transcript

    def abandon(self) -> None:
        """Tells those who wait that there will be no transcript."""
        self._abandoned = True
        for waiting in tuple(self._waiting):
            waiting.cancel()

    def close(self) -> None:
        """Begins nothing more, and removes the files."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._folder.cleanup()


def _transcribe(recognizer: Recognizer, content: BinaryIO, bounds: _Bounds) -> tuple[Transcript, float]:
    """The transcript, and how many seconds it took."""
    begin = time.perf_counter()
    path = bounds.folder / NAME
    try:
        with path.open("wb") as file:
            shutil.copyfileobj(content, file, 1 << 20)
        source = AudioSource(path)
        seconds = probe(source).duration
        if seconds > bounds.seconds:
            message = f"the recording is {seconds:.0f} s long, and {bounds.seconds:g} s are allowed; cut it"
            raise Refused(message, TOO_LARGE, code="audio_too_long", param="file")
        rate = recognizer.bundle.features.sample_rate
        transcript = recognizer.transcribe_samples(load_audio(source, sample_rate=rate))
    except AudioError as error:
        message = str(error).replace(str(path), NAME)
        raise Refused(message, code="invalid_audio", param="file") from None
    finally:
        path.unlink(missing_ok=True)
    return transcript, time.perf_counter() - begin
