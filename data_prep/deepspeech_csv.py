"""Tables of Mozilla DeepSpeech and Coqui STT: a CSV file for each split.

    train.csv            wav_filename,wav_filesize,transcript
                         clips/a.wav,32044,hello there

Files are named from the folder of the table, or absolutely; the sizes are not used. `data_prep.splitting`
says how the names of the tables become those of splits.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from asr.data.manifest import Utterance
from asr.errors import AsrError
from data_prep import prepared
from data_prep.common import Skip, locate, recorded, refuse
from data_prep.splitting import by_split, unrepeated
from data_prep.tables import Column, header, rows
from data_prep.texts import clean

_COLUMNS = (
    Column(("wav_filename",)),
    Column(("transcript",)),
    Column(("client_id", "speaker"), required=False),
)


def splits(source: Path, skip: Skip = refuse) -> dict[str, Iterator[Utterance]]:
    """Gives a split for each table in a folder, or of one table; see `data_prep.common` for the contract.

    Raises:
        AsrError: If there is no table with the columns wav_filename and transcript.
    """
    if source.is_dir() and (found := prepared.manifests(source)):
        return prepared.splits(found, skip)
    tables = sorted(source.rglob("*.csv")) if source.is_dir() else [source]
    tables = [path for path in tables if "wav_filename" in header(path)]
    if not tables:
        raise AsrError(
            f"{source}: no table of DeepSpeech; its first line is wav_filename,wav_filesize,transcript"
        )
    return {name: unrepeated(_utterances(path, skip), skip) for name, path in by_split(tables).items()}


def _utterances(table: Path, skip: Skip) -> Iterator[Utterance]:
    for row in rows(table, _COLUMNS, ","):
        name, text, speaker = row.cells
        identity = PurePosixPath(name).with_suffix("").as_posix() if name else row.where
        yield from recorded(identity, locate(name, table.parent), clean(text), skip, speaker=speaker)
