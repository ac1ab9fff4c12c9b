"""Seams between pieces that overlap: no word is lost, and none is written twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from asr.decode.ctc import greedy
from asr.recognize.seams import find_seam
from asr.text.tokenizer import CharacterTokenizer, Tokenizer, WordTokenizer

LETTERS = CharacterTokenizer(("<blk>", "▁", "a", "b", "c", "d"))
WORDS = WordTokenizer(("<blk>", "one", "two", "three"))
DEAF = 12
"""Frames at the edge of a piece at which anything may be heard."""
ALIKE = 58
"""Frames in the middle of what is shared that both hear alike: a word, pauses and words around it."""


def emission(path: np.ndarray, vocabulary: int) -> np.ndarray:
    """Log-probabilities whose best path this is."""
    return np.log(0.9 * np.eye(vocabulary, dtype=np.float32)[path] + 0.1 / vocabulary)


def text(tokenizer: Tokenizer, log_probs: np.ndarray) -> list[str]:
    return tokenizer.decode(greedy(log_probs).tokens).split()


@st.composite
def spoken(draw: st.DrawFn, tokenizer: Tokenizer) -> tuple[np.ndarray, list[str]]:
    """The best path of a recording, and its words."""
    path, words = [0] * draw(st.integers(0, 5)), []
    separator = tokenizer.units.separator
    tokens = range(separator + 1 if separator > 0 else 1, len(tokenizer.vocabulary))
    for _ in range(draw(st.integers(14, 24))):
        spelled = draw(st.lists(st.sampled_from(tokens), min_size=1, max_size=3 if separator > 0 else 1))
        for token in spelled:
            path += [token] * draw(st.integers(1, 2)) + [0] * draw(st.integers(1, 2))
        while path[-1] == 0:
            path.pop()
        words.append(tokenizer.decode(spelled))
        path += [0] * draw(st.integers(2, 4)) + [separator] * (separator > 0) + [0] * draw(st.integers(0, 2))
    return np.array(path), words


@st.composite
def overlapping(draw: st.DrawFn, tokenizer: Tokenizer) -> tuple[np.ndarray, np.ndarray, int, list[str]]:
    """Two pieces of one recording that share frames, each heard a little differently, and all its words."""
    path, words = draw(spoken(tokenizer))
    shared = draw(st.integers(min(2 * DEAF + ALIKE, len(path)), len(path)))
    begin = draw(st.integers(0, len(path) - shared))
    random = np.random.default_rng(draw(st.integers(0, 1 << 20)))
    left, right = path[: begin + shared].copy(), path[begin:].copy()
    if begin + shared < len(path):
        left[max(0, len(left) - DEAF) :] = random.integers(0, len(tokenizer.vocabulary), min(DEAF, len(left)))
    if begin:
        right[:DEAF] = random.integers(0, len(tokenizer.vocabulary), DEAF)
    return left, right, shared, words


def joined(tokenizer: Tokenizer, left: np.ndarray, right: np.ndarray, shared: int) -> list[str]:
    size = len(tokenizer.vocabulary)
    sides = emission(left, size), emission(right, size)
    seam = find_seam(*sides, shared, tokenizer)
    assert 0 <= seam <= shared
    return text(tokenizer, sides[0][: len(left) - shared + seam]) + text(tokenizer, sides[1][seam:])


@pytest.mark.parametrize("tokenizer", [LETTERS, WORDS])
@settings(max_examples=80)
@given(data=st.data())
def test_whatever_is_heard_at_the_edges_no_word_is_lost_or_doubled(tokenizer, data):
    left, right, shared, words = data.draw(overlapping(tokenizer))
    assert joined(tokenizer, left, right, shared) == words


AGAIN_AND_AGAIN = np.array([2, 0, 0, 1] * 13 + [3, 0, 0, 1]), ["a"] * 13 + ["b"]


@settings(max_examples=60)
@given(spoken(LETTERS), st.integers(-1, 1))
@example(AGAIN_AND_AGAIN, 1)
@example(AGAIN_AND_AGAIN, -1)
def test_pieces_may_hear_words_some_frames_apart(known, by):
    path, words = known
    path = np.concatenate([[0, 0], path, [0, 0]])
    assert joined(LETTERS, path, np.roll(path, by), len(path)) == words


def test_of_two_places_the_one_where_both_hear_the_same_words_is_taken():
    left = np.array([0, 2, 2, 0, 1, 0, 3, 3, 0, 1, 0, 0, 0, 0, 0, 1, 0, 4, 0, 1, 0, 5, 0])
    right = np.array([0, 2, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3, 3, 0, 1, 0, 4, 0, 1, 0, 5, 0])
    assert joined(LETTERS, left, right, len(left)) == ["a", "b", "c", "d"]


def test_where_no_place_is_free_a_silent_frame_is_taken_and_else_the_middle():
    size = len(LETTERS.vocabulary)
    word = emission(np.array([2, 3, 0, 2, 3, 4, 2, 3, 4]), size)
    assert find_seam(np.vstack([word[:1], word]), np.vstack([word, word[:1]]), 9, LETTERS) in (2, 9)
    endless = emission(np.array([2, 3] * 10), size)
    assert find_seam(endless, endless, 18, LETTERS) in (0, 9, 18)


@pytest.mark.parametrize("shared", [0, 1])
def test_little_may_be_shared(shared):
    size = len(LETTERS.vocabulary)
    assert (
        find_seam(emission(np.zeros(5, int), size), emission(np.zeros(5, int), size), shared, LETTERS)
        <= shared
    )
