"""LJ Speech: one woman reads non-fiction, 24 hours in 13,100 clips of 22.05 kHz.

`LJSpeech-1.1.tar.bz2` holds

    LJSpeech-1.1/metadata.csv       id, text as printed, text with numbers and abbreviations written out:
        LJ001-0007|the earliest book printed in 1455|the earliest book printed in fourteen fifty-five
    LJSpeech-1.1/wavs/LJ001-0007.wav

The text is the written-out one. There are no official splits: all is train, unless fractions are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from asr.data.manifest import Utterance
from asr.errors import AsrError
from data_prep import prepared
from data_prep.common import Skip, find_below, recorded, refuse
from data_prep.texts import table_entries

SPEAKER = "LJ"


def splits(corpus_dir: Path, skip: Skip = refuse) -> dict[str, Iterator[Utterance]]:
    """Gives train; see `data_prep.common` for the contract.

    Raises:
        AsrError: If the folder is not LJ Speech.
    """
    if found := prepared.manifests(corpus_dir):
        return prepared.splits(found, skip)
    root = find_below(corpus_dir, "metadata.csv")
    if root is None or not (root / "wavs").is_dir():
        raise AsrError(
            f"{corpus_dir}: this does not look like LJ Speech: no metadata.csv beside a folder 'wavs'; "
            "give the folder 'LJSpeech-1.1' or the archive LJSpeech-1.1.tar.bz2"
        )
    return {"train": _utterances(root, skip)}


def _utterances(root: Path, skip: Skip) -> Iterator[Utterance]:
    unread = {path.stem: path for path in sorted((root / "wavs").glob("*.wav"))}
    for entry in table_entries(root / "metadata.csv"):
        path = unread.pop(entry.recording, None)
        if path is None:
            skip("text without a recording", f"{entry.where}: {entry.recording}")
        else:
            yield from recorded(entry.recording, path, entry.text, skip, speaker=SPEAKER)
    for path in unread.values():
        skip("recording without a text", str(path))
