"""Grammars: phrases are spelled or pronounced in all ways, and one that cannot be is named."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.decode.graph.phrases import graph_of_phrases
from asr.errors import TextError
from asr.text.lexicon import Lexicon, lexicon_from
from asr.text.units import Units
from tests.helpers.spelling import paths, segmentations, spelled

LETTERS = Units(("", "▁", "a", "b"), separator=1)
SUBWORDS = Units(("", "▁", "a", "b", "▁a", "ab", "▁ba", "a▁b"), mark="▁")
PHRASES = st.lists(
    st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=3), min_size=1, max_size=4
)
PHONES = Units(("", "t", "uː", "uw"))
READINGS = {
    "to": [((1, 2), -0.5), ((1, 3), -1.0)],
    "two": [((1, 2), 0.0)],
    "t": [((1,), 0.0)],
    "u": [((2,), 0.0)],
}


def lexicon() -> Lexicon:
    return lexicon_from([(word, tokens, log) for word, ways in READINGS.items() for tokens, log in ways])


@settings(max_examples=40)
@given(PHRASES)
def test_phrases_are_spelled_with_what_bounds_their_words(words: list[list[str]]) -> None:
    phrases = list(map(" ".join, words))
    for units, before in ((LETTERS, ""), (SUBWORDS, "▁")):
        expected = {
            way: [phrase]
            for phrase in phrases
            for way in segmentations(before + phrase.replace(" ", "▁"), units.texts)
        }
        graph = graph_of_phrases(["", *phrases, *phrases], units)
        assert spelled(graph) == expected
        assert graph.words == tuple(dict.fromkeys(phrases))
        assert graph.bare == graph.read(0, 1) == (-1 if units is LETTERS else graph.bare)


def test_white_space_does_not_matter() -> None:
    assert graph_of_phrases([" a  b\t", "a b\n"], LETTERS).words == ("a b",)


def test_scripts_without_spaces() -> None:
    graph = graph_of_phrases(["日 本", "本"], Units(("", "日", "本")))
    assert spelled(graph) == {(1, 2): ["日 本"], (2,): ["本"]}


def test_tokens_that_are_words() -> None:
    graph = graph_of_phrases(["yes no", "yes"], Units(("", "no", "yes")))
    assert spelled(graph) == {(2, 1): ["yes no"], (2,): ["yes"]}


@settings(max_examples=40)
@given(st.lists(st.lists(st.sampled_from(sorted(READINGS)), min_size=1, max_size=3), min_size=1, max_size=4))
def test_phrases_are_pronounced_in_all_ways(words: list[list[str]]) -> None:
    graph = graph_of_phrases(map(" ".join, words), PHONES, lexicon())
    expected: dict[tuple[tuple[int, ...], str], float] = {}
    for phrase in {tuple(phrase) for phrase in words}:
        for ways in product(*(READINGS[word] for word in phrase)):
            place = sum((tokens for tokens, _ in ways), ()), " ".join(phrase)
            log_prob = sum(log_prob for _, log_prob in ways)
            expected[place] = math.log(math.exp(expected.get(place, -math.inf)) + math.exp(log_prob))
    found = {
        (path, graph.words[graph.word_ids[entry]]): float(graph.word_log_probs[entry])
        for path, node in paths(graph).items()
        for entry in range(graph.first_word[node], graph.first_word[node + 1])
    }
    assert found == pytest.approx(expected, abs=1e-6)


def test_pronunciations_that_write_the_same_tokens_count_together() -> None:
    both = lexicon_from([("x", (1,), 0.0), ("x", (1, 2), 0.0), ("y", (2, 3), -1.0), ("y", (3,), -1.0)])
    graph = graph_of_phrases(["x y"], PHONES, both)
    node = paths(graph)[1, 2, 3]
    assert graph.ends(node) == (0,)
    assert graph.word_log_probs[graph.first_word[node]] == pytest.approx(math.log(2) - 1)


def test_a_lexicon_of_letters_gets_the_separator() -> None:
    graph = graph_of_phrases(["x x"], LETTERS, lexicon_from([("x", (2, 3), 0.0)]))
    assert spelled(graph) == {(2, 3, 1, 2, 3): ["x x"]}


@pytest.mark.parametrize(
    ("phrases", "units", "message"),
    [
        (["a", "a c"], LETTERS, "the phrase 'a c' of the grammar cannot be written in the tokens"),
        (["a▁b"], LETTERS, "the phrase 'a▁b' of the grammar cannot be written"),
        (["a▁b"], SUBWORDS, "the phrase 'a▁b' of the grammar cannot be written"),
        (
            ["yes", "yes nein"],
            Units(("", "no", "yes")),
            "'nein' in the phrase 'yes nein' .* is neither in the lexicon",
        ),
        ([], LETTERS, "the grammar has no phrases; write one a line"),
        (["", " "], LETTERS, "the grammar has no phrases"),
    ],
)
def test_phrases_that_cannot_be_written_are_named(phrases, units, message) -> None:
    with pytest.raises(TextError, match=message):
        graph_of_phrases(phrases, units)


def test_too_many_pronunciations_are_refused_at_once() -> None:
    with pytest.raises(TextError, match="more than 300000 pronunciations, with those of 'to to"):
        graph_of_phrases(["two", " ".join(["to"] * 1000)], PHONES, lexicon())
