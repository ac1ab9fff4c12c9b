"""What is made once and kept: never another result, and no trouble where it cannot be kept."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from asr.bundle import load_bundle
from asr.cache import MOST, cache_folder, kept
from asr.errors import RunError
from asr.files import write_atomically
from asr.lm.construction import automaton_from
from asr.lm.packed_storage import load_packed
from asr.models import OFFLINE, shipped
from asr.recognize.language import Language, fusion_for


class Kitchen:
    """Makes texts, and counts how often."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.made = 0

    def text(self, origin: str = "flour") -> str:
        return kept(origin, (self.module,), suffix=".txt", load=read, make=self.make, save=write)

    def make(self) -> str:
        self.made += 1
        return "bread"


def read(path: Path) -> str:
    try:
        text = path.read_text()
    except OSError as error:
        raise RunError(str(error)) from None
    if text != "bread":
        raise RunError(f"{path}: damaged")
    return text


def write(text: str, path: Path) -> None:
    write_atomically(path, text)


@pytest.fixture
def kitchen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kitchen:
    monkeypatch.setenv("ASR_CACHE_DIR", str(tmp_path / "cache"))
    code = tmp_path / "recipe.py"
    code.write_text("oven = 200\n")
    module = ModuleType("recipe")
    module.__file__ = str(code)
    return Kitchen(module)


def test_it_is_made_once(kitchen: Kitchen) -> None:
    assert [kitchen.text() for _ in range(3)] == ["bread"] * 3
    assert kitchen.made == 1


def test_another_origin_or_other_code_makes_it_anew(kitchen: Kitchen) -> None:
    kitchen.text()
    kitchen.text("rye")
    assert kitchen.made == 2
    Path(str(kitchen.module.__file__)).write_text("oven = 220\n")
    kitchen.text()
    assert kitchen.made == 3


def test_what_is_damaged_is_made_again(kitchen: Kitchen) -> None:
    kitchen.text()
    (file,) = cache_folder().iterdir()
    file.write_text("bre")
    assert (kitchen.text(), kitchen.made) == ("bread", 2)
    assert (kitchen.text(), kitchen.made) == ("bread", 2)


def test_a_folder_that_cannot_be_written_only_costs_time(kitchen: Kitchen) -> None:
    cache_folder().write_text("a file is in the way")
    assert [kitchen.text() for _ in range(2)] == ["bread"] * 2
    assert kitchen.made == 2


def test_what_was_not_used_for_longest_goes_first(kitchen: Kitchen) -> None:
    kitchen.text("0")
    (first,) = cache_folder().iterdir()
    for number in range(1, MOST + 3):
        os.utime(first)  # as using it does
        kitchen.text(str(number))
    assert len(list(cache_folder().iterdir())) == MOST
    assert first.exists()


def test_without_a_variable_it_is_the_folder_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASR_CACHE_DIR")
    assert cache_folder().name == "asr"
    assert cache_folder().is_relative_to(Path.home())


def test_the_shipped_model_decodes_alike_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASR_CACHE_DIR", str(tmp_path))
    folder = shipped(OFFLINE)
    fusions = [fusion_for(load_bundle(folder, weights=False), Language()) for _ in range(2)]
    assert sorted(file.suffix for file in tmp_path.iterdir()) == [".graph", ".lm"]
    fresh = automaton_from(load_packed(folder / "lm.ngrams"))
    for fusion in fusions:
        assert fusion is not None and fusion.word_model is not None and fusion.graph is not None
        assert fusion.word_model.words == fresh.words
        for name in ("arc_keys", "arc_next", "arc_log_probs", "backoff_log_probs", "backoff_states"):
            np.testing.assert_array_equal(getattr(fusion.word_model, name), getattr(fresh, name))
    one, other = (fusion.graph for fusion in fusions if fusion and fusion.graph)
    assert one.words == other.words
    for name in ("arc_keys", "arc_next", "first_word", "word_ids", "word_log_probs", "parents"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
