"""FSDD, the Free Spoken Digit Dataset: six people say each digit fifty times, 8 kHz.

The archive of a release from GitHub, for example `free-spoken-digit-dataset-1.0.10.zip`, holds

    free-spoken-digit-dataset-1.0.10/recordings/7_jackson_32.wav       digit, speaker, take

Takes 0 to 4 are the official test, the others train; the same speakers are in both. Text is the digit's word
in upper case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from asr.audio.io import find_recordings
from asr.data.manifest import Utterance
from asr.errors import AsrError, AudioError
from data_prep import prepared
from data_prep.common import Skip, recorded, refuse

WORDS = ("ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE")
TEST_TAKES = range(5)
_NAME = re.compile(r"([0-9])_(\w+)_([0-9]+)")


def splits(corpus_dir: Path, skip: Skip = refuse) -> dict[str, Iterator[Utterance]]:
    """Gives train and test; see `data_prep.common` for the contract.

    Raises:
        AsrError: If the folder is not FSDD.
    """
    if found := prepared.manifests(corpus_dir):
        return prepared.splits(found, skip)
    try:
        recordings = find_recordings(corpus_dir)
    except AudioError:
        recordings = []
    takes = {path: int(match[3]) for path in recordings if (match := _NAME.fullmatch(path.stem))}
    if not takes:
        raise AsrError(
            f"{corpus_dir}: this does not look like FSDD: no recordings named like 7_jackson_32.wav; "
            "give the folder 'recordings', or the archive of a release"
        )
    for path in recordings:
        if path not in takes:
            skip("recording whose name is not digit_speaker_take", str(path))
    test = [path for path, take in takes.items() if take in TEST_TAKES]
    train = [path for path, take in takes.items() if take not in TEST_TAKES]
    return {"train": _utterances(train, skip), "test": _utterances(test, skip)}


def _utterances(recordings: list[Path], skip: Skip) -> Iterator[Utterance]:
    for path in recordings:
        digit, speaker = path.stem[0], path.stem[2:].rpartition("_")[0]
        yield from recorded(path.stem, path, WORDS[int(digit)], skip, speaker=speaker)
