"""Where recordings are: files, members of tar files that are read in place, folders of them."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from asr.errors import AudioError

CONTAINERS = frozenset({".m4a", ".m4b", ".mp4", ".aac", ".webm", ".mkv", ".mov"})
"""What needs PyAV."""

SUFFIXES = CONTAINERS | {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au"}


@dataclass(frozen=True, slots=True)
class AudioSource:
    """Where a recording is: a file, or a member of a tar file that is read in place.

    Attributes:
        path: The audio file or the (uncompressed) tar file.
        member: Name inside the tar file.
    """

    path: Path
    member: str | None = None

    def __str__(self) -> str:
        """``path``, or ``path:member``."""
        return str(self.path) if self.member is None else f"{self.path}:{self.member}"


def find_recordings(folder: Path) -> list[Path]:
    """Lists the audio files in and below a folder, sorted; hidden files are left out.

    Raises:
        AudioError: If there is no such folder, or no audio file in it.
    """
    if not folder.is_dir():
        raise audio_error(folder, "no such folder; check the path")
    found = [path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()]
    shown = sorted(path for path in found if not path.name.startswith("."))
    if not shown:
        raise audio_error(
            folder, f"no recordings in this folder; put {', '.join(sorted(SUFFIXES))} files there"
        )
    return shown


def locate(source: AudioSource) -> tuple[str | BytesIO, bytes]:
    """Says what a decoder shall open, a path or bytes, and gives the first 64 bytes.

    Pipes and members of tar files are read whole; of an ordinary file only the first bytes are.

    Raises:
        AudioError: If it cannot be read, or is no member of the tar file.
    """
    path = source.path
    with _refused(source):
        if source.member is not None:
            content = _member_bytes(source)
        elif path.is_file() and path.suffix.lower() != ".raw":  # soundfile asks for arguments if .raw
            with path.open("rb") as file:
                return str(path), file.read(64)
        else:
            content = path.read_bytes()
    return BytesIO(content), content[:64]


@contextmanager
def _refused(name: object) -> Iterator[None]:
    """Turns what the operating system refuses into an `AudioError`."""
    try:
        yield
    except FileNotFoundError:
        raise audio_error(name, "no such file; check the path") from None
    except IsADirectoryError:
        raise audio_error(name, "a folder, not a recording; name a file in it") from None
    except PermissionError:
        raise audio_error(name, "no permission to read it; change its access rights") from None
    except OSError as error:
        raise audio_error(name, f"cannot be read ({error.strerror}); check the path and the disk") from None
    except ValueError:  # a null character
        raise audio_error(name, "not a possible file name; correct it") from None


def _member_bytes(source: AudioSource) -> bytes:
    status = source.path.stat()
    if source.path.is_dir():
        raise IsADirectoryError
    index = _tar_index(source.path, status.st_mtime_ns, status.st_size)
    offset, size = index.get(str(source.member).removeprefix("./"), (-1, 0))
    if offset < 0:
        raise audio_error(source, "no such member in the tar file; correct the manifest")
    with source.path.open("rb") as file:
        file.seek(offset)
        return file.read(size)


@lru_cache(maxsize=64)
def _tar_index(path: Path, modified: int, size: int) -> Mapping[str, tuple[int, int]]:
    """Offset and size of every file in a tar file; `modified` and `size` notice a changed one."""
    try:
        with tarfile.open(path, "r:") as archive:
            return {
                item.name.removeprefix("./"): (item.offset_data, item.size)
                for item in archive
                if item.isreg()
            }
    except tarfile.TarError as error:
        raise audio_error(
            path, f"not a whole, uncompressed tar file ({error}); copy or unpack it again"
        ) from None


def audio_error(name: object, text: str) -> AudioError:
    """An error about the recording `name`, on one line whatever the name is."""
    return AudioError(f"{one_line(name)}: {text}")


def one_line(name: object) -> str:
    """The name of a recording for messages; control characters, if any, are escaped."""
    shown = str(name)
    return shown if shown.isprintable() else ascii(shown)
