"""One spelling for training, recognition and scoring, in any script."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.errors import ConfigError
from asr.text.normalize import NORMALIZERS, _spelling_of, normalize, normalizer_names

NAMES = ("verbatim", "lower", "lower_turkish", "upper", "lower_words", "lower_unhyphenated")

# Plain text rarely meets the characters that make normalisers disagree with themselves; these do.
AWKWARD = st.text(
    alphabet="aIiİıßẞéÉΣσς'’-‐` \t\n.!\u0301\u0307\u0345\u00ad\u200b\u200c\u200d\ufeff\u0085क्षमي"
)


def test_names_are_these() -> None:
    assert normalizer_names() == NAMES == tuple(NORMALIZERS)


@pytest.mark.parametrize("name", NAMES)
@given(text=st.one_of(st.text(), AWKWARD))
def test_twice_is_once(name: str, text: str) -> None:
    once = normalize(text, name)
    assert normalize(once, name) == once


@pytest.mark.parametrize("name", NAMES)
@given(text=st.one_of(st.text(), AWKWARD))
def test_result_is_composed_single_spaced_and_visible(name: str, text: str) -> None:
    result = normalize(text, name)
    assert unicodedata.is_normalized("NFC", result)
    assert result == " ".join(result.split())
    assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in result)
    result.encode()


@pytest.mark.parametrize("name", NAMES)
@given(text=st.text())
def test_composed_and_decomposed_text_become_the_same(name: str, text: str) -> None:
    assert normalize(unicodedata.normalize("NFD", text), name) == normalize(text, name)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("verbatim", "  Guten\tTag,\r\n Welt!\u00a0 ", "Guten Tag, Welt!"),
        ("verbatim", "\ufeffsoft\u00adhy\u200bphen\u200e", "softhyphen"),
        ("verbatim", "e\u200b\u0301", "é"),
        ("verbatim", "a\x00b\x07c", "abc"),
        ("verbatim", "\ud800x", "x"),
        ("verbatim", "", ""),
        ("verbatim", " \u200b ", ""),
        ("lower", "U\u0308BER STRASSE", "über strasse"),
        ("lower", "Fußgänger GRO\u1e9e", "fußgänger groß"),
        ("upper", "Fu\u00df u\u0308ber", "FUSS ÜBER"),
        ("lower_turkish", "İSTANBUL ILIK", "istanbul ılık"),
        ("lower_turkish", "I\u0307stanbul i\u0307stanbul", "istanbul istanbul"),
        ("lower", "İ", "i\u0307"),
        ("lower", "مَرْحَبًا\u200f بالعالم", "مَرْحَبًا بالعالم"),
        ("lower", "می\u200cخواهم", "می\u200cخواهم"),
        ("lower", "क\u094d\u200dष नमस्ते", "क\u094d\u200dष नमस्ते"),
        ("lower", "क\u093c", "क\u093c"),  # NFC leaves this nukta letter in two characters
        ("lower_words", "“Don’t stop!”, she said—‘really’ …", "don't stop she said really"),
        ("lower_words", "a well-known e\u2011mail - rock 'n' roll-", "a well-known e-mail rock n roll"),
        ("lower_words", "one,two/three", "one two three"),
        (
            "lower_unhyphenated",
            "Forty-two: a well\u2011known--Müller-Lüdenscheidt!",
            "forty two a well known müller lüdenscheidt",
        ),
        ("lower_words", "नमस्ते। आप कैसे हैं?", "नमस्ते आप कैसे हैं"),
        ("lower_words", "مرحبا، كيف حالك؟", "مرحبا كيف حالك"),
        ("lower_words", "می\u200cخواهم!", "می\u200cخواهم"),
        ("lower_words", "?!", ""),
    ],
)
def test_spelling(name: str, text: str, expected: str) -> None:
    assert normalize(text, name) == expected


def test_lower_is_the_default() -> None:
    assert normalize("Hello") == "hello"


def test_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(
        ConfigError, match=r"^unknown normalizer 'lower_turksh'; did you mean 'lower_turkish'\?$"
    ):
        normalize("x", "lower_turksh")


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_goes_the_short_way_to_the_same_words(text: str) -> None:
    lowered = normalize(text, "lower").replace("`", "'")
    assert normalize(text, "lower_words") == _spelling_of(lowered)
