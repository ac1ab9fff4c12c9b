"""Which split a file or a recording belongs to, where only names say so; and no utterance twice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from asr.data.manifest import Utterance
from data_prep.common import Skip

SPLITS = {
    "train": ("train", "training"),
    "dev": ("dev", "development", "valid", "validation", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}


def split_of(name: str) -> str:
    """The split that a word of `name` stands for: ``"an4_val_manifest"`` is dev; empty if none or several."""
    words = set(re.split(r"[^a-z]+", name.lower()))
    found = [split for split, known in SPLITS.items() if words.intersection(known)]
    return found[0] if len(found) == 1 else ""


def by_split(files: Sequence[Path]) -> dict[str, Path]:
    """Names a split after each file: train, dev or test where the name says so, else the whole name.

    Where two files would be the same split, all keep their whole names; where these are the same too, their
    folders are put before them.
    """
    for names in (
        [split_of(path.stem) or path.stem for path in files],
        [path.stem for path in files],
        [f"{path.parent.name}-{path.stem}" for path in files],
    ):
        if len(set(names)) == len(files):
            break
    return dict(sorted(zip(names, files, strict=True), key=lambda item: (item[0] != "train", item[0])))


def unrepeated(utterances: Iterator[Utterance], skip: Skip) -> Iterator[Utterance]:
    """Passes on the first utterance of each id, and names the others to `skip`."""
    seen: set[str] = set()
    for utterance in utterances:
        if utterance.id in seen:
            skip("second text for a recording", utterance.id)
        else:
            seen.add(utterance.id)
            yield utterance
