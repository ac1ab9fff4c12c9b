"""Downloads that may be interrupted: what has come stays in ``NAME.part``, and the next try goes on there.

Where a checksum is published, nothing else decides whether a file is whole. Where none is, the size that the
server states must be met, and a broken download is continued only if the server says (`If-Range`) that its
file is still the same.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from asr.errors import AsrError
from asr.files import writing

Watch = Callable[[int, int | None], None]  # bytes there, of how many; None where the server does not say

TIMEOUT = 60.0  # seconds of silence after which a connection is given up
TRIES = 5  # tries in a row that bring nothing
PAUSE = 1.0  # seconds before the next try, doubled each time
BLOCK = 1 << 18
_PASSING = (408, 425, 429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Archive:
    """A file that a publisher offers.

    Attributes:
        part: What people call it: the part of the corpus that it holds.
        url: Where it is.
        checksum: ``sha256:…`` or ``md5:…`` in hexadecimal; empty where none is published.
    """

    part: str
    url: str
    checksum: str = ""

    @property
    def name(self) -> str:
        """The name of the file."""
        return unquote(urlsplit(self.url).path).rpartition("/")[2]


class _Broken(Exception):
    """A connection that failed, though another try may do better."""


def fetch(archive: Archive, folder: Path, watch: Watch) -> Path:
    """Downloads a file to `folder`, or goes on with what is there of it; a whole one is not fetched again.

    Args:
        archive: What to fetch.
        folder: Where to; made where missing.
        watch: Told how much is there, from time to time.

    Returns:
        The file.

    Raises:
        AsrError: If the server has no such file or cannot be reached, the checksum is another than the
            published one, or there is no room for it.
    """
    place = folder / archive.name
    if place.exists():
        if not _sound(archive, place):
            raise AsrError(f"{place}: not the file that was published (checksum); remove it and try again")
        return place
    part = place.with_name(f"{place.name}.part")
    while True:
        continued = part.exists()
        _complete(archive, part, watch)
        if _sound(archive, part):
            break
        _forget(part)
        if not continued:  # else the beginning may have come from another file
            raise AsrError(
                f"{archive.url}: what came has another checksum than the published one and was removed; "
                "try again later, or give a copy with --from"
            )
    part.replace(place)
    _forget(part)
    return place


def _complete(archive: Archive, part: Path, watch: Watch) -> None:
    """Receives until the file has its full size; gives up after some tries that bring nothing."""
    fruitless = 0
    while True:
        before = _size(part)
        try:
            if _receive(archive, part, watch):
                return
            problem = "the connection was closed early"
        except _Broken as error:
            problem = str(error)
        fruitless = 0 if _size(part) > before else fruitless + 1
        if fruitless == TRIES:
            there = f"; {_size(part)} bytes are kept, and the same command goes on" if _size(part) else ""
            raise AsrError(f"{archive.url}: {problem}; check the network and try again{there}")
        time.sleep(PAUSE * 2 ** max(fruitless - 1, 0))


def _receive(archive: Archive, part: Path, watch: Watch) -> bool:
    """Asks for what is missing and writes it; says whether that is all."""
    kept = _size(part)
    request = urllib.request.Request(archive.url, headers={"User-Agent": "recurrent-asr data_prep"})
    validator = _validator_file(part).read_text() if _validator_file(part).exists() else ""
    if kept and (archive.checksum or validator):
        request.add_header("Range", f"bytes={kept}-")
        if not archive.checksum:
            request.add_header("If-Range", validator)
    with closing(_opened(archive, request, kept)) as response:
        if response.status == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            if response.headers.get("Content-Range", "") == f"bytes */{kept}":
                return True
            _forget(part)
            return False
        start = kept if response.status == http.HTTPStatus.PARTIAL_CONTENT else 0
        if start and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            raise _Broken("the server sent another part of the file than it was asked for")
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdigit() else None
        with writing(part):
            part.parent.mkdir(parents=True, exist_ok=True)
        _need_space(part, (total or 0) - start)
        with writing(part):
            _validator_file(part).write_text(_validator(response))
            with part.open("ab" if start else "wb") as file:
                for block in _blocks(response):
                    file.write(block)
                    file.flush()
                    watch(file.tell(), total)
    return total is None or _size(part) == total


def _opened(archive: Archive, request: urllib.request.Request, kept: int) -> http.client.HTTPResponse:
    """Sends a request. Raises AsrError where another try would be no better, else _Broken."""
    try:
        response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT)
        return response
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and kept:
            return error.fp  # type: ignore[return-value]
        said = f"the server says {error.code} {error.reason}"
        error.close()
        if error.code in _PASSING:
            raise _Broken(said) from None
        raise AsrError(
            f"{archive.url}: {said}; give another address with --mirror, or a copy with --from"
        ) from None
    except urllib.error.URLError as error:
        raise _Broken(f"cannot be reached ({error.reason})") from None
    except http.client.InvalidURL as error:
        raise AsrError(f"{archive.url}: not an address ({error}); correct --mirror") from None
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(f"the connection broke ({error or type(error).__name__})") from None


def _blocks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    try:
        while block := response.read1(BLOCK):
            yield block
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(f"the connection broke ({error or type(error).__name__})") from None


def _need_space(part: Path, missing: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if missing > free:
        raise AsrError(
            f"{part.parent}: {missing / 2**30:.2f} GiB are to come and {free / 2**30:.2f} GiB are free; "
            "free some space, or choose another folder with --archives"
        )


def _validator(response: http.client.HTTPResponse) -> str:
    """What tells one state of the server's file from another: a strong ETag, else the time of change."""
    tag = response.headers.get("ETag", "")
    return tag if re.fullmatch('"[^"]*"', tag) else response.headers.get("Last-Modified", "")


def _validator_file(part: Path) -> Path:
    return part.with_name(f"{part.name}-of")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _validator_file(part).unlink(missing_ok=True)


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _sound(archive: Archive, path: Path) -> bool:
    """Whether a file has the published checksum; true where none is published."""
    kind, _, published = archive.checksum.partition(":")
    if not kind:
        return True
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest() == published
