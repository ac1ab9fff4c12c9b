"""What a page tells of each recording: its words, what should have been said, its pictures and its sound."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import soundfile

from asr.config import FeatureConfig
from asr.recognize.scoring import Scored
from asr.report.pictures import Row, Stretch, draw, listen
from asr.text.error_rate import ErrorCounts, align_words
from asr.transcript import Transcript, Word

Operation = Literal["equal", "substitute", "delete", "insert"]


@dataclass(frozen=True, slots=True)
class Column:
    """A word beside what should have been said.

    Attributes:
        op: What became of the word of the reference; `equal` where there is none.
        reference: That word; None where a word was inserted.
        word: What was recognised; None where a word was deleted.
    """

    op: Operation
    reference: str | None
    word: Word | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A recording on a page.

    Attributes:
        name: Of the recording.
        speaker: Its name, or nothing.
        duration: Seconds.
        columns: Words in order.
        counts: Errors in words, where there is a reference.
        rows: Pictures.
        sound: What was heard (FLAC), if it is wanted.
    """

    name: str
    speaker: str
    duration: float
    columns: tuple[Column, ...]
    counts: ErrorCounts | None = None
    rows: tuple[Row, ...] = ()
    sound: bytes = b""

    @property
    def words(self) -> tuple[Word, ...]:
        """What was recognised."""
        return tuple(column.word for column in self.columns if column.word is not None)


@dataclass(frozen=True, slots=True)
class Illustrator:
    """Reads recordings once more for pictures and sound.

    Attributes:
        config: How the model hears.
        sound: Whether the sound is wanted.
    """

    config: FeatureConfig
    sound: bool

    def alone(self, name: str, transcript: Transcript, stretch: Stretch) -> Entry:
        """A recording without a reference. Raises AudioError if it cannot be read."""
        columns = tuple(Column("equal", None, word) for word in transcript.words)
        return self._entry(Entry(name, "", transcript.duration, columns), stretch)

    def beside(self, scored: Scored, transcript: Transcript, stretch: Stretch) -> Entry:
        """An utterance beside its reference. Raises AudioError if it cannot be read."""
        columns = beside(scored.reference, transcript.words)
        entry = Entry(scored.id, scored.speaker, transcript.duration, columns, scored.words)
        return self._entry(entry, stretch)

    def _entry(self, entry: Entry, stretch: Stretch) -> Entry:
        return replace(entry, rows=tuple(draw(stretch, self.config)), sound=self._flac(stretch))

    def _flac(self, stretch: Stretch) -> bytes:
        """The sound as the model heard it, so that times fit to the sample; nothing if it is not wanted."""
        if not self.sound:
            return b""
        samples = np.clip(listen(stretch, self.config), -1, 1)
        file = io.BytesIO()
        soundfile.write(file, samples, self.config.sample_rate, format="FLAC", subtype="PCM_16")
        return file.getvalue()


def beside(reference: str, words: Sequence[Word]) -> tuple[Column, ...]:
    """Words beside a normalised reference, aligned with as few errors as possible."""
    heard = iter(words)
    hypothesis = " ".join("_".join(word.text.split()) or "_" for word in words)
    return tuple(
        Column(one.op, one.reference, None if one.hypothesis is None else next(heard))
        for one in align_words(reference, hypothesis)
    )
