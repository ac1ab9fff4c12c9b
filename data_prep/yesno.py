"""yesno: one man says eight words, each "yes" or "no" (in Hebrew), in each of 60 recordings.

`waves_yesno.tar.gz` holds

    waves_yesno/0_0_0_0_1_1_1_1.wav        8 kHz; the name is the transcript: 1 is YES, 0 is NO

Alternate files in the order of their names are train and test; there is no official split.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from asr.audio.io import AudioSource, find_recordings
from asr.data.manifest import Utterance
from asr.errors import AsrError, AudioError
from data_prep import prepared
from data_prep.common import Skip, measured, refuse

WORDS = {"0": "NO", "1": "YES"}
_NAME = re.compile(r"[01](_[01])+")


def splits(corpus_dir: Path, skip: Skip = refuse) -> dict[str, Iterator[Utterance]]:
    """Gives train and test; see `data_prep.common` for the contract.

    Raises:
        AsrError: If the folder is not yesno.
    """
    if found := prepared.manifests(corpus_dir):
        return prepared.splits(found, skip)
    try:
        recordings = find_recordings(corpus_dir)
    except AudioError:
        recordings = []
    named = sorted((path for path in recordings if _NAME.fullmatch(path.stem)), key=lambda path: path.name)
    if not named:
        raise AsrError(
            f"{corpus_dir}: this does not look like yesno: no recordings named like 0_1_0_0_1_0_1_1.wav; "
            "give the folder 'waves_yesno' or the archive waves_yesno.tar.gz"
        )
    for path in recordings:
        if path not in named:
            skip("recording whose name is not made of 0 and 1", str(path))
    return {"train": _utterances(named[::2], skip), "test": _utterances(named[1::2], skip)}


def _utterances(recordings: list[Path], skip: Skip) -> Iterator[Utterance]:
    for path in recordings:
        if duration := measured(AudioSource(path), skip):
            text = " ".join(WORDS[digit] for digit in path.stem.split("_"))
            yield Utterance(f"yesno-{path.stem}", AudioSource(path), duration, text, speaker="yesno")
