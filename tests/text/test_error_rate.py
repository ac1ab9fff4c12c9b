"""Error counts agree with a plain edit distance, add up, and print as Kaldi prints them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.text.error_rate import (
    ErrorCounts,
    align_words,
    character_errors,
    format_wer,
    word_errors,
)
from tests.helpers.reference import edit_distance

WORDS = st.lists(st.sampled_from(["one", "two", "too", "drei", "日本", "हिन्दी"]), max_size=9)
TEXTS = WORDS.map(" ".join)


@given(WORDS, WORDS)
def test_word_errors_equal_a_plain_edit_distance(reference: list[str], hypothesis: list[str]) -> None:
    counts = word_errors(" ".join(reference), " ".join(hypothesis))
    assert counts.errors == edit_distance(reference, hypothesis)
    assert counts.reference == len(reference)
    assert counts.reference - counts.deletions + counts.insertions == len(hypothesis)
    assert counts.substitutions + counts.deletions <= counts.reference


@given(TEXTS, TEXTS)
def test_character_errors_equal_a_plain_edit_distance(reference: str, hypothesis: str) -> None:
    counts = character_errors(reference, hypothesis)
    assert counts.errors == edit_distance(reference, hypothesis)
    assert counts.reference == len(reference)
    assert counts.reference - counts.deletions + counts.insertions == len(hypothesis)


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5))
def test_corpus_counts_are_the_sum_of_its_utterances(pairs: list[tuple[str, str]]) -> None:
    total = sum((word_errors(*pair) for pair in pairs), ErrorCounts.zero())
    assert total.errors == sum(edit_distance(left.split(), right.split()) for left, right in pairs)
    assert total.reference == sum(len(left.split()) for left, _ in pairs)


@given(TEXTS, TEXTS)
def test_alignment_spells_both_texts_and_has_the_counted_errors(reference: str, hypothesis: str) -> None:
    columns = align_words(reference, hypothesis)
    assert [c.reference for c in columns if c.reference is not None] == reference.split()
    assert [c.hypothesis for c in columns if c.hypothesis is not None] == hypothesis.split()
    for column in columns:
        assert (column.op == "insert") == (column.reference is None)
        assert (column.op == "delete") == (column.hypothesis is None)
        assert (column.op == "equal") == (column.reference == column.hypothesis)
    counts = word_errors(reference, hypothesis)
    ops = [column.op for column in columns]
    assert ops.count("substitute") == counts.substitutions
    assert ops.count("delete") == counts.deletions
    assert ops.count("insert") == counts.insertions


def test_each_kind_of_error_is_told_apart() -> None:
    assert word_errors("a b c", "a x c") == ErrorCounts(1, 0, 0, 3)
    assert word_errors("a b c", "a c") == ErrorCounts(0, 1, 0, 3)
    assert word_errors("a b c", "a b b c") == ErrorCounts(0, 0, 1, 3)
    assert character_errors("ab c", "abc") == ErrorCounts(0, 1, 0, 4)


def test_empty_reference_counts_every_word_as_an_insertion() -> None:
    assert word_errors("", "a b") == ErrorCounts(0, 0, 2, 0)
    assert character_errors(" ", "a b") == ErrorCounts(0, 0, 3, 0)
    assert math.isnan(word_errors("", "a b").rate)


def test_empty_hypothesis_counts_every_word_as_a_deletion() -> None:
    assert word_errors("a b", "") == ErrorCounts(0, 2, 0, 2)
    assert word_errors("", "") == ErrorCounts.zero()


def test_layout_and_unicode_form_are_no_errors() -> None:
    assert word_errors("caf\u00e9  noir", " cafe\u0301\tnoir\n").errors == 0
    assert character_errors("caf\u00e9  noir", " cafe\u0301\tnoir\n") == ErrorCounts(0, 0, 0, 9)


def test_rate_may_exceed_one() -> None:
    assert word_errors("a", "b c").rate == 2.0


@pytest.mark.parametrize(
    ("counts", "name", "expected"),
    [
        (ErrorCounts(40, 3, 3, 773), "WER", "%WER 5.95 [ 46 / 773, 3 ins, 3 del, 40 sub ]"),
        (ErrorCounts(0, 0, 0, 10), "WER", "%WER 0.00 [ 0 / 10, 0 ins, 0 del, 0 sub ]"),
        (ErrorCounts(1, 0, 4, 2), "CER", "%CER 250.00 [ 5 / 2, 4 ins, 0 del, 1 sub ]"),
        (ErrorCounts.zero(), "WER", "%WER nan [ 0 / 0, 0 ins, 0 del, 0 sub ]"),
        (ErrorCounts(0, 0, 2, 0), "WER", "%WER nan [ 2 / 0, 2 ins, 0 del, 0 sub ]"),
    ],
)
def test_line_is_kaldis(counts: ErrorCounts, name: str, expected: str) -> None:
    assert format_wer(counts, name) == expected
