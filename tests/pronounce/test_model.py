"""Guesses: phones of the lexicon, the same every time, with probabilities; or one clear error."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asr.errors import LexiconError
from asr.pronounce.model import TOGETHER, LetterToSound
from asr.pronounce.search import Width
from asr.pronounce.training import Trained, Training, train
from asr.text.lexicon_text import Entry
from tests.pronounce.conftest import words

WIDE = Width(hypotheses=10**6, margin=math.inf)
spellings = st.text("aeobdkxtsh", min_size=1, max_size=8)


def test_words_never_seen_are_pronounced_by_the_rules(trained: Trained, lexicon: list[Entry]) -> None:
    known = {entry.word for entry in lexicon}
    new = [entry for entry in words(1, 200) if entry.word not in known]
    assert len(new) > 100
    guesses = trained.model.guess([entry.word for entry in new])
    right = sum(some[0].phones == entry.phones for entry, some in zip(new, guesses, strict=True))
    assert right > 0.9 * len(new)


@pytest.fixture
def ready(trained: Trained) -> Callable[[], LetterToSound]:
    return lambda: trained.model  # else hypothesis would print all of it


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(spellings, max_size=5))
def test_guesses_are_phones_of_the_lexicon_with_probabilities(
    ready: Callable[[], LetterToSound], some: list[str]
) -> None:
    model = ready()
    tried = model.attempt(some, count=4)
    assert len(tried) == len(some)
    readable = [word for word, of_word in zip(some, tried, strict=True) if of_word]
    guesses = model.guess(readable, count=4)
    assert guesses == [of_word for of_word in tried if of_word]
    for of_word in guesses:
        assert 1 <= len(of_word) <= 4
        assert all(one.phones and set(one.phones) <= set(model.phones) for one in of_word)
        probabilities = [one.probability for one in of_word]
        assert probabilities == sorted(probabilities, reverse=True)
        assert 0 < sum(probabilities) <= 1 + 1e-9
        assert len({one.phones for one in of_word}) == len(of_word)
    for word, of_word in zip(readable, guesses, strict=True):
        (alone,) = model.guess([word], count=4)
        assert [one.phones for one in alone] == [one.phones for one in of_word]
        assert [one.probability for one in alone] == pytest.approx([one.probability for one in of_word])


def test_probabilities_are_sums_over_all_ways_to_cut(trained: Trained) -> None:
    model = trained.model
    ids = {graphone: str(n) for n, graphone in enumerate(model.graphones)}
    for word in ("shee", "xoe"):
        sums: defaultdict[tuple[str, ...], float] = defaultdict(float)
        for cuts in itertools.product((1, 2), repeat=len(word)):
            ends = list(itertools.accumulate(cuts))
            if len(word) not in ends:
                continue
            pieces = [word[i - n : i] for i, n in zip(ends, cuts, strict=True) if i <= len(word)]
            if ends[len(pieces) - 1] != len(word) or any(n != 1 for n in cuts[len(pieces) :]):
                continue
            choices = [[one for one in model.graphones if one.letters == piece] for piece in pieces]
            for way in itertools.product(*choices):
                phones = tuple(phone for one in way for phone in one.phones)
                sums[phones] += math.exp(sum(model._automaton.score([ids[one] for one in way])))
        sums.pop((), None)
        total = sum(sums.values())
        (guesses,) = model.guess([word], count=10**6, width=WIDE)
        assert {one.phones: one.probability for one in guesses} == pytest.approx(
            {phones: value / total for phones, value in sums.items()}, rel=1e-4
        )


def test_training_is_deterministic(lexicon: list[Entry], trained: Trained) -> None:
    again = train(lexicon).model
    assert again.graphones == trained.model.graphones
    asked = [entry.word for entry in words(2, 50)]
    assert again.guess(asked, 3) == trained.model.guess(asked, 3)


def test_many_words_are_done_in_order_and_counted(trained: Trained) -> None:
    asked = [entry.word for entry in words(3, TOGETHER + 40)]
    done: list[int] = []
    guesses = trained.model.guess(asked, advance=done.append)
    assert sum(done) == len(asked) and len(done) == 2
    assert guesses[-1] == trained.model.guess(asked[-1:])[0]
    assert trained.model.guess([]) == []


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("shöß", "'shöß' has letters that the letter-to-sound model has never seen: ö ß"),
        ("", "'' sounds like nothing to the letter-to-sound model"),
    ],
)
def test_letters_never_seen_are_an_error(trained: Trained, word: str, problem: str) -> None:
    with pytest.raises(LexiconError) as caught:
        trained.model.guess(["tax", word])
    assert str(caught.value).startswith(problem)
    assert "\n" not in str(caught.value)
    assert [len(some) for some in trained.model.attempt(["tax", word])] == [1, 0]


def test_a_word_that_sounds_like_nothing_is_an_error() -> None:
    model = train([Entry("--a--", ("A",)), Entry("---b", ("B",)), Entry("ab", ("A", "B"))] * 4).model
    assert {one.phones for one in model.graphones if one.letters == "-"} == {()}
    with pytest.raises(LexiconError, match="sounds like nothing"):
        model.guess(["--"])


def test_pruning_makes_it_smaller(lexicon: list[Entry]) -> None:
    sizes = [
        sum(map(len, train(lexicon, Training(order=4, threshold=threshold)).model.ngrams.levels))
        for threshold in (0.0, 1e-6, 1e-4)
    ]
    assert sizes[0] > sizes[1] > sizes[2]


def test_what_cannot_be_cut_is_told() -> None:
    trained = train([Entry("ab", ("A", "B")), Entry("w", ("D", "U", "B"))])
    assert trained.left_out == (Entry("w", ("D", "U", "B")),)
    assert trained.words == 1
    with pytest.raises(LexiconError, match="no word has a pronunciation"):
        train([Entry("w", ("D", "U", "B"))])


def test_the_model_says_what_it_is(trained: Trained) -> None:
    assert isinstance(trained.model, LetterToSound)
    assert trained.model.phones == ("AA", "B", "D", "IY", "K", "OW", "S", "SH", "T")
