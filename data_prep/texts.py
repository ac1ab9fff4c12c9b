"""Transcripts as people keep them: a table of files and texts, or a text file beside each recording.

    metadata.csv      LJ001-0001|Printing, in the only sense|Printing, in the only sense
    transcripts.tsv   clips/a.wav<TAB>hello there
    anything.csv      file,text,speaker          (a header names the columns, in any order)
                      a.wav,"hello, there",ann
    a.txt             hello there                (beside a.wav)

Without a header the first column names the recording, with or without suffix. The text is the second; the
last with ``|``, where LJSpeech has its normalised form; all that follows with unquoted commas.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.errors import AsrError
from data_prep.common import read_text

# In order of preference, where a header has several.
FILE_COLUMNS = (
    *("path", "file", "filename", "file_name", "audio_filepath", "audio_path", "audio_file", "audio"),
    *("wav_filename", "wav", "recording", "clip", "id", "utt_id", "utterance_id", "name"),
)
TEXT_COLUMNS = (
    "normalized_text",
    "normalized_transcription",
    "text",
    "transcript",
    "transcription",
    "sentence",
)
SPEAKER_COLUMNS = ("speaker", "speaker_id", "client_id")


@dataclass(frozen=True, slots=True)
class Entry:
    """A text and what it belongs to.

    Attributes:
        recording: Name of the recording, as written there.
        text: In composed Unicode (NFC), white space made single spaces.
        speaker: Empty where not given.
        where: File and line, for messages.
    """

    recording: str
    text: str
    speaker: str
    where: str


@dataclass(frozen=True, slots=True)
class _Columns:
    file: int
    text: int
    speaker: int | None


def clean(text: str) -> str:
    """Composes a text (NFC) and makes each run of white space one space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def table_entries(table: Path) -> Iterator[Entry]:
    """Reads a table of files and texts.

    Raises:
        AsrError: If it is not UTF-8 or not a table.
    """
    content = read_text(table)
    first = next((line for line in content.splitlines() if line.strip()), "")
    mark = "\t" if table.suffix == ".tsv" else next((mark for mark in "\t|" if mark in first), ",")
    lines = io.StringIO(content, newline="")
    plain = csv.reader(lines, delimiter=mark, quoting=csv.QUOTE_NONE)
    reader = csv.reader(lines) if mark == "," else plain
    columns: _Columns | None = None
    try:
        for number, row in enumerate(row for row in reader if any(cell.strip() for cell in row)):
            if number == 0 and (columns := _header(row)):
                continue
            yield _entry(row, columns, mark, f"{table}, line {reader.line_num}")
    except csv.Error as error:
        raise AsrError(f"{table}, line {reader.line_num}: not a table ({error}); export it again") from None


def _header(row: Sequence[str]) -> _Columns | None:
    names = [cell.strip().lower() for cell in row]

    def column(known: Sequence[str]) -> int | None:
        return next((names.index(name) for name in known if name in names), None)

    file, text = column(FILE_COLUMNS), column(TEXT_COLUMNS)
    return None if file is None or text is None else _Columns(file, text, column(SPEAKER_COLUMNS))


def _entry(row: Sequence[str], columns: _Columns | None, mark: str, where: str) -> Entry:
    def cell(index: int | None) -> str:
        return row[index].strip() if index is not None and index < len(row) else ""

    if columns:
        return Entry(cell(columns.file), clean(cell(columns.text)), cell(columns.speaker), where)
    if mark == "|":
        text = next((value for value in reversed(row[1:]) if value.strip()), "")
    else:
        text = mark.join(row[1:]) if mark == "," else cell(1)
    return Entry(cell(0), clean(text), "", where)
