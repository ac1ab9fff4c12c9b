"""``asr lm``: models are made, scored and measured as a user does it; mistakes are one line."""

from __future__ import annotations

import gzip
import lzma
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from asr.lm.arpa import read_arpa
from asr.lm.construction import load_language_model
from asr.lm.kneser_ney import Estimation, estimate
from tests.helpers.console import MAIN, asr, asr_here, one_line

FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300)); "
LINES = ["Yes no", "no  yes", "yes yes yes", "maybe no", "no no", "yes maybe", ""]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("\n".join(LINES))
    return path


def test_a_model_is_built_scored_and_measured(tmp_path: Path, text: Path) -> None:
    shown = asr_here("lm", "build", text, "-o", tmp_path / "lm.arpa", "--order", 2)
    assert (shown.status, shown.out) == (0, "")
    assert "6 sentences, 13 words, 3 different ones\n" in shown.err
    assert f"{tmp_path / 'lm.arpa'}: 6 1-grams, " in shown.err
    assert "warning: 1-grams have the discounts 0.5 1 1.5 of small texts: none was" in shown.err
    estimate([line.lower().split() for line in LINES], tmp_path / "api.arpa", Estimation(2))
    assert (tmp_path / "api.arpa").read_bytes() == (tmp_path / "lm.arpa").read_bytes()

    shown = asr_here("lm", "score", tmp_path / "lm.arpa", "-", stdin=b"YES never\n\n")
    assert (shown.status, shown.err) == (0, "")
    total, *words = shown.out.splitlines()[0].split()
    assert words[::2] == ["yes", "never*", "</s>"]
    assert float(total) == pytest.approx(sum(map(float, words[1::2])), abs=2e-4)
    scores = load_language_model(tmp_path / "lm.arpa").score(["yes", "never"])
    assert float(total) == pytest.approx(sum(scores) / 2.302585, abs=1e-4)
    assert len(shown.out.splitlines()) == 2

    (tmp_path / "held.txt").write_text("no never no")
    shown = asr_here("lm", "perplexity", tmp_path / "lm.arpa", text, tmp_path / "held.txt")
    first, second, together = shown.out.splitlines()
    assert first.startswith(f"{text}: perplexity ")
    assert second.endswith("OOV 1 of 3 words (33.33 %), 1 sentences")
    assert together.startswith("all: ")
    assert together.endswith("OOV 1 of 16 words (6.25 %), 7 sentences")


@pytest.mark.parametrize("name", ["lm.arpa.gz", "lm.lm"])
def test_the_ending_of_the_name_decides_the_format(tmp_path: Path, text: Path, name: str) -> None:
    for output in ("lm.arpa", name):
        assert asr_here("lm", "build", text, "-o", tmp_path / "new" / output).status == 0
    expected = load_language_model(tmp_path / "new" / "lm.arpa").score(["yes", "no"])
    assert load_language_model(tmp_path / "new" / name).score(["yes", "no"]) == expected
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"lm.arpa", name}


def test_texts_may_be_packed_several_or_standard_input(tmp_path: Path, text: Path) -> None:
    content = text.read_bytes()
    (tmp_path / "a.gz").write_bytes(gzip.compress(content))
    (tmp_path / "a.xz").write_bytes(lzma.compress(content))
    models = set()
    for sources in ([text, text], [tmp_path / "a.gz", tmp_path / "a.xz"], [text, "-"]):
        asr_here("lm", "build", *sources, "-o", tmp_path / "lm.arpa", stdin=content)
        models.add((tmp_path / "lm.arpa").read_bytes())
    assert len(models) == 1


def test_prune_takes_as_many_numbers_as_follow(tmp_path: Path, text: Path) -> None:
    output = tmp_path / "lm.arpa"
    sizes = []
    for prune in ([], ["--prune", 0, 0, 1], ["--prune", 0, 1], ["--prune", "0 1"], ["--prune", "0,1"]):
        shown = asr_here("lm", "build", "-o", output, "--order", 3, *prune, text)
        assert shown.status == 0, shown.err
        sizes.append([len(level) for level in read_arpa(output).levels])
    assert sizes[0][:2] == sizes[1][:2]
    assert sizes[0][2] > sizes[1][2]
    assert sizes[0][1] > sizes[2][1]
    assert sizes[2] == sizes[3] == sizes[4]


def test_units_may_be_characters(tmp_path: Path, text: Path) -> None:
    output = tmp_path / "lm.lm"
    shown = asr_here("lm", "build", text, "-o", output, "--characters", "--order", 4, "--normalizer", "upper")
    assert "characters, 9 different ones" in shown.err
    assert {"▁", "Y"} < set(load_language_model(output).words)
    shown = asr_here("lm", "score", output, text, "--characters", "--normalizer", "upper")
    assert shown.out.splitlines()[0].split()[1::2] == ["Y", "E", "S", "▁", "N", "O", "</s>"]
    shown = asr_here("lm", "perplexity", output, text)
    assert "warning: most words are not in the model: is it one of --characters" in shown.err


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (None, [], "text.txt: no such file; check the path"),
        (b"", [], "text.txt: the text is empty; write one sentence a line"),
        (b"\n \n", [], "text.txt: the text is empty"),
        (b"good\nbad \xff\n", [], "text.txt, line 2: not UTF-8 (byte 4); save the text as UTF-8"),
        (b"a\n<s> a </s>\n", [], "text.txt, line 2: <s> has a meaning of its own in language models"),
        (b"an <unk>\n", [], "text.txt, line 1: <unk> has a meaning"),
        ("a ▁\n".encode(), ["--characters"], "text.txt, line 1: ▁ has a meaning"),
        (b"a", ["--order", "0"], "the order must be 1 to 16, not 0; 3 is usual"),
        (b"a", ["--prune", "1"], "prune 1: single words are never pruned; begin with 0"),
        (b"a", ["--prune", "0", "2", "1"], "prune 0 2 1: thresholds must not fall"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, content: bytes | None, options: list, message: str) -> None:
    text = tmp_path / "text.txt"
    if content is not None:
        text.write_bytes(content)
    one_line(asr_here("lm", "build", text, "-o", tmp_path / "lm.arpa", *options), message)
    assert not (tmp_path / "lm.arpa").exists()


@pytest.mark.parametrize("name", ["lower_words", "lower-words"])
def test_the_normalizer_may_be_any_that_recipes_know(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.txt").write_text("Yes, no!\n")
    output = tmp_path / "lm.arpa"
    assert asr_here("lm", "build", tmp_path / "text.txt", "-o", output, "--normalizer", name).status == 0
    assert read_arpa(output).words[3:] == ("yes", "no")


def test_a_wrong_ending_and_a_wrong_number_are_usage_errors(tmp_path: Path, text: Path) -> None:
    shown = asr_here("lm", "build", text, "-o", tmp_path / "lm.bin")
    assert (shown.status, shown.out) == (2, "")
    assert "the name must end in .arpa, .arpa.gz or .lm" in shown.err
    assert "such as --prune 0 0 1" in asr_here("lm", "build", text, "-o", "x.arpa", "--prune", "x").err


def test_models_that_cannot_be_read_are_one_line(tmp_path: Path, text: Path) -> None:
    for command in ("score", "perplexity"):
        one_line(asr_here("lm", command, tmp_path / "no.arpa", text), "no.arpa: no such file")
        one_line(asr_here("lm", command, text, text), "text.txt: not an ARPA file")
    asr_here("lm", "build", text, "-o", tmp_path / "lm.arpa")
    one_line(asr_here("lm", "score", tmp_path / "lm.arpa", tmp_path / "no"), "no: no such file")
    (tmp_path / "empty").touch()
    shown = asr_here("lm", "perplexity", tmp_path / "lm.arpa", tmp_path / "empty")
    assert "error: " in shown.err
    assert "empty: the text is empty" in shown.err


def test_a_full_disk_is_one_line(tmp_path: Path, text: Path) -> None:
    for name in ("lm.arpa", "lm.lm"):
        shown = asr("lm", "build", text, "-o", tmp_path / name, code=FULL + MAIN)
        one_line(shown, f"{name}: cannot be written: File too large; free some space")
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


def test_an_interruption_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "asr", "lm", "build", "-", "-o", str(tmp_path / "lm.arpa")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=os.environ) as process:
        assert process.stdin
        assert process.stderr
        process.stdin.write(b"a b c\n")
        process.stdin.flush()
        until = time.monotonic() + 60
        while not any(tmp_path.iterdir()) and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.stderr.read().strip() == b"interrupted"
    assert process.returncode == 130
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["build", "score", "perplexity"])
def test_help_teaches(command: str) -> None:
    shown = asr_here("lm", command, "--help")
    assert shown.status == 0
    assert f"asr lm {command} " in shown.out
    assert command in asr_here("lm", "--help").out


@pytest.mark.data
def test_a_model_of_real_text_predicts_it_better_than_a_smaller_one(
    tmp_path: Path, data_folder: Path
) -> None:
    with gzip.open(data_folder / "text" / "sentences.txt.gz", "rt") as file:
        lines = file.readlines()[::20]
    (tmp_path / "held.txt").write_text("".join(lines[::20]))
    (tmp_path / "train.txt").write_text("".join(line for i, line in enumerate(lines) if i % 20))
    perplexities = []
    for order in (1, 3):
        asr_here("lm", "build", tmp_path / "train.txt", "-o", tmp_path / "lm.arpa", "--order", order)
        shown = asr_here("lm", "perplexity", tmp_path / "lm.arpa", tmp_path / "held.txt")
        perplexities.append(float(shown.out.split("perplexity ")[1].split()[0]))
    assert perplexities[0] > 2 * perplexities[1] > 20
