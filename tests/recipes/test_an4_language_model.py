"""``recipes/an4/language_model.py``: one command from transcripts to error rates."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from asr.bundle import load_bundle
from asr.data.manifest import read_manifest, write_manifest
from asr.lm.construction import load_language_model
from tests.helpers.bundles import random_bundle
from tests.helpers.corpora import write_corpus

ROOT = Path(__file__).parents[2]


def test_transcripts_of_dev_speakers_are_left_out_while_tuning_only(tmp_path: Path) -> None:
    data = write_corpus(tmp_path / "data", {"train": 6, "test": 2})
    path = data / "train" / "manifest.jsonl"
    train = [replace(one, text=one.text.upper()) for one in read_manifest(path)]
    train[4] = replace(train[4], speaker="mmsh", text="FA SO")
    train[5] = replace(train[5], speaker="fash", text="MI")
    write_manifest(path, train)
    random_bundle(tmp_path / "model", texts=("do re mi fa so",))
    command = [sys.executable, ROOT / "recipes" / "an4" / "language_model.py", "--order", "2"]
    places = ["--data", data, "--model", tmp_path / "model", "--out", tmp_path / "out"]
    done = subprocess.run([*command, *places], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out"
    assert [one.speaker for one in read_manifest(out / "dev.jsonl")] == ["mmsh", "fash"]
    assert "so" not in load_language_model(out / "without-dev.lm").words
    carried = load_bundle(out / "bundle").language
    assert "so" in carried.model.words
    assert carried.tuning.alpha == json.loads((out / "tuned.json").read_text())["tuning"]["alpha"]
    assert load_bundle(tmp_path / "model").language is None
    assert done.stdout.count("$ asr evaluate") == done.stdout.count("%WER") == 3
