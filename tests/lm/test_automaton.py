"""The automaton says what the n-grams say, whatever it left out; on disk it is whole or refused."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from asr.errors import LanguageModelError, RunError
from asr.lm.arcs import ARC, STATE, records
from asr.lm.arpa import read_arpa
from asr.lm.automaton import OUT_OF_VOCABULARY, Automaton
from asr.lm.construction import automaton_from, load_language_model
from asr.lm.hashing import find, home, insert, new_table
from asr.lm.kneser_ney import Estimation, estimate
from asr.lm.ngrams import LN_10, NgramModel
from asr.lm.perplexity import measure
from asr.lm.storage import load_automaton, save_automaton
from tests.helpers.disk import full_beyond

WORDS = ("<unk>", "<s>", "</s>", "a", "b", "c")
Grams = dict[tuple[str, ...], tuple[float, float]]


def arpa(folder: Path, grams: Grams) -> NgramModel:
    """Writes and reads a model given as logarithms to base 10."""
    order = max(map(len, grams))
    lines = ["\\data\\", *(f"ngram {n}={sum(len(g) == n for g in grams)}" for n in range(1, order + 1))]
    for n in range(1, order + 1):
        lines.append(f"\n\\{n}-grams:")
        for gram, (log_prob, backoff) in grams.items():
            if len(gram) == n:
                lines.append(f"{log_prob}\t{' '.join(gram)}" + (f"\t{backoff}" if n < order else ""))
    (folder / "lm.arpa").write_text("\n".join([*lines, "\n\\end\\\n"]))
    return read_arpa(folder / "lm.arpa")


def reference(grams: Grams, history: tuple[str, ...], word: str) -> float:
    """The definition of a back-off model, in natural logarithm; the history is not longer than order - 1."""
    if (*history, word) in grams:
        return grams[(*history, word)][0] * LN_10
    backoff = grams.get(history, (0, 0))[1] * LN_10
    return backoff + reference(grams, history[1:], word)


@st.composite
def models(draw: st.DrawFn) -> Grams:
    """Models whose n-grams have their contexts, but not always the n-grams that one backs off to."""
    number = st.integers(-30, 0).map(lambda tenths: tenths / 10)
    weight = st.sampled_from([0.0, 0.0, -0.5, 0.25])
    grams = {(word,): (draw(number), draw(weight)) for word in WORDS}
    for n in (2, 3, 4):
        contexts = sorted(gram for gram in grams if len(gram) == n - 1)
        pairs = st.tuples(st.sampled_from(contexts), st.sampled_from(WORDS))
        chosen = draw(st.lists(pairs, min_size=1, max_size=12, unique=True))
        grams |= {(*context, word): (draw(number), draw(weight)) for context, word in chosen}
    return grams


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(models(), st.lists(st.lists(st.sampled_from([*WORDS, "z"]), max_size=7), min_size=1, max_size=4))
def test_scores_are_those_of_the_definition(tmp_path: Path, grams: Grams, sentences: list[list[str]]) -> None:
    automaton = automaton_from(arpa(tmp_path, grams))
    for begin in (True, False):
        for sentence in sentences:
            expected, history = [], ["<s>"] if begin else []
            for word in [*sentence, "</s>"]:
                word = "<unk>" if word == "z" else word
                expected.append(reference(grams, tuple(history[-3:]), word))
                history.append(word)
            assert automaton.score(sentence, begin=begin) == pytest.approx(expected, abs=1e-5)
            assert automaton.score(sentence, begin=begin, end=False) == pytest.approx(expected[:-1], abs=1e-5)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(models())
def test_many_states_at_once_are_each_one_alone(tmp_path: Path, grams: Grams) -> None:
    automaton = automaton_from(arpa(tmp_path, grams))
    pairs = [(s, w) for s in range(len(automaton.backoff_states)) for w in range(-1, len(WORDS) + 2)]
    states, words = np.array(pairs, np.int32).T
    log_probs, following = automaton.advance_all(states, words)
    alone = [automaton.advance(state, word) for state, word in pairs]
    assert log_probs.tolist() == pytest.approx([log_prob for log_prob, _ in alone])
    assert following.tolist() == [state for _, state in alone]
    assert automaton.greatest_log_prob() >= log_probs.max() - 1e-6


SMALL: Grams = {
    ("<s>",): (-99, -0.5),
    ("</s>",): (-1, 0),
    ("a",): (-0.5, -0.25),
    ("b",): (-0.75, 0),
    ("<s>", "a"): (-0.125, 0),
    ("a", "b"): (-0.375, 0),
}


def test_what_would_only_back_off_for_free_is_no_state(tmp_path: Path) -> None:
    automaton = automaton_from(arpa(tmp_path, SMALL))
    assert len(automaton.backoff_states) == 3  # nothing, <s>, a
    assert (automaton.order, automaton.start, automaton.end, automaton.unknown) == (2, 1, 1, -1)
    assert automaton.advance(automaton.start, automaton.id("a"))[1] == 2
    assert automaton.advance(2, automaton.id("b"))[1] == 0


def test_unknown_words(tmp_path: Path) -> None:
    automaton = automaton_from(arpa(tmp_path, SMALL))
    assert automaton.id("z") == -1
    assert automaton.score(["z", "b"]) == pytest.approx((OUT_OF_VOCABULARY, -0.75 * LN_10, -LN_10))
    automaton = automaton_from(arpa(tmp_path, SMALL | {("<UNK>",): (-2, 0)}))
    assert automaton.id("z") == automaton.unknown == automaton.id("<UNK>")
    assert automaton.score(["z"])[0] == pytest.approx((-0.5 - 2) * LN_10)


def test_models_without_marks_of_sentences_score_words(tmp_path: Path) -> None:
    automaton = automaton_from(arpa(tmp_path, {("a",): (-0.5, 0)}))
    assert (automaton.start, automaton.end) == (0, -1)
    assert automaton.score(["a"]) == pytest.approx((-0.5 * LN_10, 0))


def test_perplexity_by_hand(tmp_path: Path) -> None:
    automaton = automaton_from(arpa(tmp_path, SMALL | {("<unk>",): (-2, 0)}))
    result = measure(automaton, [["a", "b"], [], ["z"], ["b"]])
    assert (result.sentences, result.words, result.unknown) == (3, 4, 1)
    known = 0.125 + 0.375 + 1 + 1 + (0.5 + 0.75) + 1
    assert result.with_unknown == pytest.approx(10 ** ((known + 2.5) / 7))
    assert result.without_unknown == pytest.approx(10 ** (known / 6))


@given(st.lists(st.integers(0, 2**50), unique=True, max_size=300))
def test_every_key_is_found_and_no_other(keys: list[int]) -> None:
    array = np.array(keys, np.int64)
    table = new_table(len(keys))
    places = insert(table, array)
    assert (find(table, array) == places).all()
    assert (table[places] == array).all()
    assert (table == -1).sum() == len(table) - len(keys) >= 1
    assert (find(table, array[array > 0] * 2 + 2**51) == -1).all()


def test_the_hash_is_the_one_that_decoders_use() -> None:
    product = 123 * 0x9E3779B97F4A7C15 % 2**64
    assert home(np.array([123]), 1 << 20)[0] == (product ^ product >> 32) & (1 << 20) - 1


@pytest.fixture
def automaton(tmp_path: Path) -> Automaton:
    return automaton_from(arpa(tmp_path, SMALL))


def test_an_automaton_survives_on_disk(tmp_path: Path, automaton: Automaton) -> None:
    save_automaton(automaton, tmp_path / "x.lm")
    loaded = load_language_model(tmp_path / "x.lm")
    for field in dataclasses.fields(Automaton):
        assert np.array_equal(getattr(loaded, field.name), getattr(automaton, field.name)), field.name
    with full_beyond(100), pytest.raises(RunError, match="free some space"):
        save_automaton(automaton, tmp_path / "y.lm")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"arcs": records(16, ARC, key=-1, following=[0, 99] * 8)}, "arcs lead nowhere"),
        ({"arcs": records(16, ARC, key=np.arange(16))}, "arrays of wrong length"),
        ({"arcs": records(7, ARC, key=-1)}, "arrays of wrong length"),
        ({"arcs": records(16, ARC, key=-1, score=np.nan)}, "not a finite number"),
        ({"arcs": np.zeros(17, np.uint8)}, "When changing to a larger dtype"),
        ({"states": records(3, STATE, following=[0, 2, 1])}, "round in circles"),
        ({"states": records(3, STATE, score=np.inf)}, "not a finite number"),
        ({"unknown": 5}, "a number is out of range"),
        ({"start": -1}, "arcs lead nowhere"),
    ],
)
def test_arrays_that_would_lead_astray_are_refused(tmp_path, automaton, change, message) -> None:
    path = tmp_path / "x.lm"
    save_automaton(dataclasses.replace(automaton, **change), path)
    with pytest.raises(LanguageModelError, match=f"x.lm: damaged.*{message}.*copy it again"):
        load_automaton(path)


def test_whoever_saves_the_same_writes_the_same_bytes(tmp_path: Path, automaton: Automaton) -> None:
    for name in range(5):
        save_automaton(automaton, tmp_path / f"{name}.lm")
    assert len({path.read_bytes() for path in tmp_path.glob("*.lm")}) == 1


def test_damaged_and_foreign_files_are_one_line(tmp_path: Path, automaton: Automaton) -> None:
    path = tmp_path / "x.lm"
    save_automaton(automaton, path)
    whole = path.read_bytes()
    for content, message in [
        (whole[:-10], "damaged"),
        (whole[10:], "damaged"),
        (b"", "damaged"),
        (save({"a": np.zeros(1)}), "a foreign file"),
        (save({"a": np.zeros(1)}, metadata={"facts": "[1]"}), "damaged"),
        (whole.replace(rb"format_version\":\"2", rb"format_version\":\"3"), "format_version 3, but"),
    ]:
        path.write_bytes(content)
        with pytest.raises(LanguageModelError, match=f"x.lm: {message}") as caught:
            load_automaton(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(LanguageModelError, match=r"no\.lm: no such file"):
        load_automaton(tmp_path / "no.lm")
    with pytest.raises(LanguageModelError, match=r"cannot be read|damaged"):
        load_automaton(tmp_path)


def test_a_model_of_many_words_loads_fast(tmp_path: Path, capsys) -> None:
    random = np.random.default_rng(0)
    sentences = [[f"w{i}" for i in random.zipf(1.2, 12) % 20_000] for _ in range(3000)]
    estimate(sentences, tmp_path / "lm.arpa", Estimation(3))
    start = time.perf_counter()
    automaton = load_language_model(tmp_path / "lm.arpa")
    read = time.perf_counter()
    save_automaton(automaton, tmp_path / "x.lm")
    written = time.perf_counter()
    load_automaton(tmp_path / "x.lm")
    loaded = time.perf_counter() - written
    with capsys.disabled():
        arcs = int((automaton.arc_keys >= 0).sum())
        print(f"\n{arcs} n-grams: ARPA {read - start:.2f} s, .lm {1000 * loaded:.1f} ms")  # noqa: T201
    assert loaded < (read - start) / 5
