"""Spliced utterances say what their tokens say, in one voice."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.data.splice import FADE, SpokenWord, WordBank, cut_words
from tests.helpers.tones import Samples

RATE = 16_000
WORD = 1600


def level(utterance: int, word: int) -> float:
    return (utterance + 1) / 10 + (word + 1) / 100


def utterance(index: int, words: int) -> Samples:
    """Words of a tenth of a second, each at a level of its own."""
    return np.repeat([level(index, word) for word in range(words)], WORD).astype(np.float32)


def bank(counts: Sequence[int], speakers: Sequence[str]) -> WordBank:
    words = [
        [SpokenWord(index, f"{index}.{word}", word * WORD, (word + 1) * WORD) for word in range(count)]
        for index, count in enumerate(counts)
    ]
    ids = {spoken.text: number for number, spoken in enumerate(w for one in words for w in one)}
    return WordBank(words, speakers, lambda text: [ids[word] for word in text.split()])


@settings(deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.integers(0, 2**32))
def test_what_is_heard_is_what_the_tokens_say(counts: list[int], seed: int) -> None:
    speakers = [f"s{index % 2}" for index in range(len(counts))]
    places = [(index, word) for index, count in enumerate(counts) for word in range(count)]
    words = bank(counts, speakers)
    spliced = words.splice(0, lambda i: utterance(i, counts[i]), np.random.default_rng(seed))
    assert spliced is not None
    samples, tokens = spliced
    assert len(samples) == WORD * len(tokens)
    assert len(tokens)
    for number, token in enumerate(tokens):
        index, word = places[token]
        assert speakers[index] == "s0"
        part = samples[number * WORD : (number + 1) * WORD]
        np.testing.assert_allclose(part[FADE:-FADE], level(index, word), atol=1e-6)
        assert part.max() <= level(index, word) + 1e-6


def test_words_are_exchanged_left_out_and_kept_in_turn() -> None:
    words = bank([4, 3], ["a", "a"])
    random = np.random.default_rng(0)
    drawn = [words.splice(0, lambda i: utterance(i, [4, 3][i]), random) for _ in range(200)]
    texts = [tuple(one[1]) for one in drawn if one]
    assert len(set(texts)) > 100
    assert {len(text) for text in texts} >= {3, 4}
    kept = np.mean([text[0] == 0 for text in texts if len(text) == 4])
    assert 0.5 < kept < 0.8


def test_one_who_names_no_speaker_speaks_with_no_other_voice() -> None:
    words = bank([2, 2], ["", ""])
    for seed in range(20):
        spliced = words.splice(1, lambda i: utterance(i, 2), np.random.default_rng(seed))
        assert spliced is not None
        assert set(spliced[1]) <= {2, 3}


def test_an_utterance_without_known_words_stays_as_it_is() -> None:
    assert bank([0, 2], ["a", "a"]).splice(0, lambda i: utterance(i, 2), np.random.default_rng(0)) is None


def test_words_that_follow_each_other_are_not_cut() -> None:
    words = bank([3], ["a"])
    whole = utterance(0, 3)
    for seed in range(300):
        spliced = words.splice(0, lambda i: whole, np.random.default_rng(seed))
        assert spliced is not None
        if tuple(spliced[1]) == (0, 1, 2):
            np.testing.assert_allclose(spliced[0][FADE:-FADE], whole[FADE:-FADE])
            return
    pytest.fail("no draw kept all three words")


def test_cuts_are_where_it_is_quietest() -> None:
    samples = np.ones(RATE, np.float32)
    samples[6000:6800] = 0.0
    first, second = cut_words(7, samples, RATE, [("a", 0.30, 0.31), ("b", 0.55, 0.9)])
    assert (first.utterance, first.text, second.text) == (7, "a", "b")
    assert 6000 <= first.end <= 6800
    assert second.start == first.end
    assert first.start == round(0.05 * RATE)
    assert second.end == RATE
    assert cut_words(0, samples, RATE, []) == []


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8), st.integers(0, RATE), st.integers(0, 2**32))
def test_words_stand_one_behind_the_other_inside_the_utterance(
    times: list[float], length: int, seed: int
) -> None:
    times = sorted(times)
    words = [("w", start, end) for start, end in zip(times[:-1:2], times[1::2], strict=False)]
    samples = np.random.default_rng(seed).standard_normal(length).astype(np.float32)
    cut = cut_words(0, samples, RATE, words)
    assert len(cut) in (0, len(words))
    for word in cut:
        assert 0 <= word.start <= word.end - 2 * FADE
        assert word.end <= length
    assert all(before.end == after.start for before, after in pairwise(cut))
