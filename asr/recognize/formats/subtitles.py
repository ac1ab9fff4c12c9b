"""Subtitles: SubRip for players, WebVTT for web pages. No text can become markup or a time."""

from __future__ import annotations

import re
from html import escape

from asr.recognize.align import AlignedText
from asr.recognize.formats.cues import cues
from asr.recognize.formats.style import PLAIN, Style
from asr.transcript import Transcript

_ENTITY = re.compile(r"&(?=#?\w+;)")
_TAG = re.compile(r"<(?=[\w/!?])")


def to_srt(transcript: Transcript, name: str, style: Style = PLAIN) -> str:
    """Subtitles (SubRip): numbered lines of words with the times at which they appear and vanish.

    SubRip has no escapes of its own. What a player could take for a tag, an entity or a time is written
    with the entities of HTML, which players decode; everything else, such as AT&T, stays as it is.
    """
    blocks = [
        f"{number}\n{_clock(cue.start_ms, ',')} --> {_clock(cue.end_ms, ',')}\n"
        + "".join(f"{_harmless(line)}\n" for line in cue.lines)
        for number, cue in enumerate(cues(transcript, style), start=1)
    ]
    return "".join(f"{block}\n" for block in blocks)


def to_vtt(transcript: Transcript, name: str, style: Style = PLAIN) -> str:
    """Subtitles for web pages (WebVTT): those of `to_srt`, escaped as the standard says."""
    blocks = [
        f"{_clock(cue.start_ms, '.')} --> {_clock(cue.end_ms, '.')}\n"
        + "".join(f"{escape(line, quote=False)}\n" for line in cue.lines)
        for cue in cues(transcript, style)
    ]
    return "".join(f"{block}\n" for block in ["WEBVTT\n", *blocks])


def aligned_srt(aligned: AlignedText, name: str) -> str:
    """Subtitles."""
    return to_srt(aligned.transcript, name)


def _harmless(line: str) -> str:
    return _TAG.sub("&lt;", _ENTITY.sub("&amp;", line)).replace("-->", "--&gt;")


def _clock(thousandths: int, point: str) -> str:
    """Hours, minutes, seconds and thousandths: 00:01:02,345."""
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{point}{rest % 1000:03}"
