"""Pruning leaves a proper model, keeps what is worth most, and measures what leaving out really costs."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from asr.lm.arpa import read_arpa
from asr.lm.automaton import Automaton
from asr.lm.construction import automaton_from
from asr.lm.kneser_ney import Estimation, estimate
from asr.lm.ngrams import NgramModel
from asr.lm.pruning import prune
from asr.lm.suffixes import NONE, in_order, occurrences, suffixes

Text = list[list[str]]


@pytest.fixture(scope="module")
def text() -> Text:
    chosen = random.Random(0)
    words = [chosen.choices("abcdef", weights=(9, 6, 4, 3, 2, 1))[0] for _ in range(3000)]
    words = [
        later if chosen.random() < 0.6 else earlier
        for earlier, later in zip(words[1:], sorted(words), strict=False)
    ]
    return [words[n : n + 6] for n in range(0, len(words), 6)]


@pytest.fixture(scope="module")
def model(text: Text, tmp_path_factory: pytest.TempPathFactory) -> NgramModel:
    path = tmp_path_factory.mktemp("pruning") / "lm.arpa"
    estimate(text, path, Estimation(4))
    return read_arpa(path)


def tokens(model: NgramModel, text: Text) -> NDArray[np.int32]:
    ids = {word: n for n, word in enumerate(model.words)}
    return np.array([ids[word] for line in text for word in ("<s>", *line, "</s>")], np.int32)


def grams(model: NgramModel) -> list[list[tuple[str, ...]]]:
    spelled = [model.spelled(n, 0, len(level)) for n, level in enumerate(model.levels, start=1)]
    return [list(zip(*columns, strict=True)) for columns in spelled]


def cost(automaton: Automaton, text: Text) -> float:
    """Nats per word."""
    return -float(np.mean([score for line in text for score in automaton.score(line)]))


def test_order_changes_nothing_and_suffixes_are_found(model: NgramModel, text: Text) -> None:
    ordered = in_order(model)
    assert [set(some) for some in grams(ordered)] == [set(some) for some in grams(model)]
    assert cost(automaton_from(ordered), text) == pytest.approx(cost(automaton_from(model), text))
    named = grams(ordered)
    for n, rows in enumerate(suffixes(ordered)[1:], start=1):
        assert NONE not in rows
        assert [named[n - 1][row] for row in rows] == [gram[1:] for gram in named[n]]


def test_occurrences_are_counted(model: NgramModel, text: Text) -> None:
    ordered = in_order(model)
    counts = occurrences(ordered, tokens(ordered, text), ordered.words.index("<s>"))
    lines = [("<s>", *line, "</s>") for line in text]
    for some, found in zip(grams(ordered), counts, strict=True):
        n = len(some[0])
        windows = [line[i : i + n] for line in lines for i in range(len(line) - n + 1)]
        for gram, count in list(zip(some, found.tolist(), strict=True))[::17]:
            assert count == windows.count(gram), gram


@pytest.mark.parametrize("threshold", [1e-6, 1e-4, 1e-2])
def test_probabilities_still_add_up_to_one(model: NgramModel, text: Text, threshold: float) -> None:
    pruned = automaton_from(prune(model, [(tokens(model, text), 1.0)], threshold))
    words = np.array([n for n, word in enumerate(pruned.words) if word != "<s>"], np.int32)
    for state in range(len(pruned.backoff_states)):
        log_probs, _ = pruned.advance_all(np.full(len(words), state, np.int32), words)
        assert np.exp(log_probs).sum() == pytest.approx(1, abs=1e-4)


def test_each_ngram_keeps_context_and_suffix(model: NgramModel, text: Text) -> None:
    pruned = prune(model, [(tokens(model, text), 1.0)], 1e-4)
    named = [set(some) for some in grams(pruned)]
    assert 0 < sum(map(len, named[1:])) < sum(map(len, model.levels[1:])) / 2
    for shorter, longer in pairwise(named):
        assert all(gram[1:] in shorter and gram[:-1] in shorter for gram in longer)


def test_a_higher_threshold_leaves_less_and_costs_more(model: NgramModel, text: Text) -> None:
    sizes, costs = [], []
    for threshold in (0.0, 1e-5, 1e-4, 1e-3, 1.0):
        pruned = prune(model, [(tokens(model, text), 1.0)], threshold)
        sizes.append(sum(map(len, pruned.levels)))
        costs.append(cost(automaton_from(pruned), text))
    assert sizes == sorted(sizes, reverse=True)
    assert costs == sorted(costs)
    assert sizes[-1] == len(model.words)


def test_worth_is_what_leaving_out_one_ngram_costs(text: Text, model: NgramModel) -> None:
    """For a model's own text, seen as drawn from the model: the divergence, by enumeration."""
    ordered = in_order(model)
    all_tokens = tokens(ordered, text)
    two = NgramModel(ordered.words, ordered.levels[:2])
    full = automaton_from(two)
    words = np.array([n for n, word in enumerate(two.words) if word != "<s>"], np.int32)
    counts = occurrences(two, all_tokens, two.words.index("<s>"))[0] / np.sum(
        all_tokens != two.words.index("<s>")
    )
    places = [prune(two, [(all_tokens, 1.0)], threshold) for threshold in (1e-5, 1e-4, 1e-3)]
    for pruned, threshold in zip(places, (1e-5, 1e-4, 1e-3), strict=True):
        lost = set(grams(two)[1]) - set(grams(pruned)[1])
        after = automaton_from(pruned)
        for context in {gram[0] for gram in lost}:
            left_out = [gram for gram in lost if gram[0] == context]
            if len(left_out) > 1:
                continue  # together they may cost more than each alone
            own, _ = full.advance_all(np.full(len(words), _state(full, context), np.int32), words)
            then, _ = after.advance_all(np.full(len(words), _state(after, context), np.int32), words)
            divergence = counts[two.words.index(context)] * float((np.exp(own) * (own - then)).sum())
            assert -1e-7 < divergence < threshold


def _state(automaton: Automaton, word: str) -> int:
    return automaton.advance(0, automaton.id(word))[1]
