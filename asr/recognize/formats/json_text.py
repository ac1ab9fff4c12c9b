"""Transcripts and alignments as JSON, in the shape that whisper made common, a line for each recording."""

from __future__ import annotations

import json
from typing import Any

from asr.recognize.align import BAD_MATCH, AlignedText
from asr.recognize.formats.style import PLAIN, Style
from asr.transcript import Alternative, Segment, Transcript, Word


def to_json(transcript: Transcript, name: str, style: Style = PLAIN) -> str:
    """Text, segments and words with times in seconds and probabilities; `name` is kept as `audio`.

    Where there are alternatives, they follow, with their totals and the parts of these.
    """
    content = _content(transcript, name, style)
    if transcript.alternatives:
        content["alternatives"] = [_alternative(one, style) for one in transcript.alternatives]
    return _one_line(content)


def aligned_json(aligned: AlignedText, name: str) -> str:
    """As `to_json`; for each word also its match and whether that is bad, and the times of the tokens."""
    content = _content(aligned.transcript, name, PLAIN)
    words = (word for segment in content["segments"] for word in segment["words"])
    for word, match in zip(words, aligned.matches, strict=True):
        word["match"] = round(match, 3) + 0.0  # not -0.0
        word["doubtful"] = match < BAD_MATCH
    content["tokens"] = [_word("token", token) for token in aligned.tokens]
    return _one_line(content)


def _one_line(content: dict[str, Any]) -> str:
    """JSON; the bytes of a file name that are no UTF-8 are written as its escapes."""
    text = json.dumps(content, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode() + "\n"


def _content(transcript: Transcript, name: str, style: Style) -> dict[str, Any]:
    return {
        "audio": name,
        "duration": round(transcript.duration, 3),
        "text": transcript.text,
        "segments": [_segment(index, one, style) for index, one in enumerate(transcript.segments)],
        "language": style.language,
    }


def _alternative(one: Alternative, style: Style) -> dict[str, Any]:
    parts = ("total", "acoustic", "language", "bonus", "hotwords")
    content = {"text": one.text, **{part: round(getattr(one, part), 4) + 0.0 for part in parts}}
    return content | _words(one.segment, style)


def _segment(index: int, segment: Segment, style: Style) -> dict[str, Any]:
    content = {
        "id": index,
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "text": segment.text,
    }
    return content | _words(segment, style)


def _words(segment: Segment, style: Style) -> dict[str, Any]:
    return {"words": [_word("word", word) for word in segment.words]} if style.words else {}


def _word(key: str, word: Word) -> dict[str, Any]:
    return {
        key: word.text,
        "start": round(word.start, 3),
        "end": round(word.end, 3),
        "probability": round(word.confidence, 4),
    }
