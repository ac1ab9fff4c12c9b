"""Folders as Kaldi keeps them: plain lists, each line an id and what belongs to it.

    data/train/wav.scp       rec1 /corpus/rec1.wav          recording → file
    data/train/segments      utt1 rec1 0.00 2.35            utterance → recording, start, end (optional)
    data/train/text          utt1 HELLO THERE
    data/train/utt2spk       utt1 ann                       (optional), as utt2lang
    data/test/…

Without segments each recording is an utterance. Each folder is a split of its name; a folder that is given
itself is train. Files are looked for as written, then from the folder and the three above it. Commands in
wav.scp (``sph2pipe … |``) are refused: nothing from a data folder is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from asr.audio.io import AudioSource
from asr.data.manifest import Utterance
from asr.errors import AsrError
from data_prep import prepared
from data_prep.common import Skip, lines_of, locate, measured, refuse
from data_prep.texts import clean

TOLERANCE = 0.05  # seconds that a segment may end after its recording; it is cut there
_IN_ARCHIVE = re.compile(r".*\.(ark|scp):[0-9]+(\[.*\])?")


@dataclass(frozen=True, slots=True)
class _Segment:
    recording: str
    start: float = 0.0
    end: float | None = None


def splits(corpus_dir: Path, skip: Skip = refuse) -> dict[str, Iterator[Utterance]]:
    """Gives a split for each folder with a wav.scp; see `data_prep.common` for the contract.

    Raises:
        AsrError: If there is none, a list is damaged, or a recording is the output of a command.
    """
    if found := prepared.manifests(corpus_dir):
        return prepared.splits(found, skip)
    if (corpus_dir / "wav.scp").is_file():
        return {"train": utterances(corpus_dir, skip)}
    folders = [path.parent for above in ("*/", "*/*/") for path in sorted(corpus_dir.glob(f"{above}wav.scp"))]
    if not folders:
        raise AsrError(f"{corpus_dir}: no wav.scp here, one or two folders down; give a data folder of Kaldi")
    names = [folder.name for folder in folders]
    if len(set(names)) < len(names):
        names = ["-".join(folder.relative_to(corpus_dir).parts) for folder in folders]
    return {name: utterances(folder, skip) for name, folder in zip(names, folders, strict=True)}


def utterances(folder: Path, skip: Skip = refuse) -> Iterator[Utterance]:
    """Reads one data folder, in the order of its file `text`. Raises as `splits`."""
    if not (folder / "text").is_file():
        raise AsrError(f"{folder}: wav.scp without a file 'text'; add the transcripts, or remove the folder")
    files = _files(folder)
    segments = _segments(folder / "segments") or {name: _Segment(name) for name in files}
    speakers, languages = _map(folder / "utt2spk"), _map(folder / "utt2lang")
    lengths: dict[str, float] = {}
    for _, name, words in _pairs(folder / "text"):
        segment, text = segments.pop(name, None), clean(words)
        path = None if segment is None else files.get(segment.recording)
        if segment is None or path is None:
            skip("text without a recording", f"{folder / 'text'}: {name}")
        elif not text:
            skip("empty text", f"{folder / 'text'}: {name}")
        else:
            if segment.recording not in lengths:
                lengths[segment.recording] = measured(AudioSource(path), skip)
            start, end = _stretch(segment, lengths[segment.recording])
            speaker = speakers.get(name, "")
            speaker = "" if speaker == name else speaker  # how Kaldi says that it is not known
            if end > start:
                yield Utterance(
                    name, AudioSource(path), end - start, text, start, speaker, languages.get(name, "")
                )
            elif lengths[segment.recording]:
                skip("segment outside its recording", f"{folder / 'segments'}: {name}")
    for name in segments:
        skip("recording without a text", f"{folder / 'wav.scp'}: {name}")


def _stretch(segment: _Segment, length: float) -> tuple[float, float]:
    """Start and end of a segment in seconds; both 0 if it is not inside the recording."""
    end = length if segment.end is None else segment.end
    if end > length + TOLERANCE or segment.start < 0:
        return 0.0, 0.0
    return segment.start, max(segment.start, round(min(end, length), 6))


def _files(folder: Path) -> dict[str, Path]:
    """The file of each recording. Raises AsrError if one is the output of a command, or in an archive."""
    scp, above = folder / "wav.scp", list(folder.parents)[:3]
    files = {}
    for number, name, written in _pairs(scp):
        where = f"{scp}, line {number}: recording {name!r}"
        if written.endswith("|") or written in ("", "-"):
            raise AsrError(f"{where} is the output of a command, which is not run; name a file instead")
        if _IN_ARCHIVE.fullmatch(written):
            raise AsrError(f"{where} is in an archive of Kaldi, which is not read; name a file instead")
        files[name] = locate(written, folder, *above)
    return files


def _segments(path: Path) -> dict[str, _Segment]:
    """Segments by utterance; none if there is no such file. An end of -1 is that of the recording."""
    segments = {}
    for number, name, rest in _pairs(path) if path.is_file() else ():
        try:
            recording, start, end = rest.split()
            seconds = float(start), float(end)
        except ValueError:
            raise AsrError(
                f"{path}, line {number}: not 'utterance recording start end' (channels cannot be chosen); "
                "correct the line"
            ) from None
        segments[name] = _Segment(recording, seconds[0], None if seconds[1] == -1 else seconds[1])
    return segments


def _map(path: Path) -> dict[str, str]:
    return {name: value for _, name, value in _pairs(path)} if path.is_file() else {}


def _pairs(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line number, id, and the rest of each line."""
    for number, line in lines_of(path):
        name, *rest = line.split(maxsplit=1)
        yield number, name, rest[0].strip() if rest else ""
