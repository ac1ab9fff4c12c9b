"""speechocean762: 5,000 English sentences read by 250 native speakers of Mandarin, half of them children.

`speechocean762.tar.gz` holds

    speechocean762/WAVE/SPEAKER0001/000010011.WAV      16 kHz
    speechocean762/train/wav.scp                       000010011<TAB>WAVE/SPEAKER0001/000010011.WAV
    speechocean762/train/text                          000010011<TAB>WE CALL IT BEAR
    speechocean762/train/utt2spk                       000010011<TAB>0001
    speechocean762/test/…                              the same; ages, genders and scores are not used

The folders train and test are as Kaldi has them, and `data_prep.kaldi` reads them. Text is upper case, as
given; it is the prompt, which some speakers mis-read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from asr.data.manifest import Utterance
from asr.errors import AsrError
from data_prep import kaldi, prepared
from data_prep.common import Skip, find_below, refuse


def splits(corpus_dir: Path, skip: Skip = refuse) -> dict[str, Iterator[Utterance]]:
    """Gives train and test; see `data_prep.common` for the contract.

    Raises:
        AsrError: If the folder is not speechocean762.
    """
    if found := prepared.manifests(corpus_dir):
        return prepared.splits(found, skip)
    root = find_below(corpus_dir, "train/wav.scp")
    if root is None or not (root / "WAVE").is_dir() or not (root / "test/wav.scp").is_file():
        raise AsrError(
            f"{corpus_dir}: this does not look like speechocean762: no WAVE, train/wav.scp and test/wav.scp; "
            "give the folder 'speechocean762' or the archive speechocean762.tar.gz"
        )
    return {split: kaldi.utterances(root / split, skip) for split in ("train", "test")}
