"""The messages of Vosk's protocol, without a server."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.serve.limits import Goodbye
from asr.serve.vosk import DEFAULT_RATE, End, Settings, partial, read_message, result
from asr.transcript import Segment, Word

ONE = Segment((Word("a", 0.5, 1.0, 0.75), Word("<b>", 1.0, 1.25, 0.5)), "a <b>", 0.0, 1.5)
TWO = Segment((Word("c", 2.0, 2.5, 1.0),), "c", 1.5, 3.0)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(st.text(), PLAIN, max_size=2)
SILENT = Segment((), "", 3.0, 4.0)


def one(key: str, value: str) -> str:
    return f'{{"config": {{"{key}": {value}}}}}'


def configured(**config: object) -> Settings | End:
    return read_message(json.dumps({"config": config}), Settings())


def test_without_a_config_vosks_defaults_hold() -> None:
    assert configured() == Settings(sample_rate=DEFAULT_RATE, words=True, phrases=(), alternatives=0)
    assert DEFAULT_RATE == 8000


def test_a_config_changes_what_it_names() -> None:
    given = configured(sample_rate="44100.0", words=0, max_alternatives=3, model="other", stable=True)
    assert given == Settings(44_100, words=False, alternatives=3, stable=True)
    assert read_message('{"config": {"words": true}}', given) == Settings(44_100, alternatives=3, stable=True)


def test_phrases_are_cleaned_of_vosks_mark_for_anything_else() -> None:
    settings = configured(phrase_list=["zero  one\n two", "[unk]", "zero one two", "nine [unk]", ""])
    assert isinstance(settings, Settings)
    assert settings.phrases == ("zero one two", "nine")
    assert configured(phrase_list=None) == configured(phrase_list=[]) == Settings()


def test_eof_ends_all_and_reset_the_sentence() -> None:
    assert read_message('{"eof" : 1}', Settings()) == End(all=True)
    assert read_message('{"reset": 1}', Settings()) == End(all=False)


@pytest.mark.parametrize(
    "text",
    [
        *("", "eof", "[]", "1", "null", "{", '{"eof": 0}', '{"config": 1}', '{"config": []}', "[" * 100_000),
        *(one("sample_rate", rate) for rate in ("0", "-1", "1e9", "NaN", '"x"', "[]", "8000.5")),
        *(one("max_alternatives", count) for count in ("-1", '"x"', "null", "1e400", "NaN")),
        *(one("phrase_list", phrases) for phrases in ("3", '"x"', "[1]", '{"a": 1}')),
        one("phrase_list", json.dumps(["a"] * 1001)),
    ],
)
def test_what_is_no_message_ends_the_conversation(text: str) -> None:
    with pytest.raises(Goodbye) as caught:
        read_message(text, Settings())
    assert caught.value.code == 1007
    assert len(caught.value.reason.encode()) <= 123


@given(st.text() | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read_message(text, Settings())
    except Goodbye as goodbye:
        assert goodbye.code == 1007


@given(st.dictionaries(st.sampled_from(["sample_rate", "words", "phrase_list", "max_alternatives"]), VALUES))
def test_any_config_is_taken_or_refused(config: dict) -> None:
    try:
        settings = configured(**config)
    except Goodbye as goodbye:
        assert goodbye.code == 1007
    else:
        assert isinstance(settings, Settings)
        assert 8000 <= settings.sample_rate <= 48_000


def test_a_partial_answer_tells_what_is_stable_only_to_who_asked() -> None:
    assert json.loads(partial("a b", " c", Settings())) == {"partial": "a b c"}
    assert json.loads(partial("a b", " c", Settings(stable=True))) == {"partial": "a b c", "stable": "a b"}
    assert json.loads(partial("", "", Settings())) == {"partial": ""}


def test_a_result_has_the_words_of_all_its_segments() -> None:
    assert json.loads(result((ONE, SILENT, TWO), Settings())) == {
        "result": [
            {"conf": 0.75, "start": 0.5, "end": 1.0, "word": "a"},
            {"conf": 0.5, "start": 1.0, "end": 1.25, "word": "<b>"},
            {"conf": 1.0, "start": 2.0, "end": 2.5, "word": "c"},
        ],
        "text": "a <b> c",
    }
    assert json.loads(result((ONE,), Settings(words=False))) == {"text": "a <b>"}
    assert json.loads(result((), Settings())) == json.loads(result((SILENT,), Settings())) == {"text": ""}


def test_alternatives_have_vosks_shape() -> None:
    content = json.loads(result((ONE,), Settings(alternatives=2)))
    (reading,) = content["alternatives"]
    assert reading["text"] == "a <b>"
    assert reading["confidence"] == 0.625
    assert reading["result"][0] == {"start": 0.5, "end": 1.0, "word": "a"}
