"""Archives from strangers write nothing outside their folder and nothing without bound."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from asr.errors import AsrError
from data_prep import archive
from tests.data_prep import corpora

CONTENT = b"evil"


def tar_of(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as packed:
        for member, content in members:
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def unpack(path: Path) -> Path:
    target = path.parent / "deep/target"
    target.mkdir(parents=True)
    archive.unpack(path, target, lambda done, total: None)
    return target


def zip_link(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        packed.writestr(info, "/etc/passwd")
    return path


def zip_of(name: str) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr(name, CONTENT)
        return path

    return make


def tar_file(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> Callable[[Path], Path]:
    content = CONTENT if kind == tarfile.REGTYPE else b""
    return lambda path: tar_of(path, (member(name, kind, link), content))


MALICIOUS = {
    "tar parent": tar_file("../evil"),
    "tar hidden parent": tar_file("a/../../../evil"),
    "tar absolute": tar_file("/tmp/evil"),
    "tar drive": tar_file("C:/evil"),
    "tar backslash": tar_file("..\\evil"),
    "tar link out": tar_file("link", tarfile.SYMTYPE, "../../evil"),
    "tar absolute link": tar_file("link", tarfile.SYMTYPE, "/etc/passwd"),
    "tar hard link out": tar_file("link", tarfile.LNKTYPE, "../../evil"),
    "tar device": tar_file("null", tarfile.CHRTYPE),
    "tar pipe": tar_file("pipe", tarfile.FIFOTYPE),
    "tar write through a link": lambda path: tar_of(
        path, (member("out", tarfile.SYMTYPE, "../.."), b""), (member("out/evil"), CONTENT)
    ),
    "zip parent": zip_of("../evil"),
    "zip absolute": zip_of("/tmp/evil"),
    "zip link": zip_link,
}


@pytest.mark.parametrize("make", MALICIOUS.values(), ids=MALICIOUS)
def test_malicious_archive_is_refused(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path / "evil.archive")
    with pytest.raises(AsrError, match=r"evil\.archive: .*do not trust this archive"):
        unpack(path)
    files = [found for found in tmp_path.rglob("*") if not found.is_dir()]
    assert files == [path]


def test_link_inside_becomes_a_copy(tmp_path: Path) -> None:
    link = member("b/link.txt", tarfile.SYMTYPE, "../a.txt")
    target = unpack(tar_of(tmp_path / "a.tar", (member("a.txt"), b"text"), (link, b"")))
    assert (target / "b/link.txt").read_bytes() == b"text"
    assert not (target / "b/link.txt").is_symlink()


@pytest.mark.parametrize("kind", [".tar.gz", ".zip"])
def test_bomb_is_refused_before_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(archive, "ALLOWANCE", 10_000)
    (tmp_path / "big").mkdir()
    for name in "abc":
        (tmp_path / "big" / name).write_bytes(bytes(1 << 20))
    packed = corpora.pack(tmp_path / "big", tmp_path / f"bomb{kind}")
    with pytest.raises(AsrError, match="too much for its size"):
        unpack(packed)
    written = sum(path.stat().st_size for path in (tmp_path / "deep").rglob("*") if path.is_file())
    assert written <= 1 << 20


@pytest.mark.parametrize("kind", [".tar", ".tar.gz", ".tar.xz", ".zip"])
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_cut_off_archive_is_one_clear_line(tmp_path: Path, kind: str, share: float) -> None:
    packed = corpora.pack(corpora.an4(tmp_path), tmp_path / f"cut{kind}")
    content = packed.read_bytes()
    packed.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(AsrError, match=r"cut\..*(cut off|damaged)"):
        unpack(packed)


def test_cut_between_two_members_is_noticed(tmp_path: Path) -> None:
    packed = corpora.pack(corpora.an4(tmp_path), tmp_path / "cut.tar")
    with tarfile.open(packed) as whole:
        last = whole.getmembers()[-1].offset
    packed.write_bytes(packed.read_bytes()[:last])
    with pytest.raises(AsrError, match=r"cut\.tar: .*cut off"):
        unpack(packed)


def test_flipped_bits_are_one_clear_line(tmp_path: Path) -> None:
    packed = corpora.pack(corpora.an4(tmp_path), tmp_path / "flipped.tar.gz")
    content = bytearray(packed.read_bytes())
    content[len(content) // 2] ^= 0xFF
    packed.write_bytes(content)
    with pytest.raises(AsrError, match=r"flipped\.tar\.gz"):
        unpack(packed)
