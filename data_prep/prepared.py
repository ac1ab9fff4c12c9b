"""Corpora that are prepared already: a manifest per split.

    <split>/manifest.jsonl                 beside or above the recordings it names, or
    <split>.jsonl and <split>.tar          the recordings being members of the tar file

Their utterances are checked and passed on as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from asr.audio.io import AudioSource
from asr.data.manifest import Utterance, read_manifest
from data_prep.common import Skip, measured

TOLERANCE = 0.05  # seconds that a recording may be shorter than its manifest says


def manifests(folder: Path) -> dict[str, Path]:
    """Finds the manifests of a prepared corpus, by split; in the one subfolder if nothing else is there."""
    found = {path.parent.name: path for path in sorted(folder.glob("*/manifest.jsonl"))}
    archived = [path for path in sorted(folder.glob("*.jsonl")) if path.with_suffix(".tar").is_file()]
    found.update({path.stem: path for path in archived})
    inner = list(folder.iterdir())
    if not found and len(inner) == 1 and inner[0].is_dir():
        return manifests(inner[0])
    return dict(sorted(found.items(), key=lambda item: (item[0] != "train", item[0])))


def splits(found: dict[str, Path], skip: Skip) -> dict[str, Iterator[Utterance]]:
    """Gives the utterances of each manifest; see `data_prep.common` for `skip`."""
    return {split: _checked(path, skip) for split, path in found.items()}


def _checked(manifest: Path, skip: Skip) -> Iterator[Utterance]:
    lengths: dict[AudioSource, float] = {}
    for utterance in read_manifest(manifest):
        source = utterance.audio
        if source not in lengths:
            lengths[source] = measured(source, skip)
        end, length = utterance.start + utterance.duration, lengths[source]
        if length and end > length + TOLERANCE:
            skip("utterance that ends after its recording", f"{source}: {end:.2f} s of {length:.2f} s")
        elif length:
            yield utterance
