"""Bundles that carry a language model: what is written is read back; whatever is wrong is one line."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asr.bundle import load_bundle, save_bundle
from asr.carried import carried
from asr.decode.calibration import Calibration
from asr.decode.tuning import TunedModel, Tuning
from asr.errors import AsrError, BundleError
from asr.lm.construction import load_language_model
from asr.models import OFFLINE, shipped
from tests.helpers.bundles import random_bundle
from tests.helpers.language import small_lm

TUNING = Tuning(alpha=0.75, beta=-1.5, unknown_score=-3.0, unknown_letter=-0.5, closed=True, beam_size=33)
ARRAYS = ("arc_keys", "arc_next", "arc_log_probs", "backoff_log_probs", "backoff_states")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bundle = random_bundle(tmp_path / "plain")
    model = load_language_model(small_lm(tmp_path / "lm.arpa"))
    save_bundle(replace(bundle, language=TunedModel(model, TUNING)), tmp_path / "model")
    return tmp_path / "model"


def description(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "model.json").read_text())


def change(folder: Path, **decoding: Any) -> None:
    content = description(folder)
    content["decoding"] |= decoding
    (folder / "model.json").write_text(json.dumps(content))


def test_model_and_tuning_are_read_back(folder: Path, tmp_path: Path) -> None:
    loaded = load_bundle(folder).language
    expected = load_language_model(tmp_path / "lm.arpa")
    assert loaded is not None
    assert loaded.tuning == TUNING
    assert loaded.model.words == expected.words
    save_bundle(load_bundle(folder), tmp_path / "copy")
    again = load_bundle(tmp_path / "copy").language
    for model in (loaded.model, again.model):
        for name in ARRAYS:
            assert np.array_equal(getattr(model, name), getattr(expected, name))


def test_without_one_nothing_is_written_and_a_former_one_is_removed(folder: Path, tmp_path: Path) -> None:
    assert load_bundle(tmp_path / "plain").language is None
    assert "decoding" not in description(tmp_path / "plain")
    save_bundle(replace(load_bundle(folder), language=None), folder)
    names = {file.name for file in folder.iterdir()}
    assert names == {file.name for file in (tmp_path / "plain").iterdir()}
    assert (folder / "model.json").read_bytes() == (tmp_path / "plain" / "model.json").read_bytes()


def test_missing_numbers_take_their_defaults(folder: Path) -> None:
    content = description(folder)
    content["decoding"] = {"alpha": 2}
    (folder / "model.json").write_text(json.dumps(content))
    assert load_bundle(folder).language.tuning == Tuning(alpha=2.0)


@pytest.mark.parametrize(
    ("decoding", "message"),
    [
        ({"alhpa": 1}, "model.json, decoding: unknown key 'alhpa'; did you mean 'alpha'?"),
        ({"alpha": -1}, "model.json, decoding: alpha: expected"),
        ({"beta": "big"}, "model.json, decoding: beta: expected"),
        ({"beam_size": 0}, "model.json, decoding: beam_size: expected"),
        ({"unknown_score": float("inf")}, "decoding: unknown_score: expected a finite number, got inf"),
        ({"unknown_letter": 0.5}, "model.json, decoding: unknown_letter: expected"),
    ],
)
def test_numbers_that_cannot_be_are_one_line(folder: Path, decoding: dict[str, Any], message: str) -> None:
    change(folder, **decoding)
    with pytest.raises(BundleError) as error:
        load_bundle(folder)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_damaged_or_missing_model_is_one_line(folder: Path) -> None:
    path = folder / "lm.lm"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(AsrError, match=r"lm.lm: damaged \(its hash differs\); copy the model folder again"):
        load_bundle(folder)
    path.unlink()
    with pytest.raises(AsrError, match=r"the model folder is damaged: .*lm.lm"):
        load_bundle(folder)


@pytest.fixture
def shipped_twice(tmp_path: Path) -> Path:
    """Two copies of the model that comes with the package: the second leaves its language to the first."""
    bundle = load_bundle(shipped(OFFLINE))
    save_bundle(bundle, tmp_path / "first")
    save_bundle(bundle, tmp_path / "second", beside="first")
    return tmp_path / "second"


def test_a_language_may_lie_in_the_folder_beside(shipped_twice: Path, tmp_path: Path) -> None:
    assert {"lm.ngrams", "lexicon.txt", "lexicon.l2s"}.isdisjoint(
        path.name for path in shipped_twice.iterdir()
    )
    expected, found = load_bundle(shipped_twice.with_name("first")), load_bundle(shipped_twice)
    assert found.language is not None and expected.language is not None
    np.testing.assert_array_equal(found.language.model.arcs, expected.language.model.arcs)
    assert {name: file.read() for name, file in found.words.items()} == {
        name: file.read() for name, file in expected.words.items()
    }
    save_bundle(found, tmp_path / "whole")  # which belongs to no other folder
    assert "beside" not in description(tmp_path / "whole")
    assert (tmp_path / "whole" / "lm.ngrams").exists()


def test_what_lies_in_the_folder_beside_stays_there(shipped_twice: Path) -> None:
    calibrations = {"best path": Calibration(0.5, 1.0)}
    save_bundle(replace(load_bundle(shipped_twice), calibrations=calibrations), shipped_twice)
    assert description(shipped_twice)["beside"] == "first"
    assert not (shipped_twice / "lm.ngrams").exists()
    assert load_bundle(shipped_twice).calibrations == calibrations
    bundle = load_bundle(shipped(OFFLINE))
    shutil.rmtree(shipped_twice.with_name("first"))
    save_bundle(bundle, shipped_twice)
    assert (shipped_twice / "lm.ngrams").exists()


def test_another_language_is_not_shared(shipped_twice: Path) -> None:
    bundle = load_bundle(shipped_twice)
    other = replace(bundle, words=bundle.words | {"lexicon.txt": carried(b"a AH0\n")})
    save_bundle(other, shipped_twice, beside="first")
    assert (shipped_twice / "lexicon.txt").read_bytes() == b"a AH0\n"
    assert not (shipped_twice / "lm.ngrams").exists()


@pytest.mark.parametrize("beside", ["..", "../first", "/etc", 7])
def test_the_folder_beside_is_no_path(shipped_twice: Path, beside: object) -> None:
    content = description(shipped_twice)
    (shipped_twice / "model.json").write_text(json.dumps(content | {"beside": beside}))
    with pytest.raises(BundleError, match="names no folder next to it"):
        load_bundle(shipped_twice)


def test_a_folder_beside_that_is_gone_or_changed_is_one_line(shipped_twice: Path) -> None:
    first = shipped_twice.with_name("first")
    (first / "lm.ngrams").write_bytes(b"x")
    with pytest.raises(BundleError, match=r"first/lm.ngrams: damaged"):
        load_bundle(shipped_twice)
    shutil.rmtree(first)
    with pytest.raises(BundleError, match=r"first/lm.ngrams: cannot be read"):
        load_bundle(shipped_twice)
    with pytest.raises(BundleError, match="no such model folder"):
        save_bundle(load_bundle(shipped(OFFLINE)), shipped_twice, beside="first")
