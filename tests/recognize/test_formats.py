"""Output formats: text for people, JSON for programs, and both say what the transcript says."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.recognize.formats import FORMATS
from asr.transcript import Segment, Transcript, Word

WORDS = st.builds(
    Word,
    text=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8),
    start=st.floats(0, 1e4),
    end=st.floats(0, 1e4),
    confidence=st.floats(0, 1),
)
SEGMENTS = st.lists(WORDS, max_size=5).map(
    lambda words: Segment(tuple(words), " ".join(word.text for word in words), 0.0, 12.5)
)
TRANSCRIPTS = st.builds(Transcript, st.lists(SEGMENTS, max_size=3).map(tuple), st.floats(0, 1e5))


def read_json(content: str) -> tuple[str, Transcript]:
    """The way back from JSON."""
    values = json.loads(content)
    segments = tuple(
        Segment(
            tuple(Word(w["word"], w["start"], w["end"], w["probability"]) for w in segment["words"]),
            segment["text"],
            segment["start"],
            segment["end"],
        )
        for segment in values["segments"]
    )
    return values["audio"], Transcript(segments, values["duration"])


def rounded(transcript: Transcript) -> Transcript:
    segments = tuple(
        Segment(
            tuple(
                Word(word.text, round(word.start, 3), round(word.end, 3), round(word.confidence, 4))
                for word in segment.words
            ),
            segment.text,
            round(segment.start, 3),
            round(segment.end, 3),
        )
        for segment in transcript.segments
    )
    return Transcript(segments, round(transcript.duration, 3))


@given(TRANSCRIPTS, st.text(max_size=10))
def test_json_round_trips_to_the_millisecond(transcript: Transcript, name: str) -> None:
    content = FORMATS["json"](transcript, name)
    assert read_json(content) == (name, rounded(transcript))
    assert json.loads(content)["text"] == transcript.text
    assert content.count("\n") == 1, "one line a recording, so that many make JSON lines"


@given(TRANSCRIPTS)
def test_text_is_a_line_per_segment(transcript: Transcript) -> None:
    assert FORMATS["txt"](transcript, "a.wav").split("\n")[:-1] == [s.text for s in transcript.segments]


def test_letters_stay_readable() -> None:
    segment = Segment((Word("größe", 0.1234567, 0.5, 0.98765),), "größe", 0.0, 1.0)
    content = FORMATS["json"](Transcript((segment,), 1.0), "ß.wav")
    assert '"größe"' in content
    assert '"ß.wav"' in content
    assert '"start": 0.123,' in content
    assert '"probability": 0.9877' in content


def test_formats_are_these() -> None:
    assert list(FORMATS) == ["txt", "json"]
    with pytest.raises(TypeError):
        FORMATS["srt"] = FORMATS["txt"]  # type: ignore[index]
