"""Scorers say in batches what the models behind them say of one text."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.decode.kenlm_scorer import load_kenlm
from asr.decode.scorer import AutomatonScorer, TokenAutomatonScorer, TokenScorer, WordScorer
from asr.errors import LanguageModelError
from asr.lm.automaton import OUT_OF_VOCABULARY, Automaton
from asr.lm.construction import automaton_from, load_language_model
from asr.lm.kneser_ney import Estimation, estimate
from asr.lm.ngrams import END, UNKNOWN
from tests.helpers.worlds import ngrams

WORDS = ("a", "b", "c")
FIXTURE = Path(__file__).parent / "kenlm"
sentences = st.lists(st.lists(st.sampled_from([*WORDS, "z"]), max_size=6), min_size=1, max_size=5)


@st.composite
def models(draw: st.DrawFn) -> Automaton:
    special = draw(st.sampled_from([(), (END,), (UNKNOWN,), (UNKNOWN, END)]))
    return automaton_from(ngrams(WORDS, draw(st.integers(1, 4)), draw(st.integers(0, 2**32)), special))


def scored(scorer: WordScorer[Any], texts: Sequence[Sequence[str]]) -> list[list[float]]:
    """The scores of the words and the end of each text; all texts advance together, and end one by one."""
    scores: list[list[float]] = [[] for _ in texts]
    states = [scorer.start() for _ in texts]
    for place in range(max(map(len, texts)) + 1):
        going = [index for index, text in enumerate(texts) if len(text) > place]
        ended = [index for index, text in enumerate(texts) if len(text) == place]
        for index, log_prob in zip(ended, scorer.finish([states[index] for index in ended]), strict=True):
            scores[index].append(log_prob)
        words = [texts[index][place] for index in going]
        log_probs, following = scorer.advance([states[index] for index in going], words)
        assert log_probs.shape == (len(going),)
        for index, log_prob, state in zip(going, log_probs, following, strict=True):
            scores[index].append(log_prob)
            states[index] = state
    return scores


def expected(automaton: Automaton, text: Sequence[str]) -> list[float]:
    """The definition; words that a model without <unk> does not know are worth nothing."""
    return [0.0 if score == OUT_OF_VOCABULARY else score for score in automaton.score(text)]


@settings(max_examples=50)
@given(models(), sentences)
def test_texts_that_advance_together_are_scored_like_one_alone(automaton, texts) -> None:
    scorer = AutomatonScorer(automaton)
    for scores, text in zip(scored(scorer, texts), texts, strict=True):
        assert scores == pytest.approx(expected(automaton, text), abs=1e-6)
    assert [scorer.knows(word) for word in (*WORDS, "z")] == [True, True, True, False]
    assert scorer.reads == "words"


@settings(max_examples=50)
@given(models(), st.lists(st.integers(1, 4), max_size=6))
def test_what_may_follow_is_worth_what_it_is_worth_when_it_follows(automaton, tokens) -> None:
    scorer: TokenScorer[int] = TokenAutomatonScorer(automaton, ("<blk>", "b", "z", "a", "c"))
    log_probs, states = scorer.next([scorer.start()], [0])
    assert states == [scorer.start()]
    names = ["", "b", "z", "a", "c"]
    for place, token in enumerate(tokens):
        for other in (1, 2, 3, 4):
            text = [names[before] for before in tokens[:place]] + [names[other]]
            assert log_probs[0, other] == pytest.approx(expected(automaton, text)[-2], abs=1e-6)
        assert log_probs[0, 0] == 0
        both, [again, *states] = scorer.next([scorer.start(), *states], [0, token])
        assert again == scorer.start()
        log_probs = both[1:]
    text = [names[token] for token in tokens]
    assert scorer.finish(states)[0] == pytest.approx(expected(automaton, text)[-1], abs=1e-6)
    assert scorer.reads == "tokens"


def test_nothing_is_scored_where_nothing_is_asked() -> None:
    automaton = automaton_from(ngrams(WORDS, 2, 1, (UNKNOWN, END)))
    log_probs, states = AutomatonScorer(automaton).advance([], [])
    assert (log_probs.shape, states) == ((0,), [])
    log_probs, states = TokenAutomatonScorer(automaton, ("", "a")).next([], [])
    assert (log_probs.shape, states) == ((0, 2), [])


def check_kenlm(path: Path, automaton: Automaton) -> None:
    scorer = load_kenlm(path)
    random = np.random.default_rng(0)
    texts = [random.choice([*WORDS, "z"], random.integers(7)).tolist() for _ in range(50)]
    for scores, text in zip(scored(scorer, texts), texts, strict=True):
        assert scores == pytest.approx(expected(automaton, text), abs=1e-4)
    assert [scorer.knows(word) for word in (*WORDS, "z")] == [True, True, True, False]
    assert scorer.reads == "words"
    assert scorer.start() == scorer.start()


# The binaries were made of toy.arpa by the build_binary of KenLM 0.3:
#     build_binary probing toy.arpa toy.probing
#     build_binary trie toy.arpa toy.trie
@pytest.mark.parametrize("name", ["toy.arpa", "toy.probing", "toy.trie"])
def test_kenlm_binaries_say_what_the_automaton_says(name: str) -> None:
    pytest.importorskip("kenlm")
    check_kenlm(FIXTURE / name, load_language_model(FIXTURE / "toy.arpa"))


@pytest.mark.parametrize("order", [2, 4])
def test_kenlm_says_what_the_automaton_says(tmp_path: Path, order: int) -> None:
    pytest.importorskip("kenlm")
    path = tmp_path / "lm.arpa"
    random = np.random.default_rng(order)
    estimate([random.choice(WORDS, random.integers(6)).tolist() for _ in range(50)], path, Estimation(order))
    check_kenlm(path, load_language_model(path))
    lines = path.read_text().split("\n")
    assert lines[1] == "ngram 1=6"
    path.write_text(
        "\n".join(["\\data\\", "ngram 1=5", *(line for line in lines[2:] if UNKNOWN not in line)])
    )
    assert load_language_model(path).unknown == -1
    check_kenlm(path, load_language_model(path))


def test_what_kenlm_cannot_read_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("kenlm")
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("yes no\n" * 9)
    (tmp_path / "cut").write_bytes((FIXTURE / "toy.probing").read_bytes()[:300])
    for name, reason in (("empty", "End of file"), ("text", "first non-empty line was"), ("cut", "")):
        with pytest.raises(LanguageModelError, match=rf"{name}: KenLM cannot read it \({reason}") as caught:
            load_kenlm(tmp_path / name)
        message = str(caught.value)
        assert "\n" not in message
        assert "threw" not in message and ".cc" not in message, message


def test_kenlm_is_missed_only_where_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LanguageModelError, match="no such file; check the path"):
        load_kenlm(FIXTURE / "none.binary")
    monkeypatch.setitem(sys.modules, "kenlm", None)
    with pytest.raises(
        LanguageModelError, match=r"toy.trie: reading it needs the package kenlm; pip install"
    ):
        load_kenlm(FIXTURE / "toy.trie")
