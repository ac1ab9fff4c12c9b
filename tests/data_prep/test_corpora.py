"""AN4 and yesno in their published shapes, as folders and as archives, and the real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.audio.io import probe
from asr.data.manifest import read_manifest
from asr.errors import AsrError
from data_prep import an4, yesno
from data_prep.__main__ import main
from data_prep.common import read_headerless
from tests.data_prep import corpora


def prepare(corpus: str, source: Path, to: Path, *options: str) -> None:
    assert main([corpus, "--from", str(source), "--to", str(to), *options]) == 0


def check_an4(folder: Path) -> None:
    train, test = (read_manifest(folder / split / "manifest.jsonl") for split in ("train", "test"))
    assert [one.id for one in train] == ["an251-fash-b", "an60-fash-b", "cen1-mblw-b"]
    assert [one.text for one in train] == ["YES", "RUBOUT G M E F", "TWO"]
    assert [one.speaker for one in train] == ["fash", "fash", "mblw"]
    assert [one.text for one in test] == ["STOP", "GO ON"]
    for one in train + test:
        assert probe(one.audio).duration == one.duration == (0.5 if one in train else 0.25)


@pytest.mark.parametrize("kind", [".tar", ".tar.gz", ".tgz", ".tar.xz", ".zip"])
def test_an4_from_every_kind_of_archive(tmp_path: Path, kind: str) -> None:
    archive = corpora.pack(corpora.an4(tmp_path / "source"), tmp_path / f"an4_raw{kind}")
    prepare("an4", archive, tmp_path / "to")
    check_an4(tmp_path / "to")
    assert corpora.left(tmp_path / "to") == {"train", "test", "LICENSE"}
    assert corpora.left(tmp_path) == {"source", archive.name, "to"}


@pytest.mark.parametrize(("suffix", "kept"), [(".raw", False), (".sph", True), (".wav", True)])
def test_an4_from_a_folder_converts_only_what_cannot_be_read(tmp_path: Path, suffix: str, kept: bool) -> None:
    root = corpora.an4(tmp_path, suffix)
    prepare("an4", root, tmp_path / "to")
    check_an4(tmp_path / "to")
    for one in read_manifest(tmp_path / "to/train/manifest.jsonl"):
        assert one.audio.path.suffix == (suffix if kept else ".flac")
        assert one.audio.path.is_relative_to(root if kept else tmp_path / "to/train")


def test_an4_samples_are_those_of_the_raw_file(tmp_path: Path) -> None:
    noisy = corpora.tone(0.5) + np.random.default_rng(0).integers(-99, 99, 8000).astype(np.int16)
    root = corpora.an4(tmp_path)
    corpora.write_audio(root / "wav/an4_clstk/fash/an251-fash-b.raw", noisy)
    prepare("an4", root, tmp_path / "to")
    first = read_manifest(tmp_path / "to/train/manifest.jsonl")[0]
    samples, rate = soundfile.read(first.audio.path, dtype="int16")
    assert rate == 16_000
    np.testing.assert_array_equal(samples, noisy)


@pytest.mark.parametrize("order", [">i2", "<i2"])
def test_headerless_byte_order_is_found(tmp_path: Path, order: str) -> None:
    (tmp_path / "a.raw").write_bytes(corpora.tone().astype(order).tobytes())
    np.testing.assert_array_equal(read_headerless(tmp_path / "a.raw"), corpora.tone())


def test_an4_names_what_it_leaves_out(tmp_path: Path) -> None:
    root = corpora.an4(tmp_path)
    (root / "wav/an4_clstk/fash/an251-fash-b.raw").unlink()
    (root / "wav/an4_clstk/fash/an60-fash-b.raw").write_bytes(b"")
    corpora.write_audio(root / "wav/an4_clstk/fash/an999-fash-b.raw")
    done = corpora.run("an4", "--from", root, "--to", tmp_path / "to")
    assert done.returncode == 0
    assert "left out: 1 x text without a recording\n  an251-fash-b\n" in done.stderr
    assert "left out: 1 x recording that cannot be read\n" in done.stderr
    assert "left out: 1 x recording without a text\n" in done.stderr
    assert "an999-fash-b.raw" in done.stderr
    assert [one.id for one in read_manifest(tmp_path / "to/train/manifest.jsonl")] == ["cen1-mblw-b"]
    with pytest.raises(AsrError, match="an251-fash-b: text without a recording"):
        list(an4.splits(root)["train"])


@pytest.mark.parametrize("archived", [False, True])
def test_yesno_alternates(tmp_path: Path, archived: bool) -> None:
    source = corpora.yesno(tmp_path)
    if archived:
        source = corpora.pack(source, tmp_path / "waves_yesno.tar.gz")
    prepare("yesno", source, tmp_path / "to")
    train, test = (read_manifest(tmp_path / "to" / split / "manifest.jsonl") for split in ("train", "test"))
    assert [(one.id, one.text) for one in train] == [
        ("yesno-0_0_1", "NO NO YES"),
        ("yesno-1_0_0", "YES NO NO"),
    ]
    assert [one.text for one in test] == ["NO YES NO", "YES YES NO"]
    assert {probe(one.audio).sample_rate for one in train + test} == {8_000}  # not converted
    assert all(one.audio.path.is_relative_to(tmp_path / "to") == archived for one in train + test)


@pytest.mark.parametrize(
    ("corpus", "said"), [("an4", "AN4: no etc/an4_train"), ("yesno", "yesno: no recordings")]
)
def test_another_corpus_is_not_taken(tmp_path: Path, corpus: str, said: str) -> None:
    corpora.write_audio(tmp_path / "other/hello.wav")
    for source in (tmp_path / "other", corpora.pack(tmp_path / "other", tmp_path / "other.zip")):
        done = corpora.run(corpus, "--from", source, "--to", tmp_path / "to")
        assert done.returncode == 2
        assert done.stderr.startswith(f"error: {source}: this does not look like {said}")
        assert done.stderr.count("\n") == 1
    assert corpora.left(tmp_path) == {"other", "other.zip"}


@pytest.mark.data
@pytest.mark.parametrize(
    ("corpus", "sizes"),
    [
        ("an4", {"train": (948, 0.707, 74, 5442), "test": (130, 0.099, 10, 773)}),
        ("yesno", {"train": (30, 0.050, 1, 240), "test": (30, 0.052, 1, 240)}),
    ],
)
def test_real_corpus_has_its_published_size(
    tmp_path: Path, data_folder: Path, corpus: str, sizes: dict[str, tuple[int, float, int, int]]
) -> None:
    prepare(corpus, data_folder / corpus, tmp_path)
    for split, size in sizes.items():
        found = read_manifest(tmp_path / split / "manifest.jsonl")
        hours = sum(one.duration for one in found) / 3600
        words = sum(len(one.text.split()) for one in found)
        assert (len(found), round(hours, 3), len({one.speaker for one in found}), words) == size
        assert found == read_manifest(data_folder / corpus / split / "manifest.jsonl")


@pytest.mark.data
def test_real_yesno_texts_follow_from_the_names(tmp_path: Path, data_folder: Path) -> None:
    """The recordings without their manifests, as published, give the manifests of the data folder."""
    names = [path for split in ("train", "test") for path in (data_folder / "yesno" / split).glob("*.flac")]
    for path in names:
        (tmp_path / path.name).symlink_to(path)
    for split, utterances in yesno.splits(tmp_path).items():
        known = {one.id: one.text for one in read_manifest(data_folder / "yesno" / split / "manifest.jsonl")}
        assert {one.id: one.text for one in utterances} == known
