"""Bundles: what is written is read back to the bit, and whatever is wrong with one is said in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from asr.bundle import Bundle, load_bundle, save_bundle
from asr.config import FeatureConfig, ModelConfig
from asr.decode.calibration import Calibration
from asr.description import FORMAT_VERSION, KIND
from asr.errors import BundleError
from asr.recognize.recognizer import load
from tests.helpers.bundles import random_bundle
from tests.helpers.tones import chirp


def same(left: Bundle, right: Bundle) -> bool:
    plain = ("name", "features", "tokenizer_config", "vocabulary", "model", "card", "facts", "calibrations")
    assert all(getattr(left, name) == getattr(right, name) for name in plain)
    assert left.weights.keys() == right.weights.keys()
    pairs = [(left.weights[name], right.weights[name]) for name in left.weights]
    pairs += [(left.statistics.mean, right.statistics.mean)]
    pairs += [(left.statistics.deviation, right.statistics.deviation)]
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"cell": "gru", "norm": "batch", "subsampling": 4, "bidirectional": False, "lookahead": 2},
        {"kind": "words", "texts": ("ja nein", "größer 日本"), "normalizer": "upper", "mels": 40},
    ],
)
def test_round_trip_is_bit_equal(tmp_path: Path, changes: dict[str, Any]) -> None:
    bundle = random_bundle(tmp_path / "model", **changes)
    loaded = load_bundle(tmp_path / "model")
    assert same(loaded, bundle)
    save_bundle(loaded, tmp_path / "copy")
    for file in (tmp_path / "model").iterdir():
        assert (tmp_path / "copy" / file.name).read_bytes() == file.read_bytes()


def test_calibrations_are_kept_and_left_out_where_there_are_none(tmp_path: Path) -> None:
    bundle = random_bundle(tmp_path / "plain")
    assert load_bundle(tmp_path / "plain").calibrations == {}
    assert "calibrations" not in json.loads((tmp_path / "plain" / "model.json").read_text())
    fitted = {"best path": Calibration(-0.25, 0.9), "beam 20, 0123": Calibration(0.5, 1.0)}
    save_bundle(replace(bundle, calibrations=fitted), tmp_path / "calibrated")
    assert load_bundle(tmp_path / "calibrated").calibrations == fitted


def test_the_same_model_transcribes_the_same_after_a_round_trip(tmp_path: Path) -> None:
    random_bundle(tmp_path / "a")
    save_bundle(load_bundle(tmp_path / "a"), tmp_path / "b")
    samples = chirp(100, 5_000, 2)
    first = load(tmp_path / "a").transcribe_samples(samples)
    assert first.text
    assert load(tmp_path / "b").transcribe_samples(samples) == first


def test_layout_is_this(tmp_path: Path) -> None:
    bundle = random_bundle(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "README.md",
        "model.json",
        "model.safetensors",
        "tokens.txt",
    ]
    description = json.loads((tmp_path / "model.json").read_text())
    assert description["kind"] == KIND == "asr-ctc"
    assert description["format_version"] == FORMAT_VERSION == 1
    lines = (tmp_path / "tokens.txt").read_text().splitlines()
    assert lines[0] == "<blk> 0"
    assert len(lines) == len(bundle.vocabulary)
    arrays = load_file(tmp_path / "model.safetensors")
    assert {"features.mean", "features.deviation", "weights.head.weight"} <= arrays.keys()


def test_a_bundle_without_its_card_is_still_a_bundle(tmp_path: Path) -> None:
    random_bundle(tmp_path)
    (tmp_path / "README.md").unlink()
    assert load_bundle(tmp_path).card == ""


def change_json(**changes: Any) -> Callable[[Path], object]:
    """Writes some keys of model.json anew; ``group__key`` reaches inside a group, ... removes a key."""

    def change(folder: Path) -> None:
        path = folder / "model.json"
        description = json.loads(path.read_text())
        for name, value in changes.items():
            *groups, key = name.split("__")
            inner = description
            for group in groups:
                inner = inner[group]
            inner[key] = value
            if value is ...:
                del inner[key]
        path.write_text(json.dumps(description))

    return change


def calibrated(**values: float) -> Callable[[Path], object]:
    """Writes a calibration into model.json."""
    return change_json(calibrations={"best path": values})


def flip_a_byte(folder: Path) -> None:
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_off(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:9])


def into_a_file(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    folder.write_text("no folder")


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a flipped bit": (flip_a_byte, "model.safetensors: damaged (its hash differs); copy"),
    "cut off weights": (cut_off("model.safetensors"), "model.safetensors: damaged"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors"),
    "no tokens": (lambda folder: (folder / "tokens.txt").unlink(), "tokens.txt"),
    "cut off tokens": (cut_off("tokens.txt"), "damaged"),
    "binary tokens": (lambda folder: (folder / "tokens.txt").write_bytes(b"\xff\xfe\x00"), "damaged"),
    "foreign": (change_json(kind="nemo"), "a foreign model (kind 'nemo', not 'asr-ctc'); name a folder"),
    "no kind": (change_json(kind=...), "a foreign model (kind None"),
    "newer": (change_json(format_version=2), "format_version 2, but this version of asr reads 1; upgrade"),
    "no json": (lambda folder: (folder / "model.json").write_text("{"), "model.json: damaged"),
    "binary json": (lambda folder: (folder / "model.json").write_bytes(b"\xff\xfe"), "model.json: damaged"),
    "a list": (lambda folder: (folder / "model.json").write_text("[]"), "a foreign model"),
    "no model.json": (lambda folder: (folder / "model.json").unlink(), "it has no model.json; name a folder"),
    "a folder as model.json": (
        lambda folder: ((folder / "model.json").unlink(), (folder / "model.json").mkdir()),
        "model.json: cannot be read: Is a directory; check",
    ),
    "not a folder": (into_a_file, "not a model folder"),
    "unknown key": (change_json(model__hiden=3), "unknown key 'hiden'; did you mean 'hidden'?"),
    "wrong value": (change_json(model__layers="two"), "layers"),
    "no group": (change_json(features=...), "damaged: no 'features'"),
    "a group that is none": (change_json(model=7), "expected an object"),
    "no calibrations": (change_json(calibrations=None), "model.json, calibrations: expected an object"),
    "no calibration": (change_json(calibrations={"a": None}), "calibrations, a: expected an object"),
    "half a calibration": (calibrated(slope=1.0), "best path: missing key offset"),
    "a falling calibration": (calibrated(offset=0.0, slope=-1.0), "best path: slope"),
    "an endless calibration": (calibrated(offset=1e999, slope=1.0), "a finite number"),
    "a misspelt calibration": (calibrated(ofset=0.0), "did you mean 'offset'?"),
    "other mels": (change_json(features__mels=79), "features.mels and the weights disagree; copy"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_told_in_one_line(tmp_path: Path, kind: str) -> None:
    damage, message = DAMAGE[kind]
    folder = tmp_path / "model"
    random_bundle(folder)
    damage(folder)
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    text = str(caught.value)
    assert message in text
    assert text.startswith(str(folder))
    assert "\n" not in text


@pytest.mark.parametrize(
    "changes",
    [
        {"model__hidden": 16},
        {"model__layers": 2},
        {"model__cell": "gru"},
        {"model__hidden": 10**9},  # more than any memory
        {"model__norm": "batch"},
    ],
)
def test_weights_that_do_not_fit_are_told_in_one_line(tmp_path: Path, changes: dict[str, Any]) -> None:
    random_bundle(tmp_path)
    change_json(**changes)(tmp_path)
    with pytest.raises(BundleError, match=r"weights and model.json disagree \(.+\); copy") as caught:
        load(tmp_path)
    assert str(caught.value).startswith(str(tmp_path))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_token_too_few_does_not_fit_the_weights(tmp_path: Path) -> None:
    random_bundle(tmp_path)
    lines = (tmp_path / "tokens.txt").read_text().splitlines(keepends=True)
    (tmp_path / "tokens.txt").write_text("".join(lines[:-1]))
    with pytest.raises(BundleError, match="damaged"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["no/such/folder", "x" * 300])
def test_a_missing_folder_is_told(name: str) -> None:
    with pytest.raises(BundleError, match=f"{name}.*; check"):
        load_bundle(Path(name))


def test_nothing_is_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a model was unpickled")

    random_bundle(tmp_path)
    for name in ("pickle.load", "pickle.loads", "pickle.Unpickler", "torch.load"):
        monkeypatch.setattr(name, refuse)
    monkeypatch.setattr(np, "load", refuse)
    load(tmp_path)


def test_defaults_are_kept_when_a_key_is_missing(tmp_path: Path) -> None:
    bundle = random_bundle(tmp_path, lookahead=0)
    change_json(model__lookahead=..., features__floor=...)(tmp_path)
    loaded = load_bundle(tmp_path)
    assert (loaded.model, loaded.features) == (bundle.model, bundle.features)
    assert isinstance(loaded.model, ModelConfig)
    assert isinstance(loaded.features, FeatureConfig)
