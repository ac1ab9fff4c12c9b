"""``asr lexicon``: words are added, guessed and learnt from as a user does it; mistakes are one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from asr.pronounce.storage import load_letter_to_sound
from asr.text.lexicon_text import read_entries
from tests.helpers.console import asr_here, one_line
from tests.pronounce.conftest import words


@pytest.fixture
def lexicon(tmp_path: Path) -> Path:
    path = tmp_path / "lexicon.txt"
    path.write_text("# small\n" + "".join(f"{entry}\n" for entry in words(0, 300)))
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    (folder / "words.txt").write_text("".join(f"{entry}\n" for entry in words(0, 300)))
    shown = asr_here("lexicon", "train", folder / "words.txt", folder / "small.l2s")
    assert (shown.status, shown.out) == (0, "")
    assert "words are few to learn from; guesses will often be wrong" in shown.err
    assert f"{folder / 'small.l2s'}: " in shown.err
    return folder / "small.l2s"


def test_a_word_is_added_with_its_phones(lexicon: Path) -> None:
    before = lexicon.read_text()
    shown = asr_here("lexicon", "add", lexicon, "sheep", "SH", "IY", "B")
    assert (shown.status, shown.out) == (0, "")
    assert shown.err == f"{lexicon}: added: sheep SH IY B\n"
    shown = asr_here("lexicon", "add", lexicon, "sheep", "SH IY")
    assert shown.err == f"{lexicon}: added: sheep SH IY\n"
    assert lexicon.read_text() == before + "sheep SH IY B\nsheep SH IY\n"
    shown = asr_here("lexicon", "add", lexicon, "sheep", "SH IY")
    assert shown.err == f"{lexicon}: has it already: sheep SH IY; nothing was written\n"


def test_a_word_is_added_as_it_is_guessed(lexicon: Path, model: Path) -> None:
    before = read_entries(lexicon)
    shown = asr_here("lexicon", "add", lexicon, "taboxote", "--model", model)
    assert shown.status == 0, shown.err
    (added,) = set(read_entries(lexicon)) - set(before)
    assert added.word == "taboxote"
    first, *_, last = shown.err.splitlines()
    assert first.startswith(("guess: taboxote 0.", "guess: taboxote 1."))
    assert first.split()[3:] == list(added.phones)
    assert last == f"{lexicon}: added: {added}"
    shown = asr_here("lexicon", "add", lexicon, "taboxote", "--model", model)
    assert shown.err == f"{lexicon}: has it already: {added}; nothing was written\n"


def test_without_a_model_one_is_trained_and_kept(lexicon: Path) -> None:
    shown = asr_here("lexicon", "add", lexicon, "kadabo")
    assert shown.status == 0, shown.err
    kept = lexicon.with_suffix(".l2s")
    assert f"{kept}: " in shown.err
    before = kept.stat().st_mtime_ns
    shown = asr_here("lexicon", "guess", "kadabo", "shox", "--lexicon", lexicon, "-n", 2)
    assert shown.status == 0 and shown.err == ""
    assert kept.stat().st_mtime_ns == before
    lines = [line.split() for line in shown.out.splitlines()]
    assert {line[0] for line in lines} == {"kadabo", "shox"} and len(lines) <= 4
    assert all(0 < float(line[1]) <= 1 for line in lines)
    model = load_letter_to_sound(kept)
    assert lines[0][2:] == list(model.guess(["kadabo"])[0][0].phones)


def test_a_guess_alone_is_a_line_of_a_lexicon(model: Path) -> None:
    shown = asr_here("lexicon", "guess", "shob", "--model", model)
    assert (shown.status, shown.out, shown.err) == (0, "shob SH OW B\n", "")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["add", "LEXICON", "tab", "T AE B"], "'AE' is no phone of this lexicon; known: AA, B"),
        (["add", "LEXICON", "tab", "t", "AA", "B"], "'t' is no phone of this lexicon; did you mean 'T'?"),
        (
            ["add", "LEXICON", "größe", "--model", "MODEL"],
            "'größe' has letters that the letter-to-sound model",
        ),
        (["add", "nowhere.txt", "tab", "T"], "nowhere.txt: no such file; check the path"),
        (["add", "LEXICON", "tab", "--model", "LEXICON"], "damaged, or no letter-to-sound model"),
        (
            ["add", "LEXICON", "tab", "--model", "none.l2s"],
            "none.l2s: no such file; asr lexicon train makes one",
        ),
        (["guess", "tab", "ça", "--model", "MODEL"], "'ça' has letters"),
        (["train", "nowhere.txt", "OUT.l2s"], "nowhere.txt: no such file"),
    ],
)
def test_mistakes_are_one_line(lexicon: Path, model: Path, arguments: list[str], problem: str) -> None:
    before = lexicon.read_text()
    names = {"LEXICON": lexicon, "MODEL": model}
    shown = asr_here("lexicon", *(names.get(one, one) for one in arguments))
    one_line(shown, problem)
    assert lexicon.read_text() == before


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["guess", "tab"], "name --model, or --lexicon to learn from"),
        (["guess", "tab", "--model", "a", "--lexicon", "b"], "not both"),
        (["train", "LEXICON", "out.bin"], "must end in .l2s"),
        (["add", "LEXICON"], "Missing argument 'WORD'"),
    ],
)
def test_misuse_is_explained(lexicon: Path, arguments: list[str], problem: str) -> None:
    shown = asr_here("lexicon", *(lexicon if one == "LEXICON" else one for one in arguments))
    assert shown.status == 2
    assert problem in shown.err


def test_an_interruption_leaves_nothing_half_written(tmp_path: Path) -> None:
    path = tmp_path / "lexicon.txt"
    path.write_text("".join(f"{entry}\n" for entry in words(0, 20_000)))
    before = path.read_bytes()
    process = subprocess.Popen(
        [sys.executable, "-m", "asr", "lexicon", "add", str(path), "ka" * 9],
        stderr=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while not any(entry.is_dir() for entry in tmp_path.iterdir()):  # until it works on n-grams
        assert process.poll() is None, "done before it was interrupted"
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.decode().splitlines()[-1] == "interrupted"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_help_teaches() -> None:
    shown = asr_here("lexicon", "--help")
    assert "asr lexicon add lexicon.txt" in shown.out
    for part in ("add", "guess", "train"):
        assert "asr lexicon" in asr_here("lexicon", part, "--help").out
