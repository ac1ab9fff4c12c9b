"""Folders as Hugging Face's `datasets` reads them (AudioFolder): recordings, and a table of their texts.

    train/metadata.csv           file_name,transcription
                                 clips/a.wav,hello there
    train/clips/a.wav
    test/metadata.jsonl          {"file_name": "b.wav", "text": "hello again"}
    test/b.wav

`file_name` is relative to its table. The text is called text, transcription, sentence or transcript, and
there may be a speaker or speaker_id. The folders that a recording is in say its split (train; validation,
valid, dev; test, eval); otherwise it is train.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from asr.data.manifest import Utterance
from asr.errors import AsrError
from data_prep import prepared
from data_prep.common import Skip, lines_of, locate, recorded, refuse
from data_prep.splitting import split_of, unrepeated
from data_prep.tables import Column, Row, rows
from data_prep.texts import clean

_COLUMNS = (
    Column(("file_name", "audio_file_name")),
    Column(("text", "transcription", "sentence", "transcript", "normalized_text")),
    Column(("speaker", "speaker_id", "client_id"), required=False),
)


def splits(source: Path, skip: Skip = refuse) -> dict[str, Iterator[Utterance]]:
    """Gives the splits that the folders name, or train; see `data_prep.common` for the contract.

    Raises:
        AsrError: If there is no table, or it lacks a column.
    """
    if source.is_dir() and (found := prepared.manifests(source)):
        return prepared.splits(found, skip)
    folder = source if source.is_dir() else source.parent
    tables = (
        sorted([*folder.rglob("metadata.csv"), *folder.rglob("metadata.jsonl")])
        if source == folder
        else [source]
    )
    if not tables:
        parquet = next(folder.rglob("*.parquet"), None)
        what = f"{parquet.name} cannot be read; save the recordings and" if parquet else "no table; write"
        raise AsrError(f"{source}: {what} metadata.csv with the columns file_name and transcription")
    chosen: dict[str, list[tuple[Path, Row]]] = {"train": [], "dev": [], "test": []}
    for table in tables:
        for row in rows(table, _COLUMNS, ",") if table.suffix == ".csv" else _objects(table):
            path = locate(row.cells[0], table.parent)
            chosen[_split(path, folder)].append((path, row))
    return {
        split: unrepeated(_utterances(found, folder, skip), skip) for split, found in chosen.items() if found
    }


def _utterances(found: list[tuple[Path, Row]], folder: Path, skip: Skip) -> Iterator[Utterance]:
    for path, row in found:
        _, text, speaker = row.cells
        identity = path.relative_to(folder) if path.is_relative_to(folder) else path
        if not text:
            skip("empty text", row.where)
        else:
            yield from recorded(identity.with_suffix("").as_posix(), path, clean(text), skip, speaker=speaker)


def _split(path: Path, folder: Path) -> str:
    """The split that the folders between `folder` and a recording name, the outermost first."""
    above = path.relative_to(folder).parts[:-1] if path.is_relative_to(folder) else ()
    return next((split for split in map(split_of, above) if split), "train")


def _objects(table: Path) -> Iterator[Row]:
    """Reads JSON lines as `rows` reads a table."""
    for number, line in lines_of(table):
        where = f"{table}, line {number}"
        try:
            entry = msgspec.json.decode(line, type=dict[str, object])
        except msgspec.DecodeError as error:
            raise AsrError(f"{where}: not a JSON object ({error}); correct the line") from None
        yield Row(tuple(_value(entry, column, where) for column in _COLUMNS), where)


def _value(entry: Mapping[str, object], column: Column, where: str) -> str:
    value = next((entry[name] for name in column.names if name in entry), None)
    if column.required and not isinstance(value, str):
        raise AsrError(f"{where}: no string {column.names[0]!r}; add it")
    return "" if value is None else str(value)
