"""What commands are given to listen to: files, folders of them, standard input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from asr.audio.source import find_recordings
from asr.errors import AudioError


@dataclass(frozen=True, slots=True)
class Input:
    """Something to transcribe: a file, or standard input where `path` is None.

    Attributes:
        path: The file.
        name: How its output files are called, without extension; may hold folders.
        taken: Whether that is not its own name, which another input has.
    """

    path: Path | None
    name: str
    taken: bool = False

    def __str__(self) -> str:
        return str(self.path) if self.path else "-"


def unfolded(files: Iterable[str]) -> Iterator[Input | AudioError]:
    """Unfolds folders; what cannot be unfolded becomes an error in its place."""
    taken: set[str] = set()
    for file in files:
        if file == "-":
            yield _named(None, "stdin", taken)
        elif is_folder(file):
            try:
                for path in find_recordings(Path(file)):
                    yield _named(path, str(path.relative_to(file).with_suffix("")), taken)
            except AudioError as error:
                yield error
        else:
            yield _named(Path(file), Path(file).stem, taken)


def is_folder(file: str) -> bool:
    """Whether a name on the command line is that of a folder."""
    try:
        return bool(file) and Path(file).is_dir()
    except OSError:  # too long, or no permission: whoever reads it will say so
        return False


def _named(path: Path | None, name: str, taken: set[str]) -> Input:
    """Numbers a name that is taken: a, a-2, a-3. Some file systems make no difference between a and A."""
    number, unused = 1, name
    while unused.casefold() in taken:
        number += 1
        unused = f"{name}-{number}"
    taken.add(unused.casefold())
    return Input(path, unused, taken=number > 1)
