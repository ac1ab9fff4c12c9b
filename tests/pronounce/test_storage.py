"""Stored models guess the same, are small, and are whole or refused."""

from __future__ import annotations

import time
import zlib
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from asr.errors import LexiconError, RunError
from asr.pronounce.storage import load_letter_to_sound, save_letter_to_sound
from asr.pronounce.training import Trained, Training, train
from asr.text.lexicon_text import Entry
from tests.helpers.disk import full_beyond
from tests.pronounce.conftest import words

STATED = 0.1
"""Seconds in which a model is loaded."""


@pytest.fixture(scope="session")
def stored(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stored") / "model.l2s"
    save_letter_to_sound(trained.model, path)
    return path


def changed(path: Path, to: Path, **changes: object) -> Path:
    """A model with some arrays or facts replaced."""
    arrays = load(zlib.decompress(path.read_bytes()))
    facts = msgspec.json.decode(arrays["facts"].tobytes())
    for name, value in changes.items():
        if name in facts:
            facts[name] = value
        else:
            arrays[name] = value
    arrays["facts"] = np.frombuffer(msgspec.json.encode(facts), np.uint8)
    to.write_bytes(zlib.compress(save(arrays)))
    return to


def test_a_loaded_model_guesses_the_same(trained: Trained, stored: Path) -> None:
    start = time.process_time()
    model = load_letter_to_sound(stored)
    seconds = time.process_time() - start
    assert model.graphones == trained.model.graphones
    for ours, theirs in zip(model.ngrams.levels, trained.model.ngrams.levels, strict=True):
        for name in ("contexts", "words", "log_probs", "backoffs"):
            assert np.array_equal(getattr(ours, name), getattr(theirs, name)), name
    asked = [entry.word for entry in words(5, 100)]
    assert model.guess(asked, 3) == trained.model.guess(asked, 3)
    assert seconds < 5 * STATED
    assert stored.stat().st_size < 3 * sum(map(len, model.ngrams.levels)) + 2000


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.builds(Entry, st.text("abc", min_size=1), st.tuples(st.sampled_from("AB"))), min_size=1),
    st.integers(1, 5),
)
def test_any_model_survives(tmp_path: Path, lexicon: list[Entry], order: int) -> None:
    model = train(lexicon, Training(order=order)).model
    save_letter_to_sound(model, tmp_path / "any.l2s")
    again = load_letter_to_sound(tmp_path / "any.l2s")
    assert [level.words.tolist() for level in again.ngrams.levels] == [
        level.words.tolist() for level in model.ngrams.levels
    ]
    asked = [entry.word for entry in lexicon]
    assert again.attempt(asked) == model.attempt(asked)


def test_the_same_model_makes_the_same_file(trained: Trained, stored: Path, tmp_path: Path) -> None:
    save_letter_to_sound(trained.model, tmp_path / "again.l2s")
    assert (tmp_path / "again.l2s").read_bytes() == stored.read_bytes()


@pytest.mark.parametrize("kept", [0, 1, 100, -1])
def test_a_cut_file_is_refused(stored: Path, tmp_path: Path, kept: int) -> None:
    (tmp_path / "cut.l2s").write_bytes(stored.read_bytes()[:kept])
    with pytest.raises(LexiconError, match=r"cut\.l2s: damaged, or no letter-to-sound model"):
        load_letter_to_sound(tmp_path / "cut.l2s")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_changed_byte_is_refused(stored: Path, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(stored.read_bytes())
    place = data.draw(st.integers(2, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    (tmp_path / "odd.l2s").write_bytes(content)
    with pytest.raises(LexiconError, match="damaged"):
        load_letter_to_sound(tmp_path / "odd.l2s")


def test_foreign_files_are_refused(stored: Path, tmp_path: Path) -> None:
    (tmp_path / "text.l2s").write_text("read R EH D\n")
    for path in (tmp_path / "text.l2s", changed(stored, tmp_path / "a.l2s", kind="cake")):
        with pytest.raises(LexiconError, match="damaged, or no letter-to-sound model"):
            load_letter_to_sound(path)
    with pytest.raises(LexiconError, match=r"no such file; asr lexicon train makes one"):
        load_letter_to_sound(tmp_path / "none.l2s")
    with pytest.raises(LexiconError, match="cannot be read: Is a directory"):
        load_letter_to_sound(tmp_path)
    with pytest.raises(LexiconError, match="format_version 2, but this version of asr reads 1; upgrade it"):
        load_letter_to_sound(changed(stored, tmp_path / "new.l2s", format_version=2))


@pytest.mark.parametrize(
    "changes",
    [
        {"ranks": np.full((4, 5000), 100, np.uint8)},
        {"children": np.zeros((4, 3), np.uint8)},
        {"log_probs": np.zeros((2, 3), np.uint8)},
        {"ranks": np.zeros(2, np.float32)},
        {"sizes": np.zeros(0, np.int64)},
        {"sizes": np.array([1, -1])},
        {"graphones": [["abc", []]]},
        {"graphones": [["", ["A", "B", "C"]]]},
        {"graphones": []},
    ],
)
def test_numbers_that_lead_out_of_bounds_are_refused(
    stored: Path, tmp_path: Path, changes: dict[str, object]
) -> None:
    with pytest.raises(LexiconError, match="damaged"):
        load_letter_to_sound(changed(stored, tmp_path / "odd.l2s", **changes))


def test_a_full_disk_leaves_what_was_there(trained: Trained, tmp_path: Path) -> None:
    path = tmp_path / "model.l2s"
    path.write_text("old")
    with full_beyond(100), pytest.raises(RunError, match="cannot be written"):
        save_letter_to_sound(trained.model, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
