"""``asr reproduce``: rows of a made-up table are run, compared and refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from asr.reproduce.markdown import BEGIN, END, markdown, replaced
from asr.reproduce.table import Row, find_table, read_table, row_named
from tests.helpers.console import MAIN, asr, asr_here, one_line
from tests.helpers.corpora import write_corpus

RECIPE = """
from asr.cli.train import main
from asr.config import *

recipe = Recipe(
    name="tiny", dev=("dev",), features=FeatureConfig(mels=20), tokenizer=TokenizerConfig(kind="words"),
    model=ModelConfig(cell="gru", layers=1, hidden=8, channels=2),
    training=TrainingConfig(epochs=2, batch_seconds=3.0, precision="fp32"),
)

if __name__ == "__main__":
    main(recipe)
"""
WRITE = """
import json, os, pathlib, sys
out, data, seed = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
print("a result for people")
words = {"substitutions": seed, "deletions": 1, "insertions": 0, "reference": 100, "rate": 0.0, "errors": 9}
(out / "results").mkdir(parents=True)
(out / "results" / "test.json").write_text(json.dumps({"words": words, "data": data, "scored": []}))
(out / "threads").write_text(os.environ["OMP_NUM_THREADS"])
"""
ROW: dict[str, Any] = {
    "name": "made-up", "title": "made [up](x.md)", "recipe": "recipes/tiny.py", "corpus": "tones",
    "trained_on": "train", "chosen_on": "dev", "split": "test", "words": 100, "decoding": "greedy",
    "commit": "1234567", "hardware": "a machine", "threads": 1, "spread": 0.5,
    "commands": ["python recipes/write.py {out} {data} {seed}"], "result": "results/test.json",
    "runs": [
        {"seed": 3, "substitutions": 3, "deletions": 1, "insertions": 0, "cpu_minutes": 0.1},
        {"seed": 7, "substitutions": 0, "deletions": 1, "insertions": 0},
    ],
}  # fmt: skip


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "a check out"
    (folder / "recipes").mkdir(parents=True)
    (folder / "recipes" / "write.py").write_text(WRITE)
    (folder / "recipes" / "tiny.py").write_text(RECIPE)
    (folder / "data").mkdir()
    return folder


def table(checkout: Path, *rows: dict[str, Any]) -> Path:
    path = checkout / "recipes" / "results.json"
    path.write_text(json.dumps([ROW | row for row in rows]), encoding="utf-8")
    return path


def test_the_same_errors_agree(checkout: Path, capfd: pytest.CaptureFixture[str]) -> None:
    options = ("--table", table(checkout, {}), "--data", checkout / "data", "--out", checkout / "run")
    shown = asr_here("reproduce", "made-up", *options)
    assert shown.status == 0
    lines = shown.out.splitlines()
    assert lines[0] == "made-up, seed 3, test, greedy"
    assert lines[2].split() == ["WER", "%", "4.00", "4.00"]
    assert lines[3].split("  ")[-1] == "3 / 1 / 0"
    assert "published: a machine" in shown.out
    assert lines[-1] == "difference +0.00 points: within the spread of 0.50 points"
    assert "a result for people" in capfd.readouterr().err
    assert json.loads((checkout / "run/results/test.json").read_text())["data"] == str(checkout / "data")
    assert (checkout / "run" / "threads").read_text() == "1"


@pytest.mark.parametrize(
    ("changes", "last"),
    [
        ({}, "difference +7.00 points: NOT WITHIN the spread of 0.50 points"),
        ({"spread": 7.0}, "difference +7.00 points: within the spread of 7.00 points"),
        ({"words": 99}, "NOT COMPARABLE: 100 words instead of 99; other data than published"),
    ],
)
def test_other_errors_are_told(checkout: Path, changes: dict[str, Any], last: str) -> None:
    options = ("--table", table(checkout, changes), "--data", checkout / "data", "--seed", 7)
    shown = asr_here("reproduce", "made-up", *options)
    assert shown.out.splitlines()[-1] == last
    assert shown.status == (0 if "within" in last else 1)


def test_a_recipe_is_trained_again(checkout: Path) -> None:
    data = write_corpus(checkout / "data")
    row = {
        "commands": ["python recipes/tiny.py --data {data} --out {out} --set training.seed={seed}"],
        "words": 9, "spread": 1_000.0,
    }  # fmt: skip
    table(checkout, row)
    shown = asr(
        "reproduce", "made-up", "--data", data, "--table", checkout / "recipes" / "results.json", code=MAIN
    )
    assert "$ python recipes/tiny.py --data " in shown.err
    assert shown.out, shown.err
    words = shown.out.splitlines()[4].split()
    assert words[:2] == ["words", "9"]
    assert shown.status == (0 if words[2] == "9" else 1)
    assert "seed 3, test" in shown.out


def test_a_command_that_fails_is_one_line(checkout: Path, capfd: pytest.CaptureFixture[str]) -> None:
    options = ("--table", table(checkout, {"commands": ["python recipes/no.py"]}))
    shown = asr_here("reproduce", "made-up", *options)
    assert shown.status == 2
    last = shown.err.splitlines()[-1]
    assert last == "error: row made-up: python recipes/no.py: ended with status 2; see above what it said"
    assert "no.py" in capfd.readouterr().err
    options = ("--table", table(checkout, {"commands": ["python -c pass"]}))
    shown = asr_here("reproduce", "made-up", *options)
    assert shown.err.splitlines()[-1].endswith("the commands left no result there; correct the table")


def test_ctrl_c_waits_for_the_command_and_ends(checkout: Path) -> None:
    (checkout / "recipes" / "slow.py").write_text(
        "import pathlib, sys, time\n"
        "pathlib.Path('started').touch()\n"
        "try:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n"
        "    time.sleep(0.6); pathlib.Path('saved').touch(); sys.exit(130)\n"
    )
    path = table(checkout, {"commands": ["python recipes/slow.py"]})
    command = [sys.executable, "-m", "asr", "reproduce", "made-up", "--table", str(path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        end = time.monotonic() + 60
        while not (checkout / "started").exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        time.sleep(0.2)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err.splitlines()[-1] == "interrupted"
    assert (checkout / "saved").exists()


def test_mistakes_are_one_line(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table(checkout, {})
    one_line(asr_here("reproduce", "made-upp", "--table", path), "no row 'made-upp'; did you mean 'made-up'?")
    refused = asr_here("reproduce", "made-up", "--table", path)
    assert (refused.status, "needs --data, the folder of the splits of tones" in refused.err) == (2, True)
    one_line(
        asr_here("reproduce", "made-up", "--table", path, "--data", "no"), "no: no such folder; python -m"
    )
    seeds = asr_here("reproduce", "made-up", "--table", path, "--data", checkout, "--seed", 4)
    one_line(seeds, "not measured with seed 4; choose one of 3, 7")
    one_line(asr_here("reproduce", "made-up", "--table", checkout / "no.json"), "no.json: cannot be read")
    for content, expected in (("{", "no table of results"), ('[{"nme": 1}]', "no table of results")):
        path.write_text(content)
        one_line(asr_here("reproduce", "--list", "--table", path), "results.json", expected)
    one_line(asr_here("reproduce", "--list", "--table", table(checkout, {}, {})), "is there twice")
    assert asr_here("reproduce", "--table", table(checkout, {})).status == 2


def test_rows_are_listed(checkout: Path) -> None:
    shown = asr_here(
        "reproduce", "--list", "--table", table(checkout, {}, {"name": "b", "commands": ["true"]})
    )
    first, second = shown.out.splitlines()
    assert first.startswith(
        "made-up: seed 3: 4.00 % (3 / 1 / 0), seed 7: 1.00 % (0 / 1 / 0); 0.1 CPU minutes; "
    )
    assert "needs tones" in first
    assert "needs no data" in second


def test_the_table_is_found_in_the_checkout(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table(checkout, {})
    (checkout / "docs").mkdir()
    monkeypatch.chdir(checkout / "docs")
    assert asr_here("reproduce", "--list").out.startswith("made-up: ")
    assert find_table(None, checkout) == path
    elsewhere = find_table(None, Path("/"))  # that of the package, which is tested in a checkout
    assert elsewhere.parents[1] == Path(__file__).parents[2]


def test_where_there_is_no_checkout_it_says_so(tmp_path: Path) -> None:
    code = "import asr.reproduce.table as table; table.__file__ = '/a/b/c/d.py'; "
    shown = asr("reproduce", "yesno", code=f"import os; os.chdir({str(tmp_path)!r}); " + code + MAIN)
    one_line(shown, "no recipes/results.json here or above", "run this in a checkout of the repository")


def test_the_table_becomes_markdown(checkout: Path) -> None:
    rows = read_table(table(checkout, {}))
    shown = markdown(rows).splitlines()
    assert (shown[0], shown[-1]) == (BEGIN, END)
    assert shown[3] == (
        "| made [up](x.md) | `made-up` | 4.00, 1.00; mean 2.50 | 3 / 1 / 0, 0 / 1 / 0 | 100 | 3, 7 | ± 0.50 "
        "| 0.1 | greedy | 1234567 |  |"
    )
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert replaced(text, rows) == f"before\n{markdown(rows)}\nafter\n"
    assert isinstance(row_named(rows, "made-up"), Row)
    with pytest.raises(ValueError, match="unpack"):
        replaced("no place", rows)
