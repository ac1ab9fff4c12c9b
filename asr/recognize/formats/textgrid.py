"""TextGrids, the files in which Praat keeps what is said when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from asr.recognize.align import AlignedText
from asr.recognize.formats.style import PLAIN, Style, on_one_line
from asr.transcript import Transcript, Word

_SHORTEST = 0.001
"""Seconds that a recognised word is given at least: Praat takes no interval without length."""


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


def transcript_textgrid(transcript: Transcript, name: str, style: Style = PLAIN) -> str:
    """A TextGrid with the tier `words`; words that touch or overlap are moved apart by milliseconds."""
    words, position = [], 0.0
    for word in transcript.words:
        if text := on_one_line(word.text):
            start = max(word.start, position)
            position = max(word.end, start + _SHORTEST)
            words.append(Word(text, start, position, word.confidence))
    return to_textgrid({"words": words}, max(transcript.duration, position, _SHORTEST))


def aligned_textgrid(aligned: AlignedText, name: str) -> str:
    """A TextGrid with the tiers `words` and `tokens`."""
    tiers = {"words": aligned.transcript.words, "tokens": aligned.tokens}
    return to_textgrid(tiers, aligned.transcript.duration)


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
