"""Speech Commands: thirty-five words, said once each by thousands of people, 16 kHz, a second or less.

`speech_commands_v0.02.tar.gz` holds

    yes/004ae714_nohash_0.wav         word / speaker _nohash_ take
    validation_list.txt               files of the dev split, one a line: yes/0132a06d_nohash_2.wav
    testing_list.txt                  files of the test split
    _background_noise_/pink_noise.wav minutes of noise, no speech: left out

All other files are train. Text is the name of the folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from asr.data.manifest import Utterance
from asr.errors import AsrError
from data_prep import prepared
from data_prep.common import Skip, find_below, lines_of, recorded, refuse

LISTS = {"dev": "validation_list.txt", "test": "testing_list.txt"}
NOISE = "_background_noise_"


def splits(corpus_dir: Path, skip: Skip = refuse) -> dict[str, Iterator[Utterance]]:
    """Gives train, dev and test; see `data_prep.common` for the contract.

    Raises:
        AsrError: If the folder is not Speech Commands.
    """
    if found := prepared.manifests(corpus_dir):
        return prepared.splits(found, skip)
    root = find_below(corpus_dir, LISTS["test"])
    if root is None or not (root / LISTS["dev"]).is_file():
        raise AsrError(
            f"{corpus_dir}: this does not look like Speech Commands: no testing_list.txt beside a "
            "validation_list.txt; give its folder or the archive speech_commands_v0.02.tar.gz"
        )
    chosen: dict[str, list[Path]] = {"train": [], "dev": [], "test": []}
    listed = {line: split for split, name in LISTS.items() for _, line in lines_of(root / name)}
    for path in sorted(root.glob("*/*.wav")):
        if path.parent.name == NOISE:
            skip("noise without speech", str(path))
        elif not path.name.startswith("."):
            split = listed.pop(path.relative_to(root).as_posix(), "train")
            chosen[split].append(path)
    for name, split in listed.items():
        skip("listed recording that is not there", f"{root / LISTS[split]}: {name}")
    return {split: _utterances(paths, skip) for split, paths in chosen.items()}


def _utterances(recordings: list[Path], skip: Skip) -> Iterator[Utterance]:
    for path in recordings:
        word, speaker = path.parent.name, path.stem.partition("_nohash_")[0]
        yield from recorded(f"{word}/{path.stem}", path, word, skip, speaker=speaker)
