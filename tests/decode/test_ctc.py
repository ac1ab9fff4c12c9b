"""Greedy decoding equals the sentence that defines it: best token at every frame, repeats merged."""

from __future__ import annotations

from itertools import groupby, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from asr.decode.ctc import BLANK, Hypothesis, blank_ratio, greedy
from asr.model.lengths import required_frames

SCORES = st.floats(-20, 20, width=32) | st.sampled_from([0.0, 1.0])  # the latter make ties
EMISSIONS = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=SCORES)
NOTHING = Hypothesis((), (), (), (), 0.0)


def log_softmax(scores: np.ndarray) -> np.ndarray:
    shifted = scores.astype(np.float64) - scores.max(1, keepdims=True)
    return (shifted - np.log(np.exp(shifted).sum(1, keepdims=True))).astype(np.float32)


def naive(log_probs: np.ndarray) -> Hypothesis:
    path = [max(range(len(row)), key=lambda token, row=row: row[token]) for row in log_probs]
    runs = [(token, list(run)) for token, run in groupby(range(len(path)), key=path.__getitem__)]
    spoken = [(token, frames) for token, frames in runs if token != BLANK]
    return Hypothesis(
        tokens=tuple(token for token, _ in spoken),
        first_frames=tuple(frames[0] for _, frames in spoken),
        last_frames=tuple(frames[-1] for _, frames in spoken),
        log_probs=tuple(float(max(log_probs[f, token] for f in frames)) for token, frames in spoken),
        total=float(sum(float(row[token]) for row, token in zip(log_probs, path, strict=True))),
    )


@given(EMISSIONS.map(log_softmax))
def test_equals_the_obvious_way(log_probs: np.ndarray) -> None:
    ours, expected = greedy(log_probs), naive(log_probs)
    assert ours.tokens == expected.tokens
    assert ours.first_frames == expected.first_frames
    assert ours.last_frames == expected.last_frames
    assert ours.log_probs == expected.log_probs
    assert ours.total == pytest.approx(expected.total, abs=1e-9)


def one_hot(path: list[int]) -> np.ndarray:
    return np.log(np.eye(3, dtype=np.float32)[path] * np.float32(0.8) + np.float32(0.1))


def test_repeats_merge_unless_a_blank_divides_them() -> None:
    hypothesis = greedy(one_hot([0, 1, 1, 0, 1, 2, 2, 0]))
    assert hypothesis.tokens == (1, 1, 2)
    assert hypothesis.first_frames == (1, 4, 5)
    assert hypothesis.last_frames == (2, 4, 6)


def test_no_frames_and_blank_frames_say_nothing() -> None:
    assert greedy(np.empty((0, 3), np.float32)) == NOTHING
    silent = greedy(one_hot([0, 0, 0, 0]))
    assert silent.tokens == silent.log_probs == ()
    assert silent.total == pytest.approx(4 * np.log(0.9), abs=1e-6)


def test_results_are_plain_numbers() -> None:
    hypothesis = greedy(one_hot([1]))
    assert type(hypothesis.tokens[0]) is type(hypothesis.last_frames[0]) is int
    assert type(hypothesis.log_probs[0]) is type(hypothesis.total) is float


def test_blank_ratio_is_a_share_of_the_frames() -> None:
    assert blank_ratio(one_hot([0, 0, 1, 0])) == 0.75
    assert blank_ratio(one_hot([2])) == 0.0
    assert blank_ratio(np.empty((0, 3), np.float32)) == 1.0


@given(st.lists(st.integers(1, 2), max_size=3))
def test_required_frames_is_the_shortest_path_that_collapses_to_the_tokens(tokens: list[int]) -> None:
    shortest = next(
        length
        for length in range(6)
        for path in product(range(3), repeat=length)
        if [token for token, _ in groupby(path) if token != BLANK] == tokens
    )
    assert required_frames(np.array(tokens, np.int64)) == shortest
