"""Tables whose first line names the columns: CSV as spreadsheets write it, and tab-separated values."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.errors import AsrError
from data_prep.common import read_text


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is looked for.

    Attributes:
        names: What it may be called, the preferred name first.
        required: Whether a table without it is refused.
    """

    names: tuple[str, ...]
    required: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a line in the order of the columns that were asked for, and where it stands."""

    cells: tuple[str, ...]
    where: str


def rows(table: Path, columns: Sequence[Column], mark: str) -> Iterator[Row]:
    """Reads the columns asked for; those that are missing and not required give empty cells.

    Args:
        table: The file, UTF-8.
        columns: What to take from it.
        mark: ``","`` or a tab. Tab-separated tables are read line by line, since some writers of them
            quote cells and others do not.

    Raises:
        AsrError: If it is not UTF-8 or not a table, or a required column is missing.
    """
    places: list[int | None] = []
    for where, cells in _lines(table, mark):
        if not places:
            places = [_place(table, column, cells) for column in columns]
            continue
        yield Row(
            tuple(
                cells[place].strip() if place is not None and place < len(cells) else "" for place in places
            ),
            where,
        )


def header(table: Path) -> list[str]:
    """The first line of a comma-separated table, cell by cell. Raises AsrError as `rows`."""
    return next((cells for _, cells in _lines(table, ",")), [])


def _place(table: Path, column: Column, cells: Sequence[str]) -> int | None:
    titles = [cell.strip() for cell in cells]
    found = next((titles.index(name) for name in column.names if name in titles), None)
    if found is None and column.required:
        known = ", ".join(titles)
        raise AsrError(
            f"{table}: no column {column.names[0]!r} in its first line ({known}); name the columns"
        )
    return found


def _lines(table: Path, mark: str) -> Iterator[tuple[str, list[str]]]:
    content = read_text(table)
    if mark == "\t":
        for number, line in enumerate(content.split("\n"), start=1):
            if line.strip():
                yield f"{table}, line {number}", [_unquoted(cell) for cell in line.rstrip("\r").split("\t")]
        return
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=mark)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield f"{table}, line {reader.line_num}", cells
    except csv.Error as error:
        raise AsrError(f"{table}, line {reader.line_num}: not a table ({error}); export it again") from None


def _unquoted(cell: str) -> str:
    """Takes off the quotes of a cell that is quoted as a whole; leaves those of the text alone."""
    inner = cell[1:-1]
    whole = len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner.replace('""', "")
    return inner.replace('""', '"') if whole else cell
