"""Transcripts as files: plain text, JSON in the shape that whisper made common, subtitles, TextGrids."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from asr.recognize.align import BAD_MATCH, AlignedText
from asr.transcript import Alternative, Segment, Transcript, Word

LINE = 42
"""Characters of a subtitle, as many as are usual; a longer word stands alone."""
SHOWN = 7.0
"""Seconds for which a subtitle stands at most, unless one word takes longer."""
PAUSE = 1.0
"""Seconds of silence between words after which a new subtitle begins."""


def to_text(transcript: Transcript, name: str) -> str:
    """The text, one line per segment; or each alternative, a line with its total, a tab and its text."""
    if transcript.alternatives:
        return "".join(f"{one.total:.4f}\t{one.text}\n" for one in transcript.alternatives)
    return "".join(f"{segment.text}\n" for segment in transcript.segments)


def to_json(transcript: Transcript, name: str) -> str:
    """Text, segments and words with times in seconds and probabilities; `name` is kept as `audio`.

    Where there are alternatives, they follow, with their totals and the parts of these.
    """
    content = _content(transcript, name)
    if transcript.alternatives:
        content["alternatives"] = [_alternative(one) for one in transcript.alternatives]
    return _one_line(content)


def to_srt(transcript: Transcript, name: str) -> str:
    """Subtitles (SubRip): numbered lines of words with the times at which they appear and vanish."""
    lines = []
    for number, cue in enumerate(_cues(transcript), start=1):
        text = " ".join(word.text for word in cue)
        lines += [str(number), f"{_clock(cue[0].start)} --> {_clock(cue[-1].end)}", text, ""]
    return "".join(f"{line}\n" for line in lines)


def to_textgrid(tiers: Mapping[str, Sequence[Word]], duration: float) -> str:
    """A TextGrid of Praat, long format: a tier for each name, whose intervals cover the whole recording.

    Args:
        tiers: Words in order of time that do not overlap; between them stand intervals without text.
        duration: Of the recording, in seconds.

    Raises:
        ValueError: If a word has no length, which Praat does not allow.
    """
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', ""]
    lines += [
        "xmin = 0",
        f"xmax = {_seconds(duration)}",
        "tiers? <exists>",
        f"size = {len(tiers)}",
        "item []:",
    ]
    for number, (name, words) in enumerate(tiers.items(), start=1):
        intervals = list(_intervals(words, round(duration, 6)))
        lines += [
            f"    item [{number}]:",
            '        class = "IntervalTier"',
            f"        name = {_quoted(name)}",
        ]
        lines += ["        xmin = 0", f"        xmax = {_seconds(duration)}"]
        lines += [f"        intervals: size = {len(intervals)}"]
        for index, (start, end, text) in enumerate(intervals, start=1):
            lines += [f"        intervals [{index}]:", f"            xmin = {_seconds(start)}"]
            lines += [f"            xmax = {_seconds(end)}", f"            text = {_quoted(text)}"]
    return "\n".join(lines) + "\n"


def aligned_json(aligned: AlignedText, name: str) -> str:
    """As `to_json`; for each word also its match and whether that is bad, and the times of the tokens."""
    content = _content(aligned.transcript, name)
    words = (word for segment in content["segments"] for word in segment["words"])
    for word, match in zip(words, aligned.matches, strict=True):
        word["match"] = round(match, 3) + 0.0  # not -0.0
        word["doubtful"] = match < BAD_MATCH
    content["tokens"] = [_word("token", token) for token in aligned.tokens]
    return _one_line(content)


def aligned_textgrid(aligned: AlignedText, name: str) -> str:
    """A TextGrid with the tiers `words` and `tokens`."""
    tiers = {"words": aligned.transcript.words, "tokens": aligned.tokens}
    return to_textgrid(tiers, aligned.transcript.duration)


def aligned_srt(aligned: AlignedText, name: str) -> str:
    """Subtitles."""
    return to_srt(aligned.transcript, name)


def _one_line(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False) + "\n"


def _content(transcript: Transcript, name: str) -> dict[str, Any]:
    return {
        "audio": name,
        "duration": round(transcript.duration, 3),
        "text": transcript.text,
        "segments": [_segment(index, segment) for index, segment in enumerate(transcript.segments)],
    }


def _alternative(one: Alternative) -> dict[str, Any]:
    parts = ("total", "acoustic", "language", "bonus", "hotwords")
    words = [_word("word", word) for word in one.segment.words]
    return {"text": one.text, **{part: round(getattr(one, part), 4) + 0.0 for part in parts}, "words": words}


def _segment(index: int, segment: Segment) -> dict[str, Any]:
    return {
        "id": index,
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "text": segment.text,
        "words": [_word("word", word) for word in segment.words],
    }


def _word(key: str, word: Word) -> dict[str, Any]:
    return {
        key: word.text,
        "start": round(word.start, 3),
        "end": round(word.end, 3),
        "probability": round(word.confidence, 4),
    }


def _cues(transcript: Transcript) -> Iterator[list[Word]]:
    """Cuts the words into subtitles that are neither too long nor stand over a pause."""
    for segment in transcript.segments:
        cue: list[Word] = []
        for word in segment.words:
            length = sum(len(shown.text) + 1 for shown in cue) + len(word.text)
            if cue and (
                length > LINE or word.end - cue[0].start > SHOWN or word.start - cue[-1].end >= PAUSE
            ):
                yield cue
                cue = []
            cue.append(word)
        if cue:
            yield cue


def _clock(seconds: float) -> str:
    """Hours, minutes, seconds and thousandths: 00:01:02,345."""
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02},{rest % 1000:03}"


def _intervals(words: Sequence[Word], duration: float) -> Iterator[tuple[float, float, str]]:
    """Words and the gaps between them, from 0 to the duration."""
    position = 0.0
    for word in words:
        start, end = max(round(word.start, 6), position), min(round(word.end, 6), duration)
        if end <= start:
            raise ValueError(f"{word} has no length, or overlaps the word before it")
        if start > position:
            yield position, start, ""
        yield start, end, word.text
        position = end
    if duration > position:
        yield position, duration, ""


def _seconds(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


FORMATS: Mapping[str, Callable[[Transcript, str], str]] = MappingProxyType({"txt": to_text, "json": to_json})
"""Writers by file extension: ``FORMATS["json"](transcript, "a.wav")``."""

ALIGNED_FORMATS: Mapping[str, Callable[[AlignedText, str], str]] = MappingProxyType(
    {"TextGrid": aligned_textgrid, "json": aligned_json, "srt": aligned_srt}
)
"""Writers of alignments by file extension."""
