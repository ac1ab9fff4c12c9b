"""Transcripts as OpenAI's clients read them."""

from __future__ import annotations

import json
import math
import zlib
from typing import Any

from asr.recognize.formats import UNKNOWN, to_srt, to_text, to_vtt
from asr.serve.forms import TranscriptionForm
from asr.transcript import Segment, Transcript, Word


def answer(transcript: Transcript, form: TranscriptionForm) -> tuple[str, str]:
    """The body in the format that was asked for, and its media type."""
    if form.response_format == "text":
        return to_text(transcript, ""), "text/plain"
    if form.response_format == "srt":
        return to_srt(transcript, ""), "application/x-subrip"
    if form.response_format == "vtt":
        return to_vtt(transcript, ""), "text/vtt"
    content = (
        _verbose(transcript, form) if form.response_format == "verbose_json" else {"text": transcript.text}
    )
    return json.dumps(content, ensure_ascii=False), "application/json"


def _verbose(transcript: Transcript, form: TranscriptionForm) -> dict[str, Any]:
    """OpenAI's shape; each word has its probability as well."""
    wanted = form.granularities or ("segment",)
    content: dict[str, Any] = {
        "task": "transcribe",
        "language": form.language or UNKNOWN,
        "duration": round(transcript.duration, 3),
        "text": transcript.text,
    }
    if "word" in wanted:
        content["words"] = [_word(word) for word in transcript.words]
    if "segment" in wanted:
        content["segments"] = [_segment(index, one) for index, one in enumerate(transcript.segments)]
    return content


def _word(word: Word) -> dict[str, Any]:
    return {
        "word": word.text,
        "start": round(word.start, 3),
        "end": round(word.end, 3),
        "probability": round(word.confidence, 4),
    }


def _segment(index: int, segment: Segment) -> dict[str, Any]:
    """A segment with all the keys that whisper's has; what has no meaning here is neutral."""
    text = segment.text.encode()
    logs = [math.log(max(word.confidence, 1e-4)) for word in segment.words]
    return {
        "id": index,
        "seek": 0,
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "text": segment.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(sum(logs) / len(logs), 4) + 0.0 if logs else 0.0,
        "compression_ratio": round(len(text) / len(zlib.compress(text)), 4),
        "no_speech_prob": 0.0 if segment.words else 1.0,
    }
