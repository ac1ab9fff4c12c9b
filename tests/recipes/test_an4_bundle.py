"""The AN4 model of the repository does what its card says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from asr.bundle import load_bundle
from asr.data.manifest import read_manifest
from asr.recognize.evaluate import recognize
from asr.recognize.recognizer import load
from asr.recognize.scoring import report

MODEL = Path(__file__).parents[2] / "models" / "an4-bilstm"


def test_it_is_small_and_says_where_it_comes_from() -> None:
    assert sum(path.stat().st_size for path in MODEL.iterdir()) <= 5_000_000
    bundle = load_bundle(MODEL)
    assert len(bundle.facts["environment"]["commit"]) == 40
    assert "Carnegie Mellon University" in bundle.card
    assert bundle.facts["results"]["test"]["wer"] in bundle.card


@pytest.mark.data
def test_it_reaches_the_word_error_rate_of_its_card(data_folder: Path) -> None:
    utterances = read_manifest(data_folder / "an4" / "test" / "manifest.jsonl")
    result = report(recognize(load(MODEL), utterances))
    stated = re.search(r"\[ (\d+) / (\d+),", load_bundle(MODEL).facts["results"]["test"]["wer"])
    assert stated
    assert result.words.reference == int(stated[2])
    assert abs(result.words.errors - int(stated[1])) <= 2  # other processors round differently
