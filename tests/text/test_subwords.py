"""Subwords: pieces are learnt from texts, spell words with as few as can be, and come back as the text."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.config import TokenizerConfig
from asr.errors import TextError
from asr.text.subwords import SubwordTokenizer, learn_subwords
from asr.text.tokenizer import BLANK, tokenizer_from_texts, tokenizer_from_vocabulary
from asr.text.units import SPACE, Units, WordSpan

TEXTS = ["the cat sat on the mat", "the other cats were sitting there", "seating the cat in the seat"] * 5
SMALL = SubwordTokenizer((BLANK, "a", "aab", "ab", "b", "▁", "▁a", "▁ab"))


def test_frequent_words_become_pieces() -> None:
    pieces = learn_subwords(TEXTS, 30)
    assert "▁the" in pieces
    assert {*"thecasonmrwig", SPACE} <= pieces
    tokenizer = tokenizer_from_texts(TokenizerConfig(kind="subwords", subwords=30), TEXTS)
    assert set(tokenizer.vocabulary[1:]) == pieces
    assert list(tokenizer.vocabulary[1:]) == sorted(pieces)
    assert len(tokenizer.encode("the")) == 1
    assert tokenizer.units == Units(("", *tokenizer.vocabulary[1:]), mark=SPACE)


def test_the_same_texts_give_the_same_pieces() -> None:
    assert learn_subwords(TEXTS, 35) == learn_subwords(TEXTS, 35)


@given(st.lists(st.text("ab", min_size=1, max_size=6), max_size=4).map(" ".join))
def test_texts_come_back_and_are_spelled_by_the_fewest_pieces(text: str) -> None:
    tokens = SMALL.encode(text)
    assert SMALL.decode(tokens) == text
    words = SMALL.words(tokens)
    assert [word.text for word in words] == text.split()
    assert [one.first for one in words] == [0, *(one.last for one in words)][: len(words)]
    for word in words:
        count = word.last - word.first
        shorter = (
            "".join(pieces) for few in range(1, count) for pieces in product(SMALL.vocabulary[1:], repeat=few)
        )
        assert SPACE + word.text not in set(shorter)


@given(st.lists(st.integers(1, len(SMALL.vocabulary) - 1), max_size=8))
def test_whatever_is_emitted_is_cut_into_the_words_that_it_reads(tokens: list[int]) -> None:
    joined = "".join(SMALL.vocabulary[token] for token in tokens)
    assert SMALL.decode(tokens) == " ".join(joined.replace(SPACE, " ").split())
    for word in SMALL.words(tokens):
        read = "".join(SMALL.vocabulary[token] for token in tokens[word.first : word.last])
        assert read.replace(SPACE, "") == word.text


def test_words_begin_at_marks() -> None:
    tokens = [4, 5, 6, 3, 5, 7]
    assert SMALL.words(tokens) == (WordSpan("b", 0, 1), WordSpan("aab", 2, 4), WordSpan("ab", 5, 6))


def test_what_cannot_be_written_is_named() -> None:
    assert SMALL.unknown("abc bda") == ["c", "d"]
    assert SMALL.unknown("a▁b") == [SPACE]
    with pytest.raises(TextError, match=r"'c' \(U\+0063\) in 'abc' is not in the vocabulary"):
        SMALL.encode("abc")
    with pytest.raises(TextError, match="stands for the space between words"):
        tokenizer_from_texts(TokenizerConfig(kind="subwords"), ["a▁b"])


def test_too_few_pieces_for_all_characters_are_refused() -> None:
    with pytest.raises(
        TextError, match=r"tokenizer.subwords \(4\) is too few for 14 characters; set it to 56"
    ):
        learn_subwords(TEXTS, 4)


def test_a_stored_vocabulary_is_all_that_is_needed() -> None:
    config = TokenizerConfig(kind="subwords", subwords=30)
    learnt = tokenizer_from_texts(config, TEXTS)
    stored = tokenizer_from_vocabulary(config, learnt.vocabulary)
    assert stored == learnt
    assert [stored.encode(text) for text in TEXTS] == [learnt.encode(text) for text in TEXTS]
