"""Transcripts as plain text and as tables: tab-separated for spreadsheets, CTM for scoring tools."""

from __future__ import annotations

from pathlib import PurePath

from asr.recognize.formats.style import PLAIN, Style, on_one_line
from asr.transcript import Transcript


def to_text(transcript: Transcript, name: str, style: Style = PLAIN) -> str:
    """The text, one line per segment; or each alternative, a line with its total, a tab and its text."""
    if transcript.alternatives:
        return "".join(f"{one.total:.4f}\t{one.text}\n" for one in transcript.alternatives)
    return "".join(f"{segment.text}\n" for segment in transcript.segments)


def to_tsv(transcript: Transcript, name: str, style: Style = PLAIN) -> str:
    """A table of the segments that have words, as whisper writes it: start and end in ms, and the text."""
    lines, position = ["start\tend\ttext"], 0
    for segment in transcript.segments:
        if text := on_one_line(segment.text):
            start = max(round(1000 * segment.start), position)
            position = max(round(1000 * segment.end), start)
            lines.append(f"{start}\t{position}\t{text}")
    return "".join(f"{line}\n" for line in lines)


def to_ctm(transcript: Transcript, name: str, style: Style = PLAIN) -> str:
    """A line for each word, as sclite and Kaldi read it: file, channel, start, duration, word, confidence.

    The file is called as `name`, without folders and extension; white space in names and words becomes _,
    for it separates the fields. Times are seconds, and no word starts before the one above it.
    """
    file = "_".join(on_one_line(PurePath(name).stem).split()) or "_"
    if file.startswith(";;"):  # would be a comment
        file = f"_{file}"
    lines, position = [], 0.0
    for word in transcript.words:
        if text := "_".join(on_one_line(word.text).split()):
            position = max(round(word.start, 3), position)
            duration = max(round(word.end, 3) - position, 0.0)
            lines.append(f"{file} 1 {position:.3f} {duration:.3f} {text} {word.confidence:.4f}\n")
    return "".join(lines)
