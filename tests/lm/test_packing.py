"""A packed model says what the rounded one says, takes few bytes, and shows when it is damaged."""

from __future__ import annotations

import random
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError

from asr.lm.arpa import read_arpa
from asr.lm.kneser_ney import Estimation, estimate
from asr.lm.ngrams import NgramModel
from asr.lm.packing import STEPS_A_NAT, model_of, packed, rounded, unpack
from asr.lm.suffixes import in_order


def estimated(sentences: list[list[str]], order: int, folder: Path) -> NgramModel:
    estimate(iter(sentences), folder / "lm.arpa", Estimation(order))
    return in_order(read_arpa(folder / "lm.arpa"))


def assert_same(model: NgramModel, other: NgramModel) -> None:
    assert model.words == other.words
    for one, another in zip(model.levels, other.levels, strict=True):
        for name in ("contexts", "words", "log_probs", "backoffs"):
            assert np.array_equal(getattr(one, name), getattr(another, name)), name


@settings(max_examples=25)
@given(
    sentences=st.lists(st.lists(st.sampled_from("abcde"), min_size=1, max_size=8), min_size=1, max_size=30),
    order=st.integers(1, 4),
)
def test_any_model_survives(
    sentences: list[list[str]], order: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = rounded(estimated(sentences, order, tmp_path_factory.mktemp("packing")))
    arrays, facts = unpack(packed(model, b"facts"))
    assert facts == b"facts"
    assert_same(model_of(arrays, model.words), model)
    assert_same(rounded(model), model)


def test_rounding_moves_nothing_by_more_than_half_a_step(tmp_path: Path) -> None:
    model = estimated([list("abcab"), list("bca")], 3, tmp_path)
    for level, other in zip(model.levels, rounded(model).levels, strict=True):
        assert np.abs(np.maximum(level.log_probs, -100) - other.log_probs).max() <= 0.5 / STEPS_A_NAT
        assert np.abs(level.backoffs - other.backoffs).max() <= 0.5 / STEPS_A_NAT


def test_an_n_gram_takes_few_bytes(tmp_path: Path) -> None:
    chosen = random.Random(0)
    words = [f"w{int(1 / (chosen.random() + 1e-3))}" for _ in range(40_000)]
    model = estimated([words[n : n + 8] for n in range(0, len(words), 8)], 3, tmp_path)
    assert len(packed(model, b"")) < 6 * sum(map(len, model.levels))


def test_what_is_damaged_is_refused(tmp_path: Path) -> None:
    content = packed(estimated([list("abcab"), list("bca")], 3, tmp_path), b"")
    for place in range(2, len(content), 7):
        changed = bytearray(content)
        changed[place] ^= 1
        with pytest.raises((ValueError, zlib.error, SafetensorError, KeyError)):
            unpack(bytes(changed))
    with pytest.raises((ValueError, zlib.error)):
        unpack(content[:-3])
