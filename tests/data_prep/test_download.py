"""Downloads over a real connection: whole, broken, continued, wrong, missing, and without room."""

from __future__ import annotations

import hashlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from asr.data.manifest import read_manifest
from asr.errors import AsrError
from data_prep import catalog, download
from data_prep.__main__ import main
from data_prep.download import Archive, fetch
from tests.data_prep import corpora, published_shapes
from tests.data_prep.loopback import Site, serving

CONTENT = np.random.default_rng(0).bytes(100_000)
SHA = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
NAME = "some corpus.tar.gz"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE", 0.001)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site({"some%20corpus.tar.gz": CONTENT})) as site:
        yield site


def archive(site: Site, checksum: str = SHA) -> Archive:
    return Archive("all", f"{site.url}/some%20corpus.tar.gz", checksum)


def get(site: Site, folder: Path, checksum: str = SHA) -> list[tuple[int, int | None]]:
    seen: list[tuple[int, int | None]] = []
    path = fetch(archive(site, checksum), folder, lambda done, total: seen.append((done, total)))
    assert path == folder / NAME and path.read_bytes() == CONTENT
    assert corpora.left(folder) == {NAME}
    return seen


@pytest.mark.parametrize("checksum", [SHA, f"md5:{hashlib.md5(CONTENT).hexdigest()}", ""])
def test_whole_file_comes_once(tmp_path: Path, site: Site, checksum: str) -> None:
    assert get(site, tmp_path / "new/folder", checksum)[-1] == (len(CONTENT), len(CONTENT))
    assert get(site, tmp_path / "new/folder", checksum) == []
    assert len(site.asked) == 1


@pytest.mark.parametrize("checksum", [SHA, ""])
def test_broken_connections_are_continued(tmp_path: Path, site: Site, checksum: str) -> None:
    site.cut = 30_000
    get(site, tmp_path, checksum)
    assert [wanted for _, wanted in site.asked] == ["", "bytes=30000-", "bytes=60000-", "bytes=90000-"]


def test_passing_faults_and_redirections_are_borne(tmp_path: Path, site: Site) -> None:
    site.statuses = [503, 429, 302]
    get(site, tmp_path)
    assert site.asked[-1][0].startswith("/moved/")


def test_later_try_goes_on_where_the_earlier_stopped(tmp_path: Path, site: Site) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT[:70_000])
    get(site, tmp_path)
    assert site.asked == [("/some%20corpus.tar.gz", "bytes=70000-")]


def test_all_there_already_but_for_the_name(tmp_path: Path, site: Site) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT)
    get(site, tmp_path)


def test_changed_file_without_checksum_is_begun_anew(tmp_path: Path, site: Site) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(bytes(70_000))
    (tmp_path / f"{NAME}.part-of").write_text('"older"')
    get(site, tmp_path, "")
    assert site.asked == [("/some%20corpus.tar.gz", "bytes=70000-")]


def test_beginning_of_unknown_origin_is_not_trusted(tmp_path: Path, site: Site) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(bytes(70_000))
    get(site, tmp_path, "")
    assert site.asked == [("/some%20corpus.tar.gz", "")]


@pytest.mark.parametrize("beginning", [bytes(70_000), bytes(200_000)])
def test_wrong_beginning_is_noticed_by_the_checksum(tmp_path: Path, site: Site, beginning: bytes) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(beginning)
    get(site, tmp_path)
    assert site.asked[-1] == ("/some%20corpus.tar.gz", "")


def test_server_without_ranges(tmp_path: Path, site: Site) -> None:
    site.ranges = False
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT[:70_000])
    get(site, tmp_path)


def refused(site: Site, folder: Path, checksum: str = SHA) -> str:
    with pytest.raises(AsrError) as error:
        fetch(archive(site, checksum), folder, lambda done, total: None)
    assert str(error.value).count("\n") == 0
    assert not (folder / NAME).exists()
    return str(error.value)


def test_wrong_checksum_keeps_nothing(tmp_path: Path, site: Site) -> None:
    assert "another checksum than the published one" in refused(site, tmp_path, "sha256:" + "0" * 64)
    assert corpora.left(tmp_path) == set()


def test_wrong_checksum_of_a_file_that_is_there(tmp_path: Path, site: Site) -> None:
    (tmp_path / NAME).write_bytes(b"something else")
    with pytest.raises(AsrError, match=r"not the file that was published .*; remove it"):
        fetch(archive(site), tmp_path, lambda done, total: None)
    assert site.asked == []


@pytest.mark.parametrize(("status", "said"), [(404, "404 Not Found"), (403, "403 Forbidden")])
def test_missing_file_is_asked_for_once(tmp_path: Path, site: Site, status: int, said: str) -> None:
    site.statuses = [status] * 9
    assert said in refused(site, tmp_path)
    assert len(site.asked) == 1


def test_server_that_always_breaks_off_is_given_up(tmp_path: Path, site: Site) -> None:
    site.ranges, site.cut = False, 30_000
    said = refused(site, tmp_path)
    assert "closed early" in said and "30000 bytes are kept, and the same command goes on" in said
    assert len(site.asked) == download.TRIES + 1


def test_server_that_is_not_there(tmp_path: Path, site: Site) -> None:
    with serving(Site({})) as gone:
        pass
    assert "cannot be reached" in refused(gone, tmp_path / "new")
    assert corpora.left(tmp_path) == set()


def test_no_room_for_it_is_said_before(tmp_path: Path, site: Site) -> None:
    site.length = 1 << 60
    assert "GiB are to come and" in refused(site, tmp_path)
    assert corpora.left(tmp_path) == set()


def test_disk_that_fills_up_keeps_what_came(tmp_path: Path, site: Site) -> None:
    """The limit on the size of a file stands in for a full disk."""
    site.files = {"v1.0.10.zip": CONTENT}
    command = [sys.executable, "-m", "data_prep", "fsdd", "--download", "--mirror", site.url]
    limited = ["sh", "-c", 'ulimit -f 60; exec "$@"', "sh", *command, "--to", tmp_path / "to"]
    done = subprocess.run(limited, cwd=corpora.ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "v1.0.10.zip.part: cannot be written: File too large; free some space" in done.stderr
    assert done.stderr.count("\n") == 1
    assert 0 < (tmp_path / "to-archives/v1.0.10.zip.part").stat().st_size < len(CONTENT)
    assert corpora.left(tmp_path) == {"to-archives"}


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_download_goes_on(tmp_path: Path, site: Site, stop: signal.Signals) -> None:
    packed = corpora.pack(published_shapes.fsdd(tmp_path / "source"), tmp_path / "v1.0.10.zip")
    site.files, site.pause, site.block = {packed.name: packed.read_bytes()}, 0.1, 256
    options = ["fsdd", "--download", "--mirror", f"{site.url}/", "--to", str(tmp_path / "to")]
    command = [sys.executable, "-m", "data_prep", *options]
    part = tmp_path / "to-archives/v1.0.10.zip.part"
    with subprocess.Popen(command, cwd=corpora.ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            while not (part.exists() and part.stat().st_size):
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(stop)
            _, said = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 130
    kept = part.stat().st_size
    assert "interrupted: nothing was written; " in said and "the same command goes on" in said
    assert not (tmp_path / "to").exists()
    site.pause = 0
    assert main(options) == 0
    assert site.asked == [("/v1.0.10.zip", ""), ("/v1.0.10.zip", f"bytes={kept}-")]
    assert len(read_manifest(tmp_path / "to/train/manifest.jsonl")) == 2
    assert corpora.left(tmp_path / "to-archives") == {"v1.0.10.zip"}


def test_wrong_archive_of_a_corpus_is_one_line(
    tmp_path: Path, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.files = {"dev-clean.tar.gz": CONTENT}
    options = ["--mirror", site.url, "--archives", str(tmp_path / "kept"), "--to", str(tmp_path / "to")]
    assert main(["librispeech", "--download", "dev-clean", *options]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {site.url}/dev-clean.tar.gz: ") and said.count("\n") == 1
    assert corpora.left(tmp_path) == {"kept"} and corpora.left(tmp_path / "kept") == set()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["common_voice", "--download"], "common_voice has no public address"),
        (["librispeech", "--download"], "name some after --download: dev-clean, dev-other, "),
        (["librispeech", "--download", "dev-claen"], "did you mean 'dev-clean'?"),
        (["fsdd", "--from", "x", "--mirror", "http://a"], "--archives and --mirror go with --download"),
        (["fsdd", "--download", "--mirror", "nonsense"], "an address begins with http"),
        (["fsdd", "--download", "--mirror", "http://a b"], "http://a b/v1.0.10.zip: not an address"),
    ],
)
def test_wrong_use_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main([*arguments, "--to", str(tmp_path / "to")]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ") and err.count("\n") == 1 and said in err


def test_checksums_are_those_of_torchaudio() -> None:
    spec = find_spec("torchaudio")  # its source is read: importing it takes seconds
    if spec is None or spec.origin is None:
        pytest.skip("torchaudio is not installed")
    modules = ("librispeech", "ljspeech", "speechcommands", "yesno")
    source = "".join((Path(spec.origin).parent / f"datasets/{name}.py").read_text() for name in modules)
    pairs = re.findall(r'/([^/"]+)"(?:: |,\s+"checksum": )"([0-9a-f]{64})"', source)
    theirs = {name: f"sha256:{digest}" for name, digest in pairs}
    ours = {one.name: one.checksum for corpus in catalog.CORPORA.values() for one in corpus.archives}
    assert {name: checksum for name, checksum in ours.items() if checksum} == theirs
    assert len(theirs) == 11
