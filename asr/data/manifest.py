"""Manifests: JSON lines, one utterance each, in the shape that NeMo made common.

    {"audio_filepath": "clips/a.flac", "duration": 2.5, "text": "hello", "id": "a", "speaker": "ann"}

`audio_filepath` is relative to the manifest. Where no such file exists and a tar file stands beside
the manifest under the same name (`dev.jsonl`, `dev.tar`), it names a member of that tar file.
`offset` (seconds) says where in the file the utterance starts; `lang` is a language tag.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from asr.audio.io import AudioSource
from asr.errors import ManifestError, readable
from asr.files import write_atomically


@dataclass(frozen=True, slots=True)
class Utterance:
    """One transcribed stretch of speech.

    Attributes:
        id: Names the utterance; unique in its corpus.
        audio: Where its samples are.
        duration: Seconds.
        text: The transcript as written in the corpus, not normalised.
        start: Seconds from the beginning of the file.
        speaker, language: Names, empty where unknown.
    """

    id: str
    audio: AudioSource
    duration: float
    text: str
    start: float = 0.0
    speaker: str = ""
    language: str = ""


class _Line(msgspec.Struct, omit_defaults=True):
    """One manifest line as it stands in the file; keys that are not listed are ignored."""

    audio_filepath: str
    duration: float
    text: str
    id: str | int | None = ""
    offset: float = 0.0
    speaker: str | int | None = ""
    lang: str | None = ""


def read_manifest(path: Path) -> list[Utterance]:
    """Reads a manifest; byte-order marks, CRLF line ends and blank lines do no harm.

    Raises:
        ManifestError: If the file is missing, empty or not UTF-8, or a line is not a JSON object
            with `audio_filepath`, a positive `duration` and `text`; the line number is named.
    """
    utterances = [utterance for _, utterance in numbered_utterances(path)]
    if not utterances:
        raise ManifestError(f"{path}: the manifest is empty; write one JSON object per line")
    return utterances


def numbered_utterances(path: Path) -> Iterator[tuple[int, Utterance]]:
    """Reads a manifest line by line, with line numbers counted from 1. Raises as `read_manifest`."""
    for number, line in numbered_lines(path):
        yield number, parse_line(path, number, line)


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yields the lines of a manifest that are not blank, with their numbers counted from 1.

    Raises:
        ManifestError: If the file cannot be read or is not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ManifestError(f"{path}: no such manifest; python -m data_prep makes one") from None
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read: {error.strerror}") from None
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.strip(" \t\ufeff")  # joined files carry marks in the middle
        if line:
            yield number, line


def parse_line(path: Path, number: int, line: str) -> Utterance:
    """Turns line `number` of the manifest at `path` into an utterance.

    Raises:
        ManifestError: If the line is not a JSON object with the required keys.
    """
    where = f"{path}, line {number}"
    try:
        entry = msgspec.json.decode(line, type=_Line)
    except msgspec.ValidationError as error:
        raise ManifestError(f"{where}: {readable(error)}; correct the line") from None
    except msgspec.DecodeError as error:
        raise ManifestError(f"{where}: not a JSON object ({error}); correct the line") from None
    if entry.duration <= 0:
        raise ManifestError(f"{where}: duration must be positive, not {entry.duration:g}; correct the line")
    if entry.offset < 0:
        raise ManifestError(f"{where}: offset must not be negative: {entry.offset:g}; correct the line")
    file = entry.audio_filepath
    try:
        audio = _locate(path, file)
    except (OSError, ValueError):  # too long, or with a null character
        raise ManifestError(
            f"{where}: audio_filepath {file[:60]!r} cannot name a file; correct the line"
        ) from None
    return Utterance(
        id=_name(entry.id) or (f"{file}@{entry.offset:.12g}" if entry.offset else file),
        audio=audio,
        duration=entry.duration,
        text=entry.text,
        start=entry.offset,
        speaker=_name(entry.speaker),
        language=entry.lang or "",
    )


def _name(value: str | int | None) -> str:
    return "" if value is None else str(value)


def _locate(manifest: Path, name: str) -> AudioSource:
    if not name or "\0" in name:
        raise ValueError(f"no file name: {name!r}")
    beside = manifest.parent / name
    archive = manifest.with_suffix(".tar")
    if not Path(name).is_absolute() and archive.is_file() and not beside.exists():
        return AudioSource(archive, name)
    return AudioSource(beside)


def write_manifest(path: Path, utterances: Iterable[Utterance]) -> int:
    """Writes a manifest aside and renames it; audio paths become relative to it where they can.

    Returns:
        The number of lines.

    Raises:
        ManifestError: If an utterance is in a tar file that does not stand beside the manifest under
            its name.
        RunError: If the file cannot be written.
    """
    lines = []
    for utterance in utterances:
        entry = _Line(
            audio_filepath=_written(path, utterance.audio),
            duration=utterance.duration,
            text=utterance.text,
            id=utterance.id,
            offset=utterance.start,
            speaker=utterance.speaker,
            lang=utterance.language,
        )
        lines.append(msgspec.json.encode(entry) + b"\n")
    write_atomically(path, b"".join(lines))
    return len(lines)


def _written(manifest: Path, audio: AudioSource) -> str:
    if audio.member is not None:
        if audio.path.absolute() != manifest.with_suffix(".tar").absolute():
            raise ManifestError(
                f"{manifest}: {audio} is in a tar file of another name; write the manifest as "
                f"{audio.path.with_suffix('.jsonl')}"
            )
        return audio.member
    path, folder = audio.path.absolute(), manifest.parent.absolute()
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def split_path(data: Path, split: str) -> Path:
    """Finds the manifest of a split: ``<split>/manifest.jsonl``, or ``<split>.jsonl`` beside a tar file.

    Raises:
        ManifestError: If neither exists.
    """
    folder, single = data / split / "manifest.jsonl", data / f"{split}.jsonl"
    for path in (folder, single):
        if path.is_file():
            return path
    raise ManifestError(
        f"{data}: no split {split!r}: neither {folder} nor {single} exists; "
        "check --data, or run python -m data_prep"
    )


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
