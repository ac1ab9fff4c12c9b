"""Word graphs on disk: whole or refused, and never for other tokens."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from asr.decode.graph.pronunciation import graph_of_lexicon, load_lexicon_graph
from asr.decode.graph.spelling import graph_of_words
from asr.decode.graph.storage import load_word_graph, save_word_graph
from asr.decode.graph.word_graph import WordGraph, look_ahead
from asr.errors import LexiconError, RunError
from asr.text.lexicon import lexicon_from, read_lexicon
from asr.text.units import Units
from tests.helpers.disk import full_beyond
from tests.helpers.spelling import spelled

UNITS = Units(("", "a", "b", "▁", "▁a", "ab"), mark="▁")


@pytest.fixture
def graph() -> WordGraph:
    return graph_of_words(["ab", "a", "bé", "b", "abba"], UNITS)


def same(one: WordGraph, other: WordGraph) -> bool:
    names = [field.name for field in dataclasses.fields(WordGraph)]
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def test_a_graph_survives_on_disk(tmp_path: Path, graph: WordGraph) -> None:
    empty = graph_of_words([], UNITS)
    variants = graph_of_lexicon(
        lexicon_from([("a", (4,), -0.5), ("a", (3, 1), -1.0), ("é", (4,), 0.0)]), UNITS
    )
    for one in (graph, empty, variants):
        save_word_graph(one, UNITS, tmp_path / "x.graph")
        assert same(load_word_graph(tmp_path / "x.graph", UNITS), one)
    assert (graph.left_out, graph.bare) == (1, 1)
    with full_beyond(100), pytest.raises(RunError, match="free some space"):
        save_word_graph(graph, UNITS, tmp_path / "y.graph")


def test_a_lexicon_is_read_as_text_or_as_it_was_stored(tmp_path: Path) -> None:
    text = tmp_path / "words.txt"
    text.write_text("ab ▁a b\nab 0.5 ▁ ab\n", encoding="utf-8")
    graph = load_lexicon_graph(text, UNITS)
    assert same(graph, graph_of_lexicon(read_lexicon(text, UNITS), UNITS))
    save_word_graph(graph, UNITS, tmp_path / "words.graph")
    assert same(load_lexicon_graph(tmp_path / "words.graph", UNITS), graph)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"arc_next": np.full(16, 99, np.int32)}, "arcs lead nowhere"),
        ({"arc_next": np.zeros(16, np.int32)}, "arcs lead nowhere"),
        ({"arc_keys": np.arange(16)}, "arcs without an end"),
        ({"arc_keys": np.full(16, -2)}, "arcs without an end"),
        ({"arc_keys": np.full(7, -1)}, "arrays of wrong length"),
        ({"arc_keys": np.zeros(0, np.int64), "arc_next": np.zeros(0, np.int32)}, "arrays of wrong length"),
        ({"word_log_probs": np.full(4, np.nan, np.float32)}, "ends of words that there are not"),
        ({"word_log_probs": np.zeros(4)}, "word_log_probs is of another type"),
        ({"word_ids": np.full(4, 4, np.int32)}, "ends of words that there are not"),
        ({"word_ids": np.full(4, -1, np.int32)}, "ends of words that there are not"),
        ({"first_word": np.zeros(8, np.int32)}, "ends of words in disorder"),
        ({"first_word": np.array([0, 5, 0, 0, 0, 0, 0, 4], np.int32)}, "ends of words in disorder"),
        ({"parents": np.array([-1, 0, 0, 2, 1, 4, 5], np.int32)}, "nodes out of order"),
        ({"parents": np.array([-1, 0, 2, 2, 3, 4, 5], np.int32)}, "nodes without a way"),
        ({"parents": np.array([-1, -1, 0, 2, 3, 4, 5], np.int32)}, "nodes without a way"),
        ({"bare": 7}, "a number is out of range"),
        ({"words": ()}, "ends of words that there are not"),
    ],
)
def test_arrays_that_would_lead_astray_are_refused(tmp_path, graph, change, message) -> None:
    path = tmp_path / "x.graph"
    save_word_graph(dataclasses.replace(graph, **change), UNITS, path)
    with pytest.raises(LexiconError, match=f"x.graph: damaged.*{message}.*make it again"):
        load_word_graph(path, UNITS)


def test_whoever_saves_the_same_writes_the_same_bytes(tmp_path: Path, graph: WordGraph) -> None:
    for name in range(5):
        save_word_graph(graph, UNITS, tmp_path / f"{name}.graph")
    assert len({path.read_bytes() for path in tmp_path.glob("*.graph")}) == 1


def test_damaged_and_foreign_files_are_one_line(tmp_path: Path, graph: WordGraph) -> None:
    path = tmp_path / "x.graph"
    save_word_graph(graph, UNITS, path)
    whole = path.read_bytes()
    for content, message in [
        (whole[:-10], "damaged"),
        (whole[10:], "damaged"),
        (b"", "damaged"),
        (save({"a": np.zeros(1)}), "a foreign file"),
        (save({"a": np.zeros(1)}, metadata={"facts": "[1]"}), "damaged"),
        (whole.replace(rb"format_version\":\"1", rb"format_version\":\"2"), "format_version 2, but"),
    ]:
        path.write_bytes(content)
        with pytest.raises(LexiconError, match=f"x.graph: {message}") as caught:
            load_word_graph(path, UNITS)
        assert "\n" not in str(caught.value)
    with pytest.raises(LexiconError, match=r"no\.graph: no such file"):
        load_word_graph(tmp_path / "no.graph", UNITS)
    with pytest.raises(LexiconError, match=r"cannot be read|damaged"):
        load_word_graph(tmp_path, UNITS)


def test_a_graph_for_other_tokens_is_refused(tmp_path: Path, graph: WordGraph) -> None:
    save_word_graph(graph, UNITS, tmp_path / "x.graph")
    other = Units((*UNITS.texts[:-1], "ba"), mark="▁")
    with pytest.raises(LexiconError, match=r"was made for other tokens.*make it again from the lexicon"):
        load_word_graph(tmp_path / "x.graph", other)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=3))
def test_wherever_bytes_are_damaged_a_graph_is_refused_or_can_be_walked(
    tmp_path: Path, graph: WordGraph, changes: list[tuple[int, int]]
) -> None:
    path = tmp_path / "x.graph"
    save_word_graph(graph, UNITS, path)
    content = bytearray(path.read_bytes())
    for place, value in changes:
        content[place % len(content)] = value
    path.write_bytes(content)
    try:
        loaded = load_word_graph(path, UNITS)
    except LexiconError as error:
        assert "\n" not in str(error)
    else:
        spelled(loaded)
        assert max(loaded.read(node, 4) for node in range(len(loaded.parents))) < len(loaded.parents)
        look_ahead(loaded, np.zeros(len(loaded.words)))


def test_many_words_load_fast(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(0)
    words = ["".join(row) for row in random.choice(list("ab"), (40_000, 16))]
    start = time.perf_counter()
    graph = graph_of_words(words, UNITS)
    built = time.perf_counter()
    save_word_graph(graph, UNITS, tmp_path / "x.graph")
    saved = time.perf_counter()
    assert same(load_word_graph(tmp_path / "x.graph", UNITS), graph)
    loaded = time.perf_counter() - saved
    with capsys.disabled():
        print(f"\n{len(graph.words)} words: built {built - start:.2f} s, loaded {1000 * loaded:.1f} ms")  # noqa: T201
    assert loaded < built - start
