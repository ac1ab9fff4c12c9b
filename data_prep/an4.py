"""AN4, the CMU census database: spelled words and numbers, 948 + 130 utterances, close-talking microphone.

`an4_raw.bigendian.tar.gz`, `an4_raw.littleendian.tar.gz` and `an4_sphere.tar.gz` hold

    an4/etc/an4_train.transcription        one line per utterance, its id in brackets:
        <s> YES </s> (an251-fash-b)
        <s> RUBOUT G M E F THREE NINE </s> (an60-fash-b)
    an4/etc/an4_test.transcription         the same, some lines without <s> and </s>
    an4/wav/an4_clstk/fash/an251-fash-b.raw        train: 16-bit samples at 16 kHz, no header; or .sph (NIST)
    an4/wav/an4test_clstk/fcaw/an406-fcaw-b.raw    test

The folder above a recording names its speaker. Text is upper case, as given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from asr.audio.io import AudioSource
from asr.data.manifest import Utterance
from asr.errors import AsrError
from data_prep import prepared
from data_prep.common import Skip, find_below, measured, read_text, refuse

FOLDERS = {"train": "an4_clstk", "test": "an4test_clstk"}
SUFFIXES = (".raw", ".sph", ".wav", ".flac")
_LINE = re.compile(r"(?P<text>.*)\((?P<id>[^()\s]+)\)\s*")


def splits(corpus_dir: Path, skip: Skip = refuse) -> dict[str, Iterator[Utterance]]:
    """Gives the official splits, train and test; see `data_prep.common` for the contract.

    Raises:
        AsrError: If the folder is not AN4.
    """
    if found := prepared.manifests(corpus_dir):
        return prepared.splits(found, skip)
    for split in FOLDERS:
        if find_below(corpus_dir, f"etc/an4_{split}.transcription") is None:
            raise AsrError(
                f"{corpus_dir}: this does not look like AN4: no etc/an4_{split}.transcription; "
                "give the folder 'an4' or its archive, for example an4_raw.bigendian.tar.gz"
            )
    return {split: _utterances(corpus_dir, split, skip) for split in FOLDERS}


def _utterances(corpus_dir: Path, split: str, skip: Skip) -> Iterator[Utterance]:
    name = f"etc/an4_{split}.transcription"
    root = find_below(corpus_dir, name)
    assert root is not None  # `splits` looked
    recordings = sorted(
        path for path in (root / "wav" / FOLDERS[split]).rglob("*") if path.suffix in SUFFIXES
    )
    unread = {path.stem: path for path in recordings}
    for number, line in enumerate(read_text(root / name).splitlines(), start=1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise AsrError(f"{root / name}, line {number}: no (id) at its end; unpack the corpus again")
        path = unread.pop(match["id"], None)
        text = " ".join(word for word in match["text"].split() if word not in ("<s>", "</s>")).upper()
        if path is None:
            skip("text without a recording", match["id"])
        elif duration := measured(AudioSource(path), skip):
            yield Utterance(match["id"], AudioSource(path), duration, text, speaker=path.parent.name)
    for path in unread.values():
        skip("recording without a text", str(path))
