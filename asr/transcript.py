"""What a recogniser returns: words in segments in a transcript, with times in seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word.

    Attributes:
        text: The word as the model spells it.
        start, end: Seconds; `asr.decode.pauses` says how they are found.
        confidence: 0 … 1: of words with a confidence of 0.8, four in five are right, if the model was
            calibrated for this way of decoding; `asr.decode.calibration` says how, and what it is if not.
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

    def later(self, seconds: float) -> Segment:
        """The same, with times from a beginning that is so many seconds earlier."""
        words = tuple(replace(one, start=seconds + one.start, end=seconds + one.end) for one in self.words)
        return Segment(words, self.text, seconds + self.start, seconds + self.end)


@dataclass(frozen=True, slots=True)
class Alternative:
    """What else may have been said, and what that is worth: the larger the total, the better.

    Attributes:
        segment: Text and words.
        total: The sum of the four parts, in nats.
        acoustic: What the sound gave.
        language: What language models gave, words unknown to them included.
        bonus: What was given for the number of words.
        hotwords: What hotwords gave.
    """

    segment: Segment
    total: float
    acoustic: float
    language: float = 0.0
    bonus: float = 0.0
    hotwords: float = 0.0

    @property
    def text(self) -> str:
        """The text of the segment."""
        return self.segment.text


@dataclass(frozen=True, slots=True)
class Transcript:
    """The recognised text of one recording.

    Attributes:
        segments: Stretches in order of time.
        duration: Length of the recording in seconds.
        alternatives: Readings of the whole, best first and the transcript among them, where they were
            asked for.
    """

    segments: tuple[Segment, ...]
    duration: float
    alternatives: tuple[Alternative, ...] = ()

    @property
    def text(self) -> str:
        """The whole text, segments joined by spaces."""
        return " ".join(segment.text for segment in self.segments if segment.text)

    @property
    def words(self) -> tuple[Word, ...]:
        """All words in order of time."""
        return tuple(word for segment in self.segments for word in segment.words)
