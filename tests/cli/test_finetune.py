"""``asr finetune`` as a user meets it: the table on stdout, everything else on stderr, Ctrl-C, mistakes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.helpers.console import asr, asr_here, one_line
from tests.helpers.voices import Voices, write_voices

SHORT = (
    "--device", "cpu", "--set", "training.epochs=2", "--set", "training.precision=fp32",
    "--set", "training.batch_seconds=4",
)  # fmt: skip
PRESSED = """
import signal
from asr.train.ctc import CTCObjective
plain, losses = CTCObjective.loss, []
def pressing(self, batch):
    losses.append(batch)
    if len(losses) == 3:
        signal.raise_signal(signal.SIGINT)
    return plain(self, batch)
CTCObjective.loss = pressing
from asr.cli import main; main()
"""


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Voices:
    return write_voices(tmp_path_factory.mktemp("voices"))


def test_ctrl_c_resume_and_the_table(voices: Voices, tmp_path: Path) -> None:
    command = ("finetune", voices.new_train, "--model", voices.model, "--out", tmp_path / "run", *SHORT)
    stopped = asr(*command, "--old-dev", voices.old_dev, code=PRESSED)
    assert stopped.status == 130
    assert stopped.out == ""
    assert stopped.err.endswith("error: stopped after step 3; go on with --resume\n")
    assert "Traceback" not in stopped.err
    assert re.search(r"memory: about \d+ MB for the largest batch, .* free\n", stopped.err)
    one_line(asr_here(*command, "--old-dev", voices.old_dev), "holds a run already", "--resume")
    shown = asr_here(*command, "--old-dev", voices.old_dev, "--resume")
    assert shown.status == 0, shown.err
    header, rule, new, old, *rest = shown.out.splitlines()
    assert [cell.strip() for cell in header.strip("|").split("|")] == [
        "set", "words", "before: WER % (S/D/I)", "after: WER % (S/D/I)", "points", "gain, 95 % interval",
    ]  # fmt: skip
    assert set(rule) == {"|", "-"}
    assert re.match(r"\| new dev +\| \d+ +\| \d+\.\d\d \(\d+/\d+/\d+\) ", new)
    assert re.match(r"\| old dev +\| \d+ +\| ", old)
    assert len(rest) == 2
    assert len({len(line) for line in (header, rule, new, old)}) == 1
    assert "confidences are no longer calibrated" in shown.err
    bundle = tmp_path / "run" / "bundle"
    assert asr_here("evaluate", voices.new_dev, "--model", bundle).status == 0


def test_what_nobody_watches_is_said(voices: Voices, tmp_path: Path) -> None:
    shown = asr_here(
        "finetune", voices.new_train, "--model", voices.model, "--out", tmp_path / "run", *SHORT,
        "--dev", voices.new_dev, "--set", "training.epochs=1",
    )  # fmt: skip
    assert shown.status == 0
    assert "warning: without --old-dev nobody sees what is forgotten" in shown.err


def test_mistakes_are_one_line(voices: Voices, tmp_path: Path) -> None:
    command = ("finetune", voices.new_train, "--model", voices.model, "--out", tmp_path / "run")
    one_line(asr_here(*command, "--freeze", 9), "freeze", "choose 3 at most")
    one_line(asr_here(*command, "--set", "training.epoch=2"), "'training.epoch'", "did you mean")
    shown = asr_here("finetune", tmp_path / "none.jsonl", "--model", voices.model, "--out", tmp_path / "run")
    one_line(shown, "none.jsonl", "no such manifest")
    assert asr_here("finetune", "--model", voices.model, "--out", tmp_path / "run").status == 2
    assert not (tmp_path / "run" / "metrics.jsonl").exists()
