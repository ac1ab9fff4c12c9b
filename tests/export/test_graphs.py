"""Graphs in a model folder: what is written is read back, stays beside other changes, and damage is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from asr.bundle import load_bundle, save_bundle
from asr.decode.calibration import Calibration
from asr.errors import BundleError, RunError
from asr.export.bundle import export
from asr.export.offline import offline_graph
from asr.export.quantize import quantize
from asr.export.step import step_graph
from asr.recognize.emission_cache import acoustic_digest
from asr.recognize.onnx_engine import OnnxEngine
from asr.recognize.recognizer import load
from tests.helpers.bundles import random_model
from tests.helpers.engines import exported_model
from tests.helpers.tones import chirp

STREAM = {"bidirectional": False, "lookahead": 2}
SOUND = chirp(100, 5_000, 2)


@pytest.mark.parametrize("changes", [{}, STREAM, STREAM | {"cell": "gru", "norm": "batch"}])
@pytest.mark.parametrize("int8", [False, True])
def test_graphs_are_valid_onnx(changes, int8):
    bundle = random_model(**changes)
    int8 = int8 and bundle.model.cell == "lstm"
    makers = [offline_graph] if bundle.model.bidirectional else [offline_graph, step_graph]
    for make in makers:
        content = make(bundle, int8)
        assert content == make(bundle, int8)
        onnx.checker.check_model(onnx.load_from_string(content))


def test_graphs_of_a_bundle_are_kept(tmp_path: Path) -> None:
    bundle = exported_model(**STREAM)
    save_bundle(bundle, tmp_path / "a")
    names = {"offline.onnx", "step.onnx", "offline.int8.onnx", "step.int8.onnx"}
    assert {path.name for path in (tmp_path / "a").glob("*.onnx")} == names
    assert json.loads((tmp_path / "a" / "model.json").read_text())["engines"]["files"] == sorted(names)
    changed = replace(load_bundle(tmp_path / "a"), calibrations={"best path": Calibration(0.5, 1.0)})
    save_bundle(changed, tmp_path / "a")
    save_bundle(load_bundle(tmp_path / "a"), tmp_path / "b")
    for path in (tmp_path / "a").iterdir():
        assert (tmp_path / "b" / path.name).read_bytes() == path.read_bytes()
    assert load_bundle(tmp_path / "b").graphs.engines == ("onnx", "onnx-int8")


def test_a_new_model_takes_old_graphs_away(tmp_path: Path) -> None:
    save_bundle(exported_model(), tmp_path)
    save_bundle(random_model(seed=1), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "README.md",
        "model.json",
        "model.safetensors",
        "tokens.txt",
    ]
    assert load_bundle(tmp_path).graphs.engines == ()


def test_without_weights_nothing_is_lost_but_torch(tmp_path: Path) -> None:
    bundle = exported_model(**STREAM)
    save_bundle(bundle, tmp_path / "whole")
    save_bundle(replace(bundle, weights={}), tmp_path / "small")
    assert not (tmp_path / "small" / "model.safetensors").exists()
    whole, small = load_bundle(tmp_path / "whole"), load_bundle(tmp_path / "small")
    assert np.array_equal(small.statistics.mean, whole.statistics.mean)
    assert np.array_equal(small.statistics.deviation, whole.statistics.deviation)
    assert acoustic_digest(small) == acoustic_digest(whole) == acoustic_digest(random_model(**STREAM))
    expected = load(tmp_path / "whole", engine="torch").transcribe_samples(SOUND)
    assert expected.text
    found = load(tmp_path / "small").transcribe_samples(SOUND)
    assert [(word.text, word.start, word.end) for word in found.words] == [
        (word.text, word.start, word.end) for word in expected.words
    ]
    with pytest.raises(BundleError, match=r"small: has graphs, but no weights for torch; choose .* onnx"):
        load(tmp_path / "small", engine="torch")
    with pytest.raises(BundleError, match="no weights to make others of"):
        export(small)


def test_onnx_does_not_read_the_weights_of_torch(tmp_path: Path) -> None:
    save_bundle(exported_model(), tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"damaged")
    assert load(tmp_path, engine="onnx").transcribe_samples(SOUND).text
    with pytest.raises(BundleError, match="damaged"):
        load(tmp_path, engine="torch")


def test_auto_takes_the_first_graphs_that_there_are(tmp_path: Path) -> None:
    bundle = exported_model()
    save_bundle(bundle, tmp_path / "both")
    int8 = {name: graph for name, graph in bundle.graphs.files.items() if "int8" in name}
    save_bundle(replace(bundle, graphs=replace(bundle.graphs, files=int8)), tmp_path / "int8")
    save_bundle(random_model(), tmp_path / "none")
    kinds = {name: type(load(tmp_path / name).engine).__name__ for name in ("both", "int8", "none")}
    assert kinds == {"both": "OnnxEngine", "int8": "OnnxEngine", "none": "TorchEngine"}
    assert load(tmp_path / "both").engine.variant != load(tmp_path / "int8").engine.variant
    with pytest.raises(BundleError, match="none: has no graphs for onnx; make them with asr export"):
        load(tmp_path / "none", engine="onnx")
    with pytest.raises(RunError, match="no engine 'tensorflow'; choose one of auto, torch, onnx, onnx-int8"):
        load(tmp_path / "none", engine="tensorflow")
    with pytest.raises(RunError, match="device cuda: the engine onnx computes on the CPU"):
        load(tmp_path / "both", engine="onnx", device="cuda")


@pytest.mark.parametrize(
    "changes", [STREAM, STREAM | {"cell": "gru", "norm": "batch"}, {"bidirectional": False}]
)
def test_without_a_graph_for_them_whole_utterances_are_streams_in_one_piece(changes) -> None:
    bundle = exported_model(**changes)
    steps = {name: graph for name, graph in bundle.graphs.files.items() if name == "step.onnx"}
    small = replace(bundle, weights={}, graphs=replace(bundle.graphs, files=steps))
    features = np.random.default_rng(0).standard_normal((4, 90, bundle.features.mels)).astype(np.float32)
    lengths = np.array([90, 31, 0, 1])
    expected = OnnxEngine(bundle).run(features, lengths)
    found = OnnxEngine(small).run(features, lengths)
    assert small.graphs.engines == ("onnx",)
    assert np.array_equal(found.lengths, expected.lengths)
    for row, length in enumerate(expected.lengths):
        assert np.allclose(found.log_probs[row, :length], expected.log_probs[row, :length], atol=1e-5)


def flip_a_byte(folder: Path) -> None:
    content = bytearray((folder / "offline.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "offline.onnx").write_bytes(content)


def change_model(**changes: object) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        description = json.loads((folder / "model.json").read_text())
        description["model"] |= changes
        (folder / "model.json").write_text(json.dumps(description))

    return change


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (flip_a_byte, "offline.onnx: damaged (its hash differs); copy"),
        (lambda folder: (folder / "offline.onnx").unlink(), "offline.onnx: cannot be read"),
        (lambda folder: (folder / "statistics.safetensors").unlink(), "the model folder is damaged"),
        (change_model(subsampling=4), "graphs and model.json disagree; make the graphs again"),
    ],
)
def test_damage_is_told_in_one_line(tmp_path: Path, damage: Callable[[Path], object], message: str) -> None:
    save_bundle(exported_model(), tmp_path)
    damage(tmp_path)
    with pytest.raises(BundleError) as caught:
        load(tmp_path).transcribe_samples(SOUND)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("changes", [{"hidden": 9}, {"layers": 2}, {"cell": "gru"}, {"norm": "none"}])
def test_weights_that_do_not_fit_make_no_graphs(changes):
    bundle = random_model()
    other = replace(bundle, model=replace(bundle.model, **changes))
    with pytest.raises(BundleError, match=r"weights and model.json disagree \(.+\); copy"):
        export(other)


def test_only_lstm_layers_have_eight_bits():
    assert exported_model(cell="gru").graphs.engines == ("onnx",)
    assert export(random_model(), int8=False).graphs.engines == ("onnx",)


def test_quantised_weights_are_off_by_half_a_step_at_most():
    matrix = np.random.default_rng(0).standard_normal((2, 5, 7)).astype(np.float32)
    matrix[0, 0] = 0
    found = quantize(matrix)
    assert (found.values.shape, found.values.dtype, np.abs(found.values).max()) == ((2, 7, 5), np.int8, 63)
    back = np.swapaxes(found.values * found.scales[:, None], 1, 2)
    assert np.all(np.abs(back - matrix) <= 0.51 * found.scales[..., None])
    assert not found.zeros.any()
