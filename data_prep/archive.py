"""Unpacking archives from strangers: nothing is written outside the folder, and nothing without bound.

Names must be relative and free of ``..``; devices are refused; links are never made: one that points to a
file of the same archive becomes a copy of it, any other is refused.
"""

from __future__ import annotations

import lzma
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import SEEK_END
from pathlib import Path, PurePosixPath
from typing import IO

from asr.errors import AsrError

Member = tuple[str, int, IO[bytes]]  # name, size, content
Progress = Callable[[int, int], None]  # bytes of the archive done, of how many

LARGEST_RATIO = 50  # speech packs to a third or so; silence to a hundredth, but no corpus is silence
ALLOWANCE = 1 << 30  # bytes that any archive may unpack to, whatever the ratio


def unpack(archive: Path, folder: Path, progress: Progress) -> None:
    """Unpacks .tar, .tar.gz, .tgz, .tar.bz2, .tar.xz or .zip into a folder, told apart by content.

    Args:
        archive: The file.
        folder: Where to; it must exist.
        progress: Called after each member.

    Raises:
        AsrError: If it is not an archive, is damaged, holds names or links that lead out of the
            folder, devices or encrypted files, or unpacks to more than is plausible.
    """
    limit = ALLOWANCE + LARGEST_RATIO * archive.stat().st_size
    with archive.open("rb") as file, _refused(archive):
        zipped = file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
        file.seek(0)
        members = _zip_members(file, archive) if zipped else _tar_members(file, archive)
        unpacked = 0
        for name, size, content in members:
            unpacked += size
            if unpacked > limit:
                raise AsrError(
                    f"{archive}: unpacks to more than {limit / 2**30:.1f} GiB, too much for its size; "
                    "if you trust it, unpack it yourself and give the folder"
                )
            target = folder / _inside(archive, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            with content, target.open("xb") as out:
                shutil.copyfileobj(content, out)
            progress(file.tell(), archive.stat().st_size)


def _tar_members(file: IO[bytes], archive: Path) -> Iterator[Member]:
    with tarfile.open(fileobj=file, mode="r:*") as tar:
        for member in tar:
            _inside(archive, member.name)
            if member.isdir():
                continue
            try:
                content = tar.extractfile(member)  # of a link: the file of this archive it points to
            except KeyError:
                content = None
            if content is None:
                what = f"{member.name!r} is a device, or a link to no file of the archive"
                raise AsrError(f"{archive}: {what}; do not trust this archive")
            size = content.seek(0, SEEK_END)
            content.seek(0)
            yield member.name, size, content
        _check_end(tar, archive)


def _check_end(tar: tarfile.TarFile, archive: Path) -> None:
    """Checks that the end mark is there, which tarfile does not ask for, and reads on to the checksum."""
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    if tar.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise AsrError(f"{archive}: damaged or cut off (no end mark); copy it again")
    while tar.fileobj.read(1 << 20):
        pass


def _zip_members(file: IO[bytes], archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(file) as packed:
        for member in packed.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise AsrError(
                    f"{archive}: {member.filename!r} is a link or a device; do not trust this archive"
                )
            if not member.is_dir():
                yield member.filename, member.file_size, packed.open(member)


def _inside(archive: Path, name: str) -> PurePosixPath:
    """Checks the name of a member. Raises AsrError if it may lead out of the folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or re.match("[A-Za-z]:", name):
        raise AsrError(f"{archive}: {name!r} leads out of the folder; do not trust this archive")
    return path


@contextmanager
def _refused(archive: Path) -> Iterator[None]:
    """Turns what the unpackers say into one line."""
    try:
        yield
    except tarfile.TarError:
        what = "not an archive, or cut off"
        raise AsrError(
            f"{archive}: {what}; give a folder, or a whole .tar, .tar.gz, .tar.xz or .zip"
        ) from None
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise AsrError(f"{archive}: damaged or cut off ({error}); copy it again") from None
    except (RuntimeError, NotImplementedError) as error:  # zipfile: encrypted, or an unknown method
        raise AsrError(f"{archive}: cannot be unpacked ({error}); unpack it yourself") from None
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        name = Path(str(error.filename)).name
        raise AsrError(f"{archive}: {name!r} is in it twice; unpack it yourself") from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise AsrError(f"{archive}: damaged ({error}); copy it again") from None  # gzip, bz2
