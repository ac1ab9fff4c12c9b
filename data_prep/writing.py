"""Writing a prepared corpus: manifests, and the recordings too where they are copied, all aside at first."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import soundfile

from asr.audio.io import AudioSource
from asr.data.manifest import Utterance, write_manifest
from asr.errors import AsrError
from data_prep.common import HEADERLESS, HEADERLESS_RATE, read_headerless

Placing = Literal["leave", "copy", "move"]
NOTICES = ("LICENSE", "LICENCE", "COPYING", "README")


@dataclass(frozen=True, slots=True)
class Counts:
    """What a split holds; `speakers` is 0 where nothing is known of them."""

    split: str
    utterances: int
    seconds: float
    speakers: int
    words: int


@dataclass(frozen=True, slots=True)
class Target:
    """Where to write.

    Attributes:
        final: The folder as it will be.
        aside: The folder that is filled first.
        placing: Whether recordings stay where they are, are copied, or are moved.
    """

    final: Path
    aside: Path
    placing: Placing


@contextmanager
def staging(final: Path) -> Iterator[Path]:
    """Makes a hidden folder beside `final`, on the same disk, and removes it whatever happens."""
    final.parent.mkdir(parents=True, exist_ok=True)
    folder = final.with_name(f".{final.name}.{secrets.token_hex(8)}.partial")
    try:  # from before the folder is made, or an interruption just after it would leave it there
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def need_empty(folder: Path) -> None:
    """Checks that recordings may be written to `folder`. Raises AsrError if something is there."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise AsrError(f"{folder}: something is there already; remove it or choose another --to")


def write_split(split: str, utterances: list[Utterance], target: Target) -> Counts:
    """Writes the manifest of a split, and its recordings where they do not stay, into `target.aside`.

    Raises:
        AsrError: If a recording must be converted, but something is in the way.
    """
    members = [utterance.audio.member is not None for utterance in utterances]
    if any(members):
        if not all(members):
            raise AsrError(f"split {split!r}: some recordings are in a tar file and some are not; unpack it")
        placed = _place_tar(split, utterances, target)
        write_manifest(target.aside / f"{split}.jsonl", placed)
    else:
        placed = _place_files(split, utterances, target)
        write_manifest(target.aside / split / "manifest.jsonl", placed)
    speakers = len({utterance.speaker for utterance in utterances if utterance.speaker})
    words = sum(len(utterance.text.split()) for utterance in utterances)
    return Counts(split, len(utterances), sum(one.duration for one in utterances), speakers, words)


def _place_tar(split: str, utterances: list[Utterance], target: Target) -> list[Utterance]:
    source, place = utterances[0].audio.path, target.aside / f"{split}.tar"
    if target.placing == "leave":
        place.symlink_to(source)
    elif target.placing == "copy":
        shutil.copyfile(source, place)
    else:
        source.replace(place)
    return [replace(one, audio=AudioSource(place, one.audio.member)) for one in utterances]


def _place_files(split: str, utterances: list[Utterance], target: Target) -> list[Utterance]:
    folder = target.aside / split
    paths = list(dict.fromkeys(utterance.audio.path.resolve() for utterance in utterances))
    gone = next((path for path in paths if not path.exists()), None)
    if gone:
        raise AsrError(f"{gone}: in two splits of the archive; unpack it yourself and give the folder")
    stranger = next((path for path in paths if not path.is_relative_to(target.aside.parent)), None)
    if target.placing == "move" and stranger:
        raise AsrError(f"{stranger}: split {split!r} of the archive names it, but it is not in the archive")
    common = Path(os.path.commonpath([path.parent for path in paths]))
    places: dict[Path, Path] = {}
    for path in paths:
        copy = folder / path.relative_to(common)
        headerless = path.suffix.lower() == HEADERLESS
        if target.placing == "leave" and not headerless:
            below = path.is_relative_to(target.final)
            # Relative to where the manifest will be, though it stands aside still.
            places[path] = folder / os.path.relpath(path, target.final / split) if below else path
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        if headerless:
            need_empty(target.final)
            places[path] = copy.with_suffix(".flac")
            soundfile.write(places[path], read_headerless(path), HEADERLESS_RATE, subtype="PCM_16")
        elif target.placing == "copy":
            places[path] = Path(shutil.copyfile(path, copy))
        else:
            places[path] = path.replace(copy)
    return [replace(one, audio=AudioSource(places[one.audio.path.resolve()])) for one in utterances]


def copy_notices(source: Path, target: Target) -> None:
    """Copies licence and readme of a corpus, in `source` or a folder in it: they travel with the audio."""
    for path in [*source.glob("*"), *source.glob("*/*")]:
        if (
            path.is_file()
            and path.name.upper().startswith(NOTICES)
            and not (target.aside / path.name).exists()
        ):
            shutil.copyfile(path, target.aside / path.name)


def write_terms(terms: str, target: Target) -> None:
    """Writes source and licence of a corpus as the file LICENSE, unless there is one or `terms` is empty."""
    if terms and not any((folder / "LICENSE").exists() for folder in (target.aside, target.final)):
        (target.aside / "LICENSE").write_text(terms, encoding="utf-8")


def commit(target: Target) -> None:
    """Renames what was written aside: the whole folder, or file by file if the folder exists already.

    Raises:
        AsrError: If anything but a manifest would be replaced.
    """
    if target.final.exists() and any(target.final.iterdir()):
        ready = sorted(path for path in target.aside.rglob("*") if not path.is_dir())
        places = [target.final / path.relative_to(target.aside) for path in ready]
        for place in places:
            if place.exists() and not place.is_symlink() and place.suffix != ".jsonl":
                raise AsrError(f"{place}: is there already; remove it or choose another --to")
        for path, place in zip(ready, places, strict=True):
            place.parent.mkdir(parents=True, exist_ok=True)
            path.replace(place)
        return
    if target.final.exists():
        target.final.rmdir()
    target.aside.replace(target.final)
