"""Estimated models equal the published formulas, computed with dictionaries; what they promise holds.

No fixture made with lmplz: its source is in no package index that these tests could name a command for.
"""

from __future__ import annotations

import gzip
import math
import tracemalloc
from itertools import chain, repeat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asr.errors import LanguageModelError, RunError
from asr.lm.arpa import read_arpa
from asr.lm.construction import automaton_from, load_language_model
from asr.lm.discounts import estimate_discounts
from asr.lm.kneser_ney import Estimation, estimate
from asr.lm.ngrams import LN_10
from tests.helpers.disk import full_beyond
from tests.helpers.kneser_ney import KneserNey

CLOSE = 1e-5
"""Largest difference between logarithms to base 10; 1e-4 is promised."""


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def text(sentences: int, words: int, seed: int = 0) -> list[list[str]]:
    """Sentences whose words follow each other unevenly, as real ones do."""
    random = np.random.default_rng(seed)
    made = []
    for _ in range(sentences):
        at, sentence = 0, []
        for _ in range(random.integers(1, 9)):
            at = int(at * 3 + random.zipf(1.6)) % words
            sentence.append(f"w{at}")
        made.append(sentence)
    return made


def check_equal(path: Path, reference: KneserNey) -> None:
    """The n-grams of the file are those of the reference, and so are all its numbers."""
    model = read_arpa(path)
    special = {("<s>",), ("<unk>",)}
    for n, level in enumerate(model.levels, start=1):
        grams = list(zip(*model.spelled(n, 0, len(level)), strict=True))
        assert {*grams} - special == {gram for gram in reference.kept if len(gram) == n} - special
        for gram, log_prob, backoff in zip(grams, level.log_probs, level.backoffs, strict=True):
            if gram != ("<s>",):
                expected = math.log10(reference.p(gram[-1], gram[:-1]))
                assert float(log_prob) / LN_10 == pytest.approx(expected, abs=CLOSE), gram
            if n < model.order and reference.gamma(gram) > 0:
                weight = math.log10(reference.gamma(gram))
                assert float(backoff) / LN_10 == pytest.approx(weight, abs=CLOSE), gram


@pytest.mark.parametrize("prune", [(0,), (0, 0, 1), (0, 1), (0, 1, 2, 3)])
@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_models_equal_the_formulas(tmp_path: Path, order: int, prune: tuple[int, ...]) -> None:
    sentences = text(300, 40)
    wanted = Estimation(order, prune[:order], rows=400)
    done = estimate(sentences, tmp_path / "lm.arpa", wanted)
    if order > 1:
        assert not any(discounts.problem for discounts in done.discounts[1:3])
    check_equal(tmp_path / "lm.arpa", KneserNey(sentences, order, wanted.thresholds))


SENTENCES = st.lists(st.lists(st.sampled_from("abcde"), max_size=6), min_size=1, max_size=30).filter(any)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SENTENCES, st.integers(1, 5), st.lists(st.integers(0, 2), max_size=4), st.integers(5, 100))
def test_any_text_gives_what_the_formulas_give(tmp_path, sentences, order, steps, rows) -> None:
    prune = (0, *sorted(steps))[:order]
    wanted = Estimation(order, prune, rows)
    estimate(sentences, tmp_path / "lm.arpa", wanted)
    reference = KneserNey([s for s in sentences if s], order, wanted.thresholds)
    check_equal(tmp_path / "lm.arpa", reference)
    check_sums(tmp_path / "lm.arpa")


def check_sums(path: Path) -> None:
    """After any state, the probabilities of all words but <s> add up to one."""
    automaton = load_language_model(path)
    words = np.array([i for i, word in enumerate(automaton.words) if word != "<s>"], np.int32)
    for state in range(len(automaton.backoff_states)):
        log_probs, _ = automaton.advance_all(np.full(len(words), state, np.int32), words)
        assert np.exp(log_probs).sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("prune", [(0,), (0, 1, 2)])
def test_probabilities_after_every_context_add_up_to_one(tmp_path: Path, prune: tuple[int, ...]) -> None:
    estimate(text(200, 50, seed=1), tmp_path / "lm.arpa", Estimation(4, prune))
    check_sums(tmp_path / "lm.arpa")


def test_unseen_sentences_have_the_probability_of_the_formulas(tmp_path: Path) -> None:
    sentences = text(300, 40)
    estimate(sentences, tmp_path / "lm.arpa", Estimation(3, (0, 0, 1)))
    automaton = load_language_model(tmp_path / "lm.arpa")
    reference = KneserNey(sentences, 3, (0, 0, 1))
    for sentence in text(20, 45, seed=2):
        known = [word if word in reference.vocabulary else "<unk>" for word in sentence]
        history = ["<s>"]
        for word, score in zip([*known, "</s>"], automaton.score(sentence), strict=True):
            assert score == pytest.approx(math.log(reference.p(word, tuple(history))), abs=1e-4)
            history.append(word)


@pytest.mark.parametrize("order", [1, 2, 4])
def test_the_size_of_the_parts_changes_nothing(tmp_path: Path, order: int) -> None:
    sentences = text(300, 40)
    written = set()
    for rows in (10**6, 500, 37):
        estimate(sentences, tmp_path / "lm.arpa", Estimation(order, (0, 1)[:order], rows))
        written.add((tmp_path / "lm.arpa").read_bytes())
    assert len(written) == 1


def test_a_packed_model_is_the_same_model_and_the_same_file_each_time(tmp_path: Path) -> None:
    for name in ("a.arpa", "a.arpa.gz", "b.arpa.gz"):
        estimate(text(50, 20), tmp_path / name, Estimation(3))
    packed = (tmp_path / "a.arpa.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / "a.arpa").read_bytes()
    assert packed == (tmp_path / "b.arpa.gz").read_bytes()
    assert names(tmp_path) == ["a.arpa", "a.arpa.gz", "b.arpa.gz"]


def test_discounts_by_hand() -> None:
    done = estimate_discounts(np.array([8, 4, 3, 2]))
    assert done.problem == ""
    assert done.amounts == pytest.approx((1 - 2 * 0.5 * 4 / 8, 2 - 3 * 0.5 * 3 / 4, 3 - 4 * 0.5 * 2 / 3))


@pytest.mark.parametrize(
    ("counts", "problem"),
    [
        ([0, 4, 3, 2], "none was counted exactly 1x"),
        ([5, 4, 0, 2], "none was counted exactly 3x"),
        ([5, 1, 9, 2], "the discount of a count of 2 would be -17.29"),
    ],
)
def test_where_there_are_no_discounts_it_says_so(counts: list[int], problem: str) -> None:
    done = estimate_discounts(np.array(counts))
    assert (done.amounts, done.problem) == ((0.5, 1.0, 1.5), problem)


def test_counts_of_the_text_are_reported(tmp_path: Path) -> None:
    done = estimate([["a", "b"], [], ["b"]], tmp_path / "lm.arpa", Estimation(2))
    assert (done.sentences, done.words, done.vocabulary) == (2, 3, 2)
    assert done.counts == (5, 4)


@pytest.mark.parametrize(
    ("order", "prune", "message"),
    [
        (0, (0,), "the order must be 1 to 16, not 0; 3 is usual"),
        (17, (0,), "the order must be 1 to 16"),
        (3, (1,), "prune 1: single words are never pruned; begin with 0"),
        (3, (0, 2, 1), "prune 0 2 1: thresholds must not fall"),
        (2, (0, 0, 1), "prune 0 0 1: give one threshold for each order, at most 2"),
    ],
)
def test_what_makes_no_sense_is_refused(order: int, prune: tuple[int, ...], message: str) -> None:
    with pytest.raises(LanguageModelError, match=message):
        Estimation(order, prune)


@pytest.mark.parametrize(
    ("sentences", "message"),
    [([], "the text is empty"), ([[], []], "the text is empty"), ([["a", "</s>"]], "take these out")],
)
def test_a_text_that_will_not_do_is_refused(tmp_path: Path, sentences: list[list[str]], message: str) -> None:
    with pytest.raises(LanguageModelError, match=message):
        estimate(sentences, tmp_path / "lm.arpa", Estimation(2))
    assert names(tmp_path) == []


def test_a_full_disk_and_an_interruption_leave_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "lm.arpa"
    path.write_text("old")
    for limit in (100, 4_000, 20_000):
        with full_beyond(limit), pytest.raises(RunError, match=r"lm\.arpa: .*; free some space$"):
            estimate(text(300, 40), path, Estimation(3))

    def interrupted():
        yield ["a"]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        estimate(interrupted(), path, Estimation(3))
    assert path.read_text() == "old"
    assert names(tmp_path) == ["lm.arpa"]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_text(tmp_path: Path) -> None:
    sentences = text(50_000, 20_000)
    peaks = []
    for times in (8, 32):  # 1.8 and 7.2 million words
        repeated = chain.from_iterable(repeat(sentences, times))
        tracemalloc.start()
        estimate(repeated, tmp_path / "lm.arpa", Estimation(3, (0, 0, 1), rows=1 << 18))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


@pytest.mark.data
def test_on_real_text_the_formulas_hold_and_order_helps(tmp_path: Path, data_folder: Path) -> None:
    with gzip.open(data_folder / "text" / "sentences.txt.gz", "rt") as file:
        sentences = [line.split() for line in file][::300]
    held_out, sentences = sentences[::10], [s for i, s in enumerate(sentences) if i % 10]
    perplexity = []
    for order in (1, 2, 3):
        done = estimate(sentences, tmp_path / "lm.arpa", Estimation(order, rows=4000))
        assert [discounts.problem for discounts in done.discounts] == [""] * order
        model = read_arpa(tmp_path / "lm.arpa")
        scores = [score for s in held_out for score in automaton_from(model).score(s)]
        perplexity.append(math.exp(-sum(scores) / len(scores)))
    check_equal(tmp_path / "lm.arpa", KneserNey(sentences, 3, (0, 0, 0)))
    assert perplexity[0] > 1.3 * perplexity[1] > 1.2 * perplexity[2]
