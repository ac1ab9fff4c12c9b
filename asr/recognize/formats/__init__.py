"""Transcripts as files: text, JSON in the shape that whisper made common, subtitles, tables, TextGrids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from asr.recognize.align import AlignedText
from asr.recognize.formats.cues import LINE, LINGER, PAUSE, READ, SHOWN
from asr.recognize.formats.json_text import aligned_json, to_json
from asr.recognize.formats.style import PLAIN, UNKNOWN, Style, Writer
from asr.recognize.formats.subtitles import aligned_srt, to_srt, to_vtt
from asr.recognize.formats.tables import to_ctm, to_text, to_tsv
from asr.recognize.formats.textgrid import aligned_textgrid, to_textgrid, transcript_textgrid

__all__ = ["ALIGNED_FORMATS", "FORMATS", "LINE", "LINGER", "PAUSE", "PLAIN", "READ", "SHOWN", "UNKNOWN"]
__all__ += ["Style", "Writer", "aligned_json", "aligned_srt", "aligned_textgrid", "to_ctm", "to_json"]
__all__ += ["to_srt", "to_text", "to_textgrid", "to_tsv", "to_vtt", "transcript_textgrid"]

FORMATS: Mapping[str, Writer] = MappingProxyType(
    {
        "txt": to_text,
        "srt": to_srt,
        "vtt": to_vtt,
        "tsv": to_tsv,
        "json": to_json,
        "ctm": to_ctm,
        "TextGrid": transcript_textgrid,
    }
)
"""Writers by file extension: ``FORMATS["json"](transcript, "a.wav")``."""

ALIGNED_FORMATS: Mapping[str, Callable[[AlignedText, str], str]] = MappingProxyType(
    {"TextGrid": aligned_textgrid, "json": aligned_json, "srt": aligned_srt}
)
"""Writers of alignments by file extension."""
