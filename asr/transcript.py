"""What a recogniser returns: words in segments in a transcript, with times in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word.

    Attributes:
        text: The word as the model spells it.
        start: Beginning in seconds: the left edge of the emission frame of its first token.
        end: End in seconds: the right edge of the last emission frame of its last token.
        confidence: 0 … 1, the geometric mean of the posteriors of its tokens, each read at the
            frame where the token is most probable.
    """

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech that was recognised as a whole."""

    words: tuple[Word, ...]
    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """The recognised text of one recording.

    Attributes:
        segments: Stretches in order of time.
        duration: Length of the recording in seconds.
    """

    segments: tuple[Segment, ...]
    duration: float

    @property
    def text(self) -> str:
        """The whole text, segments joined by spaces."""
        return " ".join(segment.text for segment in self.segments if segment.text)

    @property
    def words(self) -> tuple[Word, ...]:
        """All words in order of time."""
        return tuple(word for segment in self.segments for word in segment.words)
