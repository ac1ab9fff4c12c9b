"""The command itself: copying, prepared corpora, refusals, interruptions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from asr.audio.io import probe
from asr.data.manifest import read_manifest, split_path
from data_prep.__main__ import main
from tests.data_prep import corpora


def prepared(folder: Path, names: tuple[str, ...] = ("a", "b")) -> Path:
    """A prepared corpus: `train` is a folder, `test` a tar file beside its manifest."""
    for split in ("train", "test"):
        for name in names:
            corpora.write_audio(folder / split / f"clips/{name}.flac")
        lines = [
            {"audio_filepath": f"clips/{name}.flac", "duration": 0.2, "text": name, "id": f"{split}-{name}"}
            for name in names
        ]
        (folder / split / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with tarfile.open(folder / "test.tar", "w") as packed:
        packed.add(folder / "test/clips", "clips")
    (folder / "test/manifest.jsonl").rename(folder / "test.jsonl")
    return folder


def run(source: Path, to: Path, *options: str, corpus: str = "folder") -> int:
    return main([corpus, "--from", str(source), "--to", str(to), *options])


@pytest.mark.parametrize("corpus", ["an4", "yesno", "folder"])
@pytest.mark.parametrize("copy", [False, True])
def test_prepared_corpus_is_passed_on(tmp_path: Path, corpus: str, copy: bool) -> None:
    source = prepared(tmp_path / "source")
    assert run(source, tmp_path / "to", *(["--copy"] if copy else []), corpus=corpus) == 0
    for split in ("train", "test"):
        found = read_manifest(split_path(tmp_path / "to", split))
        assert [(one.id, one.text) for one in found] == [(f"{split}-a", "a"), (f"{split}-b", "b")]
        assert {round(probe(one.audio).duration, 6) for one in found} == {0.2}
        inside = [one.audio.path.resolve().is_relative_to(tmp_path / "to") for one in found]
        assert inside == [copy, copy]


def test_prepared_corpus_is_checked(tmp_path: Path) -> None:
    source = prepared(tmp_path / "source", ("a", "gone", "long"))
    (source / "train/clips/gone.flac").unlink()
    manifest = source / "train/manifest.jsonl"
    manifest.write_text(
        manifest.read_text().replace('long.flac", "duration": 0.2', 'long.flac", "duration": 0.4')
    )
    done = corpora.run("folder", "--from", source, "--to", tmp_path / "to")
    assert done.returncode == 0
    assert "left out: 1 x recording that cannot be read\n  train/clips/gone.flac: no such file" in done.stderr
    assert (
        "left out: 1 x utterance that ends after its recording\n  train/clips/long.flac: 0.40" in done.stderr
    )
    assert [one.id for one in read_manifest(tmp_path / "to/train/manifest.jsonl")] == ["train-a"]


def test_archive_of_a_prepared_corpus_cannot_take_files_from_elsewhere(tmp_path: Path) -> None:
    mine = corpora.write_audio(tmp_path / "mine.flac")
    source = prepared(tmp_path / "source")
    line = {"audio_filepath": str(mine), "duration": 0.2, "text": "x"}
    (source / "train/manifest.jsonl").write_text(json.dumps(line))
    archive = corpora.pack(source, tmp_path / "source.tar")
    done = corpora.run("folder", "--from", archive, "--to", tmp_path / "to")
    assert done.returncode == 2
    assert "mine.flac" in done.stderr and "not in the archive" in done.stderr
    assert mine.exists()
    assert not (tmp_path / "to").exists()


def test_second_run_replaces_manifests_and_nothing_else(tmp_path: Path) -> None:
    root = corpora.yesno(tmp_path)
    assert run(root, tmp_path / "to", corpus="yesno") == 0
    (tmp_path / "to/train/notes.txt").write_text("mine")
    (tmp_path / "to/train/manifest.jsonl").write_text("")
    assert run(root, tmp_path / "to", corpus="yesno") == 0
    assert len(read_manifest(tmp_path / "to/train/manifest.jsonl")) == 2
    assert (tmp_path / "to/train/notes.txt").read_text() == "mine"


def refusals(tmp_path: Path) -> dict[str, tuple[list[object], str]]:
    yesno, full = corpora.yesno(tmp_path), prepared(tmp_path / "full")
    (tmp_path / "text.tar.gz").write_text("this is not an archive")
    packed = corpora.pack(yesno, tmp_path / "yesno.zip")
    to = ["--to", tmp_path / "to"]
    return {
        "unknown corpus": (["yesnoo", "--from", yesno, *to], "did you mean 'yesno'?"),
        "missing": (["yesno", "--from", tmp_path / "gone.zip", *to], "gone.zip: no such folder or archive"),
        "not an archive": (["yesno", "--from", tmp_path / "text.tar.gz", *to], "text.tar.gz: not an archive"),
        "not empty": (["yesno", "--from", packed, "--to", full], "full: something is there already"),
        "not empty, copy": (["yesno", "--from", yesno, "--copy", "--to", full], "something is there already"),
        "target is a file": (["yesno", "--from", yesno, "--to", packed], "yesno.zip: not a folder"),
        "onto itself": (["folder", "--from", full, "--to", full], "full: prepared already"),
        "split already": (["folder", "--from", full, "--test-fraction", "0.2", *to], "split already"),
        "own splits": (["yesno", "--from", yesno, "--dev-fraction", "0.2", *to], "has its own splits"),
        "too much": (["folder", "--from", yesno, "--dev-fraction", "1.2", *to], "between 0 and 1"),
    }


def test_wrong_use_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = refusals(tmp_path)
    before = corpora.left(tmp_path)
    for name, (arguments, said) in cases.items():
        assert main([str(argument) for argument in arguments]) == 2, name
        out, err = capsys.readouterr()
        assert err.startswith("error: ") and err.count("\n") == 1 and said in err, (name, err)
        assert out == ""
    assert corpora.left(tmp_path) == before


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_leaves_nothing(tmp_path: Path, stop: signal.Signals) -> None:
    """The archive is a pipe that never ends, so the command is surely at work when it is stopped."""
    os.mkfifo(tmp_path / "endless.tar")
    command = [
        sys.executable,
        "-m",
        "data_prep",
        "an4",
        "--from",
        tmp_path / "endless.tar",
        "--to",
        tmp_path / "to",
    ]
    with subprocess.Popen(command, cwd=corpora.ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            while len(corpora.left(tmp_path)) < 2:  # until the hidden folder is there
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(stop)
            _, said = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 130
    assert said == "interrupted: nothing was written\n"
    assert corpora.left(tmp_path) == {"endless.tar"}
