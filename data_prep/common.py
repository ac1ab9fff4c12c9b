"""What every corpus needs: durations, headerless audio, and a word for each recording left out.

The contract of a corpus: a module with

    splits(corpus_dir: Path, skip: Skip = refuse) -> dict[str, Iterator[Utterance]]

Whatever cannot be used is named to `skip` and left out; nothing disappears without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.audio.io import AudioSource, probe
from asr.data.manifest import Utterance
from asr.errors import AsrError, AudioError

Skip = Callable[[str, str], None]  # what is wrong, in the singular, and with what

HEADERLESS = ".raw"  # 16-bit samples at 16 kHz, one channel, nothing else in the file
HEADERLESS_RATE = 16_000
UNREADABLE = "recording that cannot be read"


def refuse(problem: str, name: str) -> None:
    """The strict `Skip`: the first thing that cannot be used is an error. Raises AsrError."""
    raise AsrError(f"{name}: {problem}; mend or remove it")


def duration_of(source: AudioSource) -> float:
    """Gives the length of a recording in seconds, from its header or, without one, from its size.

    Raises:
        AudioError: If it is missing, empty, damaged or not audio.
    """
    if source.member is None and source.path.suffix.lower() == HEADERLESS:
        size = source.path.stat().st_size
        if size == 0 or size % 2:
            raise AudioError(f"{source}: {size} bytes are no 16-bit samples; unpack the corpus again")
        return round(size / 2 / HEADERLESS_RATE, 6)
    return round(probe(source).duration, 6)


def measured(source: AudioSource, skip: Skip) -> float:
    """Gives the length of a recording in seconds, or names it to `skip` and gives 0."""
    try:
        str(source).encode()
        return duration_of(source)
    except UnicodeEncodeError:
        skip("recording whose name is not UTF-8", ascii(str(source)))
        return 0.0
    except AudioError as error:
        skip(UNREADABLE, str(error))
        return 0.0


def recorded(
    name: str, path: Path, text: str, skip: Skip, speaker: str = "", language: str = ""
) -> Iterator[Utterance]:
    """Yields the utterance that fills a recording, or names to `skip` why there is none."""
    if not text.strip():
        skip("empty text", str(path))
    elif duration := measured(AudioSource(path), skip):
        yield Utterance(name, AudioSource(path), duration, text.strip(), speaker=speaker, language=language)


def read_headerless(path: Path) -> NDArray[np.int16]:
    """Reads headerless 16-bit samples (n,), in the byte order in which neighbours are closer.

    Speech sampled at 16 kHz changes little from sample to sample; with swapped bytes it is noise.
    """
    content = path.read_bytes()
    big, little = np.frombuffer(content, ">i2"), np.frombuffer(content, "<i2")
    roughness = [np.abs(np.diff(samples.astype(np.int64))).sum() for samples in (big, little)]
    return (big if roughness[0] <= roughness[1] else little).astype(np.int16)


def find_below(folder: Path, name: str) -> Path | None:
    """Finds the folder, `folder` itself or one directly in it, that holds the file `name`."""
    candidates = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    return next((path for path in candidates if (path / name).is_file()), None)


def locate(name: str, *folders: Path) -> Path:
    """Finds the file that a list names: as an absolute path, else from the first folder that has it.

    Where there is none, the path from the first folder is given, for the message that it is missing.
    """
    written = name.replace("\\", "/") if "\\" in name and "/" not in name else name
    candidates = [folder / written for folder in folders]
    return next((path for path in candidates if path.is_file()), candidates[0])


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yields the lines of a UTF-8 file that are not blank, with their numbers. Raises as `read_text`."""
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if stripped := line.strip():
            yield number, stripped


def read_text(path: Path) -> str:
    """Reads UTF-8 text, with or without byte-order mark. Raises AsrError if it is anything else."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise AsrError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from None
