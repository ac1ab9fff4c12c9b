"""The brute-force objective of beam search gives what one works out by hand."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log

import numpy as np
import pytest

from asr.lm.automaton import Automaton
from asr.lm.construction import automaton_from
from asr.lm.ngrams import Level, NgramModel
from tests.helpers.objective import Spelling, World, objective, readings

LETTERS = World(texts=("", "▁", "a", "b"), separator=1, vocabulary="open", beta=0.0, unknown_score=0.0)
PIECES = World(texts=("", "▁", "▁a", "a", "b"), mark="▁", vocabulary="open", beta=0.0)
PHONES = World(texts=("", "P", "T"), vocabulary="closed", beta=0.0)


def rows(*probabilities: list[float]) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.log(np.array(probabilities, np.float64))


def totals(world: World, log_probs: np.ndarray) -> dict:
    return {text: exp(parts.total) for text, parts in objective(world, log_probs).items()}


def model(*names: str) -> Automaton:
    """p(a) = 1/2, p(</s>) = 1/4, p(<unk>) = 1/8, and p(a | <s>) = 3/4."""
    log_probs = {"a": log(1 / 2), "</s>": log(1 / 4), "<unk>": log(1 / 8), "<s>": 0.0}
    ids = np.arange(len(names), dtype=np.int32)
    ones = np.array([log_probs[name] for name in names], np.float32)
    backoffs = np.array([log(1 / 3) if name == "<s>" else 0 for name in names], np.float32)
    two = (np.array([names.index("<s>")], np.int32), np.array([names.index("a")], np.int32))
    pairs = Level(*two, np.array([log(3 / 4)], np.float32), np.zeros(1, np.float32))
    return automaton_from(NgramModel(names, (Level(ids * 0, ids, ones, backoffs), pairs)))


def test_tokens_are_texts_where_nothing_knows_of_words() -> None:
    world = replace(LETTERS, vocabulary="tokens", hotwords=(("a", log(2)),))
    found = totals(world, rows([0.0, 0.3, 0.7, 0.0], [0.0, 0.4, 0.6, 0.0]))
    assert found == pytest.approx({(1,): 0.12, (1, 2): 2 * 0.18, (2, 1): 2 * 0.28, (2,): 2 * 0.42})


def test_separators_stand_between_words_and_perhaps_at_the_end() -> None:
    found = totals(LETTERS, rows([0.1, 0.3, 0.6, 0.0], [0.5, 0.4, 0.0, 0.1]))
    assert found == pytest.approx({"": 0.05, "a": 0.6 * 0.9, "b": 0.01, "ab": 0.06})
    three = rows([0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.5, 0.0, 0.5])
    assert totals(LETTERS, three) == pytest.approx({"a": 0.5, "a b": 0.5})


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ((), ()), ((1,), ()), ((2,), ("a",)), ((1, 3), ("a",)), ((2, 3), ("aa",)),
        ((2, 2, 1), ("a", "a")), ((2, 1, 4), ("a", "b")), ((1, 3, 2), ("a", "a")),
        ((1, 1), None), ((1, 2), None), ((2, 1, 1), None), ((3,), None), ((3, 2), None),
    ],
)  # fmt: skip
def test_marks_begin_words(tokens: tuple[int, ...], words: tuple[str, ...] | None) -> None:
    assert [found for found, _ in readings(PIECES, tokens)] == ([] if words is None else [words])


def test_all_segmentations_of_a_word_are_added_up() -> None:
    closed = replace(PIECES, vocabulary="closed", words=("ab", "a"))
    three = rows([0.2, 0.8, 0, 0, 0], [0, 0, 0.5, 0.5, 0], [0, 0, 0, 0, 1.0])
    # ▁ a b and ▁a b; but not a b, which nothing begins, nor ▁ ▁a b.
    assert totals(closed, three) == pytest.approx({"ab": 0.4 + 0.1})


def test_sounds_are_cut_into_words_in_every_way() -> None:
    lexicon = (
        Spelling("one", (1,), log(0.9)), Spelling("won", (1,)), Spelling("two", (1, 2), log(0.5)),
        Spelling("too", (2,)), Spelling("one", (1, 2), log(0.1)),
    )  # fmt: skip
    found = totals(replace(PHONES, spellings=lexicon, beta=log(3)), rows([0, 1, 0], [0, 0, 0.5], [0, 0, 1]))
    assert found == pytest.approx(
        {"one too": 0.9 * 9 / 2, "won too": 9 / 2, "two": 0.5 * 3 / 2, "one": 0.1 * 3 / 2}
    )
    assert not list(readings(replace(PHONES, spellings=lexicon[2:3]), (1, 2, 1)))


def test_a_lexicon_lets_nothing_else_be_written() -> None:
    lexicon = (Spelling("mr", (2, 3)), Spelling("mister", (2, 3)), Spelling("mr", (3,), log(0.5)))
    world = replace(LETTERS, vocabulary="closed", spellings=lexicon)
    found = totals(world, rows([0.1, 0.0, 0.9, 0.0], [0.5, 0.0, 0.0, 0.5]))
    assert found == pytest.approx({"": 0.05, "mr": 0.45 + 0.05 / 2, "mister": 0.45})


def test_a_grammar_lets_its_phrases_be_written_and_nothing() -> None:
    rest = rows([0.2, 0, 0.8, 0], [0, 1, 0, 0], [0, 0.5, 0, 0.5])
    world = replace(LETTERS, vocabulary="grammar", phrases=("a b", "b a"))
    assert totals(world, rest) == pytest.approx({"a b": 0.4})
    assert totals(world, rest[:1]) == pytest.approx({"": 0.2})
    spellings = (Spelling("x", (1,), log(0.5)), Spelling("y", (2,)), Spelling("z", (1, 2)))
    world = replace(PHONES, vocabulary="grammar", spellings=spellings, phrases=("x y", "z z"))
    assert totals(world, rows([0, 1, 0], [0, 0, 1])) == pytest.approx({"x y": 0.5})


def test_words_are_scored_with_the_end_and_others_as_unknown() -> None:
    world = replace(LETTERS, alpha=2.0, beta=log(10), unknown_score=log(0.1))
    sure = {"a": (2,), "b": (3,), "a b": (2, 1, 3), "b a": (3, 1, 2), "": (0,)}
    spoken = {text: rows(*np.eye(4)[list(tokens)]) for text, tokens in sure.items()}

    def total(names: tuple[str, ...], text: str) -> float:
        return totals(replace(world, word_model=model(*names)), spoken[text])[text]

    full = ("<s>", "</s>", "<unk>", "a")
    assert total(full, "") == pytest.approx((1 / 12) ** 2)
    assert total(full, "a") == pytest.approx((3 / 4 / 4) ** 2 * 10)
    assert total(full, "b") == pytest.approx((1 / 3 / 8 / 4) ** 2 * 10 * 0.1)
    assert total(full, "b a") == pytest.approx((1 / 3 / 8 / 2 / 4) ** 2 * 100 * 0.1)
    assert total(("<s>", "</s>", "a"), "b a") == pytest.approx((1 / 2 / 4) ** 2 * 100 * 0.1)
    assert total(("<s>", "<unk>", "a"), "a b") == pytest.approx((3 / 4 / 8) ** 2 * 100 * 0.1)


def test_hotwords_count_wherever_they_stand_as_whole_words() -> None:
    world = replace(LETTERS, hotwords=(("a", log(2)), ("a a", log(3)), ("ab", log(5))))
    for tokens, expected in [((2, 1, 2, 1, 2), 2**3 * 3**2), ((2, 3, 1, 2), 5 * 2), ((2, 3, 0, 3), 1.0)]:
        log_probs = rows(*np.eye(4)[list(tokens)])
        (total,) = totals(world, log_probs).values()
        assert total == pytest.approx(expected)
        (total,) = totals(replace(world, vocabulary="tokens"), log_probs).values()
        assert total == pytest.approx(expected)
    marked = replace(PIECES, vocabulary="tokens", hotwords=(("a b", log(2)),))
    for tokens, expected in [((3, 1, 4), 2.0), ((2, 1, 4), 2.0), ((2, 1, 3, 4), 1.0), ((2, 4), 1.0)]:
        (total,) = totals(marked, rows(*np.eye(5)[list(tokens)])).values()
        assert total == pytest.approx(expected)


def test_a_model_of_tokens_scores_them_with_the_end() -> None:
    world = World(texts=("", "a", "b"), token_model=model("<s>", "</s>", "<unk>", "a"), token_alpha=1.0)
    found = totals(world, rows([0, 0.5, 0.5], [0, 0.5, 0.5]))
    unknown = 1 / 3 / 8 / 4
    assert found == pytest.approx(
        {(1,): 0.25 * 3 / 16, (2,): 0.25 * unknown, (1, 2): 0.25 * 3 / 128, (2, 1): 0.25 * unknown / 2}
    )
