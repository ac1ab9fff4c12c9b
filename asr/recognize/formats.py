"""Transcripts as files: plain text, and JSON in the shape that whisper made common."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType

from asr.transcript import Segment, Transcript


def to_text(transcript: Transcript, name: str) -> str:
    """The text, one line per segment."""
    return "".join(f"{segment.text}\n" for segment in transcript.segments)


def to_json(transcript: Transcript, name: str) -> str:
    """Text, segments and words with times in seconds and probabilities; `name` is kept as `audio`."""
    content = {
        "audio": name,
        "duration": round(transcript.duration, 3),
        "text": transcript.text,
        "segments": [_segment(index, segment) for index, segment in enumerate(transcript.segments)],
    }
    return json.dumps(content, ensure_ascii=False) + "\n"


def _segment(index: int, segment: Segment) -> dict[str, object]:
    return {
        "id": index,
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "text": segment.text,
        "words": [
            {
                "word": word.text,
                "start": round(word.start, 3),
                "end": round(word.end, 3),
                "probability": round(word.confidence, 4),
            }
            for word in segment.words
        ],
    }


FORMATS: Mapping[str, Callable[[Transcript, str], str]] = MappingProxyType({"txt": to_text, "json": to_json})
"""Writers by file extension: ``FORMATS["json"](transcript, "a.wav")``."""
