"""All that the parts of a running server share."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from asr.errors import StreamError
from asr.recognize.endpoint import Endpointing
from asr.recognize.recognizer import Recognizer
from asr.recognize.streaming import StreamingRecognizer
from asr.serve.limits import Limits, Room
from asr.serve.metrics import Metrics
from asr.serve.phrases import PhraseBook
from asr.serve.recordings import RecordingWorker
from asr.serve.worker import CaptionWorker


class Service:
    """One model, those who use it, and how they are told that the server stops.

    Args:
        recognizer: The model.
        limits: How much to take on.
        store: Where to keep what streams bring, as recordings, to look into errors; None keeps nothing.
        final: A second model, which reads uploads, and every segment of a stream when it is finished.

    Raises:
        StreamError: If the two models cannot listen to the same stream.

    Attributes:
        name: Of the model.
        created: When it was loaded, in seconds since 1970.
        captions: What steps live streams; None where the model cannot listen to streams, and `silence` says
            why.
        phrases: Recognisers that write only what clients name.
        recordings: What transcribes uploads.
        sessions, uploads: Who is being served.
        wake: Called when the server stops.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        limits: Limits,
        store: Path | None = None,
        final: Recognizer | None = None,
    ) -> None:
        self.recognizer, self.final, self.limits, self.store = recognizer, final, limits, store
        self.name, self.created = recognizer.bundle.name, int(time.time())
        self.metrics = Metrics()
        self.recordings = RecordingWorker(final or recognizer, limits, self.metrics)
        self.captions: CaptionWorker | None = None
        self._streaming: StreamingRecognizer | None = None
        self.phrases, self.silence = PhraseBook(recognizer), ""
        try:
            self._streaming = StreamingRecognizer(recognizer, endpointing=Endpointing(), final=final)
            self.captions = CaptionWorker(self._streaming, self.metrics)
        except StreamError as error:
            if final is not None:
                raise
            self.silence = str(error)
        self.sessions = Room("streams", limits.sessions)
        self.uploads = Room("recordings", limits.uploads)
        self.stopping = False
        self.wake: set[Callable[[], None]] = set()

    def warm_up(self) -> None:
        """Runs everything once, so that the first client does not wait for what is loaded on first use."""
        rate = self.recognizer.bundle.features.sample_rate
        silence = np.zeros(rate, np.float32)
        (self.final or self.recognizer).transcribe_samples(silence)
        if self._streaming is not None:
            session = self._streaming.start()
            session.push(silence)
            session.finish()

    def stop(self) -> None:
        """Takes nothing new, and tells those who are served."""
        self.stopping = True
        self.sessions.close()
        self.uploads.close()
        for call in tuple(self.wake):
            call()

    def abandon(self) -> None:
        """Sends away those who are still served."""
        self.recordings.abandon()
        if self.captions is not None:
            self.captions.abandon()

    async def emptied(self) -> None:
        """Waits until nobody is being served."""
        await self.sessions.emptied()
        await self.uploads.emptied()

    def close(self) -> None:
        """Gives back threads and files."""
        self.recordings.close()
        if self.captions is not None:
            self.captions.close()
