"""``asr verify``: whole models, damaged ones, graphs of other weights; a line for each law, the status."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from asr import models
from asr.bundle import load_bundle, save_bundle
from asr.graphs import Graphs
from asr.verify.verification import Effort, verify
from tests.helpers.bundles import random_bundle
from tests.helpers.console import asr_here, one_line
from tests.helpers.corpora import spoken
from tests.helpers.engines import exported_model

MODELS = Path(__file__).parents[2] / "models"
STREAMING = {"bidirectional": False, "lookahead": 2, "normalization": "running"}
ONCE = Effort(seconds=0)


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    save_bundle(exported_model(**STREAMING), tmp_path / "m")
    return tmp_path / "m"


def states(folder: Path, effort: Effort = ONCE) -> dict[str, str]:
    return {verdict.law: verdict.state for verdict in verify(folder, effort)}


def test_a_trained_model_keeps_all_laws(tmp_path: Path) -> None:
    shown = asr_here("verify", MODELS / "an4-lstm-streaming", "--seconds", 0)
    assert (shown.status, shown.err) == (0, "")
    lines = shown.out.splitlines()
    assert lines[-1] == "all held"
    assert sum(line.startswith("held   ") for line in lines) == 7
    assert "held   nobody speaks: nothing is written: 0 words" in shown.out


@pytest.mark.parametrize("name", [models.OFFLINE, models.STREAMING])
def test_a_shipped_model_keeps_all_laws_as_it_is_heard(name: str) -> None:
    shown = asr_here("verify", models.shipped(name), "--seconds", 0)
    assert shown.status == 0
    assert "held   files: hashes are those of model.json: 6 files" in shown.out
    assert "held   nobody speaks: nothing is written: 0 words" in shown.out


def test_a_model_with_graphs_is_tried_on_every_engine(exported: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", spoken("do re mi"), 16_000)
    found = states(exported, Effort(0, [tmp_path / "a.flac"]))
    assert found.pop("nobody speaks: nothing is written") == "broken"  # for it was never trained
    assert found.pop("onnx-int8 beside onnx: probabilities") == "reported"
    assert found.pop("onnx-int8 beside onnx: words that differ") == "reported"
    assert set(found.values()) == {"held"}
    assert {
        "onnx = torch",
        "onnx: a stream in chunks = whole",
        "torch: padding changes nothing",
        "onnx-int8: an utterance in a batch = alone",
    } <= set(found)


def test_what_does_not_apply_is_said(tmp_path: Path) -> None:
    random_bundle(tmp_path / "m")
    found = states(tmp_path / "m")
    assert found["onnx = torch"] == found["live"] == found["files: graphs are of these weights"] == "skipped"


@pytest.mark.parametrize(
    "name", ["model.safetensors", "tokens.txt", "offline.onnx", "step.int8.onnx", "statistics.safetensors"]
)
def test_a_changed_byte_is_found(exported: Path, name: str) -> None:
    content = bytearray((exported / name).read_bytes())
    content[len(content) // 2] ^= 1
    (exported / name).write_bytes(content)
    shown = asr_here("verify", exported)
    assert (shown.status, shown.err) == (1, "")
    first, last = shown.out.splitlines()
    assert first.startswith("BROKEN files: ")
    assert name in first
    assert "damaged" in first
    assert last == "1 broken"


def test_a_changed_byte_in_the_folder_beside_is_found(exported: Path) -> None:
    bundle = load_bundle(models.shipped(models.OFFLINE))
    save_bundle(bundle, exported.with_name("first"))
    save_bundle(bundle, exported.with_name("second"), beside="first")
    (exported.with_name("first") / "lexicon.l2s").write_bytes(b"x")
    shown = asr_here("verify", exported.with_name("second"))
    assert shown.status == 1
    assert "first/lexicon.l2s: damaged" in shown.out.splitlines()[0]


def test_a_missing_file_is_found(exported: Path) -> None:
    (exported / "step.onnx").unlink()
    shown = asr_here("verify", exported)
    assert shown.status == 1
    assert "step.onnx" in shown.out.splitlines()[0]


def test_graphs_of_other_weights_are_found(tmp_path: Path) -> None:
    ours, others = exported_model(**STREAMING), exported_model(seed=1, **STREAMING)
    save_bundle(replace(ours, graphs=Graphs(ours.graphs.acoustic, others.graphs.files)), tmp_path / "m")
    found = states(tmp_path / "m")
    assert found["files: hashes are those of model.json"] == "held"
    assert found["onnx = torch"] == "broken"
    save_bundle(replace(ours, graphs=others.graphs), tmp_path / "n")
    assert states(tmp_path / "n")["files: graphs are of these weights"] == "broken"


def test_a_model_for_machines_without_torch(exported: Path, tmp_path: Path) -> None:
    save_bundle(replace(exported_model(**STREAMING), weights={}), tmp_path / "small")
    found = states(tmp_path / "small")
    assert found["onnx = torch"] == "skipped"
    assert found["onnx: padding changes nothing"] == "held"


def test_mistakes_are_one_line(exported: Path, tmp_path: Path) -> None:
    one_line(asr_here("verify", tmp_path / "no"), "no such model folder")
    one_line(asr_here("verify", exported, "--audio", tmp_path / "no.wav"), "no.wav: no such file")
