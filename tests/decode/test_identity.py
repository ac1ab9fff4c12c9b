"""Names of ways of decoding: whatever changes what is searched changes the name, and nothing else does."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from asr.config import DecodingConfig
from asr.decode.fusion import Fusion
from asr.decode.graph.spelling import graph_of_words
from asr.decode.hotwords import Hotword
from asr.decode.identity import decoding_name, digest
from asr.decode.scorer import AutomatonScorer
from asr.lm.automaton import Automaton
from asr.lm.construction import load_language_model
from asr.lm.storage import save_automaton
from tests.helpers.bundles import TEXTS, random_model
from tests.helpers.language import SENTENCES, small_lm

UNITS = random_model().tokenizer.units
CONFIG = DecodingConfig(beam_size=20)
WORDS = sorted({word for text in TEXTS for word in text.split()})
GRAPH = graph_of_words(WORDS, UNITS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lm")


@pytest.fixture(scope="module")
def model(folder: Path) -> Automaton:
    return load_language_model(small_lm(folder / "lm.arpa"))


@pytest.fixture(scope="module")
def fusion(model: Automaton) -> Fusion:
    return Fusion(units=UNITS, graph=GRAPH, word_model=model, hotwords=(Hotword("one", 3.0),))


def test_names_tell_a_reader_what_they_stand_for(fusion: Fusion) -> None:
    assert decoding_name(None) == "best path"
    assert str(decoding_name(CONFIG)).startswith("beam 20, ")
    assert str(decoding_name(CONFIG, fusion)).startswith("beam 20, alpha 0.5, beta 1, ")


def test_every_setting_of_a_search_is_in_its_name() -> None:
    changes = {
        "beam_size": 21,
        "cutoff_top_n": 39,
        "cutoff_prob": 0.99,
        "beam_threshold": 11.0,
        "blank_threshold": 0.99,
        "commit_frames": 1999,
    }
    assert changes.keys() == {field.name for field in fields(DecodingConfig)}
    names = {decoding_name(replace(CONFIG, **{name: value})) for name, value in changes.items()}
    assert len(names | {decoding_name(CONFIG)}) == len(changes) + 1


def test_everything_that_a_search_knows_is_in_its_name(fusion: Fusion, folder: Path) -> None:
    other = load_language_model(small_lm(folder / "other.arpa", [*SENTENCES, "one nine"]))
    changes = {
        "units": replace(UNITS, separator=-1, mark="▁"),
        "graph": graph_of_words(WORDS[1:], UNITS),
        "vocabulary": "closed",
        "word_model": other,
        "token_model": other,
        "alpha": 0.25,
        "token_alpha": 0.25,
        "beta": 1.5,
        "unknown_score": -3.0,
        "unknown_letter": 0.0,
        "scorer": None,
        "hotwords": (Hotword("one", 4.0),),
    }
    assert changes.keys() == {field.name for field in fields(Fusion)}
    names = {decoding_name(CONFIG, replace(fusion, **{name: value})) for name, value in changes.items()}
    assert len(names) == len(changes)
    assert decoding_name(CONFIG, fusion) in names  # with no scorer, as before
    assert decoding_name(CONFIG) not in names


def test_the_same_is_named_the_same_wherever_it_comes_from(
    fusion: Fusion, model: Automaton, folder: Path
) -> None:
    save_automaton(model, folder / "copy.lm")
    again = Fusion(
        units=random_model(seed=1).tokenizer.units,
        graph=graph_of_words(list(WORDS), UNITS),
        word_model=load_language_model(folder / "copy.lm"),
        beta=1,
        hotwords=(Hotword("one", 3, where="a file"),),
    )
    assert decoding_name(DecodingConfig(beam_size=20), again) == decoding_name(CONFIG, fusion)


def test_the_hash_of_a_file_stands_for_what_was_made_of_it(fusion: Fusion, model: Automaton) -> None:
    made = {origin: replace(fusion, word_model=replace(model, origin=origin)) for origin in ("", "a", "b")}
    graph = replace(fusion, graph=replace(GRAPH, origin="a"))
    assert decoding_name(CONFIG, made[""]) == decoding_name(CONFIG, fusion)
    assert len({decoding_name(CONFIG, one) for one in (*made.values(), graph)}) == 4


def test_what_is_asked_from_outside_has_no_name(model: Automaton) -> None:
    scorer = AutomatonScorer(model)
    assert decoding_name(CONFIG, Fusion(units=UNITS, graph=GRAPH, scorer=scorer)) is None


def test_a_digest_tells_contents_apart() -> None:
    array = np.arange(6, dtype=np.int32)
    values = (array, array.reshape(2, 3), array.astype(np.int64), array[:5], ("a", "b"), ("ab",), ("a", ""))
    assert len({digest(value) for value in (*values, "a", "b", 2, 2.5, None, (1, 2), (1.0, 2.0, 3.0))}) == 14
    assert digest(array) == digest(array.copy())
    assert digest(2, (3, 4)) == digest(2.0, (3.0, 4.0))
    assert digest("a", "b") != digest("ab")
    assert digest(np.arange(12)[::2]) == digest(np.arange(0, 12, 2))
