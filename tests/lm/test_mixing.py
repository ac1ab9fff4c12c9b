"""A mixture is a proper model, says the mean of its parts, and its weights are those that fit a text best."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from asr.errors import LanguageModelError
from asr.lm.arpa import read_arpa
from asr.lm.automaton import ROOT, Automaton
from asr.lm.construction import automaton_from
from asr.lm.kneser_ney import Estimation, estimate
from asr.lm.mixing import best_weights, mix
from asr.lm.ngrams import NgramModel

Text = list[list[str]]


def text_of(letters: str, seed: int, count: int = 300) -> Text:
    chosen = random.Random(seed)
    weights = range(1, len(letters) + 1)
    return [
        sorted(chosen.choices(letters, weights, k=6), key=lambda _: chosen.random()) for _ in range(count)
    ]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[NgramModel]:
    folder = tmp_path_factory.mktemp("mixing")
    made = []
    for name, letters, order in (("a", "abcd", 3), ("b", "cdef", 2)):
        estimate(iter(text_of(letters, order)), folder / f"{name}.arpa", Estimation(order))
        made.append(read_arpa(folder / f"{name}.arpa"))
    return made


def probability(automaton: Automaton, words: list[str]) -> float:
    """Of the last word after the others, which do not begin a sentence."""
    state = ROOT
    for word in words[:-1]:
        _, state = automaton.advance(state, automaton.ids.get(word, -1))
    if words[-1] not in automaton.ids:
        return 0.0
    return float(np.exp(automaton.advance(state, automaton.ids[words[-1]])[0]))


def test_its_n_grams_are_as_probable_as_in_the_mean(models: list[NgramModel]) -> None:
    mixed, parts = mix(models, (0.7, 0.3)), [automaton_from(model) for model in models]
    checked = 0
    for n, level in enumerate(mixed.levels, start=1):
        for row, words in enumerate(zip(*mixed.spelled(n, 0, len(level)), strict=True)):
            if (
                "<s>" in words
                or "<unk>" in words
                or (any(w in "ab" for w in words) and any(w in "ef" for w in words))
            ):
                continue  # after a word that one part does not know, it has forgotten all
            mean = 0.7 * probability(parts[0], list(words)) + 0.3 * probability(parts[1], list(words))
            assert np.exp(level.log_probs[row]) == pytest.approx(mean, rel=1e-4)
            checked += 1
    assert checked > 30


def test_probabilities_add_up_to_one(models: list[NgramModel]) -> None:
    mixed = automaton_from(mix(models, (0.4, 0.6)))
    words = np.array([n for n, word in enumerate(mixed.words) if word != "<s>"], np.int32)
    for state in range(len(mixed.backoff_states)):
        log_probs, _ = mixed.advance_all(np.full(len(words), state, np.int32), words)
        assert np.exp(log_probs).sum() == pytest.approx(1, abs=2e-4)


def test_one_alone_stays_as_it_is(models: list[NgramModel]) -> None:
    mixed, alone = automaton_from(mix(models[:1], (1.0,))), automaton_from(models[0])
    for sentence in text_of("abcd", 9, 20):
        assert mixed.score(sentence) == pytest.approx(alone.score(sentence), abs=1e-4)


def test_weights_fit_the_text(models: list[NgramModel]) -> None:
    parts = [automaton_from(model) for model in models]
    mostly_first = text_of("abcd", 5, 90) + text_of("cdef", 6, 10)
    weights = best_weights(parts, mostly_first)
    assert weights.sum() == pytest.approx(1)
    assert 0.8 < weights[0] < 0.98

    def cost(first: float) -> float:
        mixed = automaton_from(mix(models, (first, 1 - first)))
        return -sum(sum(mixed.score(sentence)) for sentence in mostly_first)

    assert cost(float(weights[0])) < min(cost(0.5), cost(0.99))


def test_a_text_of_unknown_words_says_nothing(models: list[NgramModel], tmp_path: Path) -> None:
    with pytest.raises(LanguageModelError, match="holds no word"):
        best_weights([automaton_from(model) for model in models], [])
