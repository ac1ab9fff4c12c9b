"""The word graph: every way to spell a word leads to its end, and nothing else does."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.decode.graph.pronunciation import graph_of_lexicon
from asr.decode.graph.spelling import graph_of_words
from asr.decode.graph.word_graph import WordGraph, look_ahead
from asr.text.lexicon import lexicon_from
from asr.text.units import Units
from tests.helpers.spelling import arcs, paths, segmentations, spelled

LETTERS = Units(("", "▁", "a", "b", "c"), separator=1)
WORDS = st.lists(st.text("abc", max_size=5), max_size=8)
PIECES = st.lists(
    st.sampled_from(["", "▁"]).flatmap(lambda mark: st.text("ab", max_size=3).map(mark.__add__))
)
PRONUNCIATIONS = st.dictionaries(
    st.tuples(
        st.sampled_from(["x", "y", "z"]), st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)
    ),
    st.sampled_from([0.0, -0.5, -2.0]),
    max_size=8,
)


def check(graph: WordGraph, units: Units, expected: dict[tuple[int, ...], list[str]]) -> None:
    """The graph spells what is expected, and holds nothing that leads nowhere."""
    assert spelled(graph) == expected
    begun = {path[:length] for path in expected for length in range(len(path) + 1)} | {()}
    assert set(paths(graph)) == begun
    assert graph.parents[0] == -1
    assert (np.diff(graph.parents) >= 0).all()
    assert (graph.parents[1:] < np.arange(1, len(graph.parents))).all()
    assert graph.first_word[-1] == len(graph.word_ids) == len(graph.word_log_probs)
    assert (graph.arc_keys == -1).any()
    assert set(graph.word_ids.tolist()) == set(range(len(graph.words)))


@settings(max_examples=60)
@given(WORDS, PIECES)
def test_every_segmentation_of_subwords_ends_the_word_and_nothing_else_does(
    words: list[str], pieces: list[str]
) -> None:
    units = Units(("", *dict.fromkeys(pieces)), mark="▁")
    expected: dict[tuple[int, ...], list[str]] = {}
    for word in filter(None, set(words)):
        for tokens in segmentations("▁" + word, units.texts):
            expected.setdefault(tokens, []).append(word)
    graph = graph_of_words(words, units)
    check(graph, units, expected)
    known = {word for ended in expected.values() for word in ended}
    assert graph.words == tuple(word for word in dict.fromkeys(words) if word in known)
    assert graph.left_out == len(set(words)) - len(known)
    for path, node in paths(graph).items():
        text = "".join(units.texts[token] for token in path)
        assert (node == graph.bare) == (text == "▁")


@settings(max_examples=40)
@given(WORDS)
def test_words_of_letters_do_without_the_separator(words: list[str]) -> None:
    graph = graph_of_words([*words, "b▁a"], LETTERS)
    expected = {tuple(map(LETTERS.texts.index, word)): [word] for word in words if word}
    check(graph, LETTERS, expected)
    assert graph.left_out == len({*words, "b▁a"}) - len(expected)
    assert graph.bare == -1


def test_reading_goes_where_arcs_lead_and_nowhere_else() -> None:
    graph = graph_of_words(["ab", "abc", "b", "cab"], LETTERS)
    steps = {(node, token): to for node, ways in arcs(graph).items() for token, to in ways}
    for node in range(len(graph.parents)):
        for token in range(len(LETTERS) + 1):
            assert graph.read(node, token) == steps.get((node, token), -1)


def test_texts_that_meet_are_one_node() -> None:
    units = Units(("", "▁", "▁a", "a", "b", "ab", "▁ab", "c"), mark="▁")
    graph = graph_of_words(["abc", "ab"], units)
    ways = list(segmentations("▁ab", units.texts))
    found = paths(graph)
    assert len(ways) == 4
    assert len({found[way] for way in ways}) == 1
    assert graph.ends(found[ways[0]]) == (1,)
    assert graph.bare == found[1,]


def test_scripts_without_spaces_are_spelled_and_whole_words_are_not() -> None:
    script = Units(("", "日", "本"))
    assert spelled(graph_of_words(["日本", "日"], script)) == {(1,): ["日"], (1, 2): ["日本"]}
    words = Units(("", "to", "day", "today"))
    graph = graph_of_words(["today", "to", "dayto"], words)
    assert spelled(graph) == {(1,): ["to"], (3,): ["today"]}
    assert (graph.words, graph.left_out) == (("today", "to"), 1)


def test_names_of_language_models_for_what_is_no_word_are_passed_over() -> None:
    units = Units(("", "▁a", "▁<unk>", "▁<s>", "▁</s>"), mark="▁")
    graph = graph_of_words(["<s>", "</s>", "<unk>", "<UNK>", "a", "a"], units)
    assert (graph.words, graph.left_out) == (("a",), 0)


def test_decomposed_letters_are_composed_before_they_are_spelled() -> None:
    units = Units(("", "▁", "c", "é"), separator=1)
    graph = graph_of_words(["ce\u0301", "c\xe9"], units)
    assert spelled(graph) == {(2, 3): ["ce\u0301", "c\xe9"]}


@settings(max_examples=50)
@given(PRONUNCIATIONS)
def test_a_lexicon_with_variants_and_homophones(entries: dict[tuple[str, tuple[int, ...]], float]) -> None:
    units = Units(("", "p", "q", "rr", "s"))
    lexicon = lexicon_from([(word, tokens, log_prob) for (word, tokens), log_prob in entries.items()])
    graph = graph_of_lexicon(lexicon, units)
    expected: dict[tuple[int, ...], list[str]] = {}
    for word, tokens in sorted(entries):
        expected.setdefault(tokens, []).append(word)
    check(graph, units, expected)
    found = paths(graph)
    for (word, tokens), log_prob in entries.items():
        first, last = graph.first_word[found[tokens] : found[tokens] + 2]
        ids = graph.word_ids[first:last].tolist()
        assert graph.word_log_probs[first + ids.index(graph.words.index(word))] == log_prob


def test_the_bare_mark_of_a_lexicon() -> None:
    units = Units(("", "a", "▁", "▁a"), mark="▁")
    graph = graph_of_lexicon(lexicon_from([("a", (2, 1), 0.0), ("aa", (3, 1), 0.0)]), units)
    assert graph.bare == graph.read(0, 2) > 0
    assert graph_of_lexicon(lexicon_from([("aa", (3, 1), 0.0)]), units).bare == -1


def best_below(graph: WordGraph, scores: np.ndarray) -> dict[int, float]:
    """By definition: all that can be read from a node on."""
    found = paths(graph)
    best: dict[int, float] = {}
    for path, node in found.items():
        for entry in range(graph.first_word[node], graph.first_word[node + 1]):
            score = scores[graph.word_ids[entry]] + graph.word_log_probs[entry]
            for length in range(len(path) + 1):
                at = found[path[:length]]
                best[at] = max(best.get(at, -np.inf), score)
    return best | {0: 0.0} | ({graph.bare: 0.0} if graph.bare >= 0 else {})


@settings(max_examples=30)
@given(WORDS, st.integers(0, 2**32 - 1))
def test_look_ahead_is_the_best_word_that_can_still_end(words: list[str], seed: int) -> None:
    random = np.random.default_rng(seed)
    subwords = Units(("", "a", "b", "c", "▁", "▁a", "ab", "▁bc"), mark="▁")
    entries = [
        (word, tuple("abc".index(letter) + 1 for letter in word), -float(random.random()))
        for word in words + [word[::-1] for word in words]
        if word
    ]
    lexicon = lexicon_from(list({entry[:2]: entry for entry in entries}.values()))
    graphs = [
        graph_of_words(words, subwords),
        graph_of_words(words, LETTERS),
        graph_of_lexicon(lexicon, LETTERS),
    ]
    for graph in graphs:
        scores = random.normal(size=len(graph.words))
        found = look_ahead(graph, scores)
        assert found.shape == graph.parents.shape
        for node, best in best_below(graph, scores).items():
            assert found[node] == pytest.approx(best, abs=1e-6)


def test_many_words_take_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(0)
    words = {"".join(row) for row in random.choice(list("abcdefghij"), (40_000, 8))}
    pairs = [a + b for a in "abcdefghij" for b in "abcdefghij"]
    units = Units(("", "▁", *"abcdefghij", *pairs, *("▁" + pair for pair in pairs)), mark="▁")
    start = time.perf_counter()
    graph = graph_of_words(words, units)
    seconds = time.perf_counter() - start
    with capsys.disabled():
        print(f"\n{len(words)} words in {len(graph.parents)} nodes: {seconds:.2f} s")  # noqa: T201
    assert len(graph.words) == len(words)
    assert seconds < 10
