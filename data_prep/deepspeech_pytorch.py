"""Manifests of deepspeech.pytorch: pairs of a recording and a text file, in JSON or, earlier, in CSV.

    an4_train_manifest.json      {"root_path": "/data/an4/train",
                                  "samples": [{"wav_path": "wav/a.wav", "transcript_path": "txt/a.txt"}]}
    train_manifest.csv           /data/an4/train/wav/a.wav,/data/an4/train/txt/a.txt

If `root_path` is not there any more, paths are looked for from the folder of the manifest.
`data_prep.splitting` says how the names of the manifests become those of splits.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import msgspec

from asr.data.manifest import Utterance
from asr.errors import AsrError, readable
from data_prep import prepared
from data_prep.common import Skip, lines_of, locate, read_text, recorded, refuse
from data_prep.splitting import by_split, unrepeated
from data_prep.texts import clean


class _Sample(msgspec.Struct):
    wav_path: str
    transcript_path: str


class _Manifest(msgspec.Struct):
    root_path: str
    samples: list[_Sample]


def splits(source: Path, skip: Skip = refuse) -> dict[str, Iterator[Utterance]]:
    """Gives a split for each manifest in a folder, or of one; see `data_prep.common` for the contract.

    Raises:
        AsrError: If there is no manifest, or it is damaged.
    """
    if source.is_dir() and (found := prepared.manifests(source)):
        return prepared.splits(found, skip)
    files = sorted([*source.glob("*.json"), *source.glob("*.csv")]) if source.is_dir() else [source]
    if not files:
        raise AsrError(
            f"{source}: no manifest of deepspeech.pytorch, *.json or *.csv, in this folder; name one"
        )
    return {name: unrepeated(_utterances(path, skip), skip) for name, path in by_split(files).items()}


def _utterances(manifest: Path, skip: Skip) -> Iterator[Utterance]:
    root, samples = _json(manifest) if manifest.suffix == ".json" else _csv(manifest)
    for sample in samples:
        recording = locate(sample.wav_path, root, manifest.parent)
        transcript = locate(sample.transcript_path, root, manifest.parent)
        inside = recording.is_relative_to(root)
        identity = (recording.relative_to(root) if inside else recording).with_suffix("").as_posix()
        if not transcript.is_file():
            skip("text file that is not there", str(transcript))
        else:
            yield from recorded(identity, recording, clean(read_text(transcript)), skip)


def _json(path: Path) -> tuple[Path, list[_Sample]]:
    try:
        manifest = msgspec.json.decode(read_text(path), type=_Manifest)
    except msgspec.ValidationError as error:
        raise AsrError(f"{path}: no manifest of deepspeech.pytorch: {readable(error)}; correct it") from None
    except msgspec.DecodeError as error:
        raise AsrError(f"{path}: not JSON ({error}); make it again") from None
    root = path.parent / manifest.root_path
    return root if root.is_dir() else path.parent, manifest.samples


def _csv(path: Path) -> tuple[Path, list[_Sample]]:
    samples = []
    for number, line in lines_of(path):
        cells = next(csv.reader([line]))
        if len(cells) != 2 or not cells[1].endswith(".txt"):
            raise AsrError(f"{path}, line {number}: not 'recording.wav,text.txt'; correct the line")
        samples.append(_Sample(*cells))
    return path.parent, samples
