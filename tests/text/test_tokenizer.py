"""Tokens: any script round-trips, what is unknown is named, and a damaged list is refused."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from asr.config import TokenizerConfig
from asr.errors import BundleError, TextError
from asr.text.normalize import normalize, normalizer_names
from asr.text.tokenizer import (
    BLANK,
    Tokenizer,
    read_tokens,
    tokenizer_from_texts,
    tokenizer_from_vocabulary,
    unwritable,
    write_tokens,
)
from asr.text.units import SPACE, WordSpan

CHARACTERS, WORDS = TokenizerConfig(kind="characters"), TokenizerConfig(kind="words")
SUBWORDS = TokenizerConfig(kind="subwords", subwords=40)
TEXTS = {
    "german": ["größe über alles", "öl ja straße"],
    "turkish": ["ılık süt içiyor", "çiğ köfte şeker"],
    "arabic": ["السلام عليكم", "كَتَبَ الوَلَدُ"],
    "devanagari": ["नमस्ते दुनिया", "क्षत्रिय ज्ञान"],
    "japanese": ["日本語 です"],
    "hangul": ["한국어 말하기"],
    "yoruba": ["ọ̀rọ̀ yorùbá"],  # combining marks that have no composed form
}
NORMALIZED = st.builds(
    normalize,
    st.text(st.characters(exclude_characters=SPACE), max_size=30),
    st.sampled_from(normalizer_names()),
)


@pytest.mark.parametrize("config", [CHARACTERS, SUBWORDS, WORDS])
@pytest.mark.parametrize("script", TEXTS)
def test_any_script_round_trips_composed_and_decomposed(script: str, config: TokenizerConfig) -> None:
    texts = [unicodedata.normalize("NFC", text) for text in TEXTS[script]]
    tokenizer = tokenizer_from_texts(config, texts)
    for text in texts:
        tokens = tokenizer.encode(text)
        assert tokenizer.encode(unicodedata.normalize("NFD", text)) == tokens
        assert tokenizer.decode(tokens) == text
        assert [span.text for span in tokenizer.words(tokens)] == text.split()
        assert 0 not in tokens
    decomposed = [unicodedata.normalize("NFD", text) for text in texts]
    assert tokenizer_from_texts(config, decomposed).vocabulary == tokenizer.vocabulary


@pytest.mark.parametrize("config", [CHARACTERS, WORDS])
@given(st.lists(NORMALIZED, min_size=1, max_size=3))
def test_any_normalized_text_round_trips(config: TokenizerConfig, texts: list[str]) -> None:
    assume(any(texts) and not any(unwritable(config, text) for text in texts))
    tokenizer = tokenizer_from_texts(config, texts)
    for text in texts:
        assert tokenizer.decode(tokenizer.encode(text)) == text
        assert tokenizer.unknown(text) == []


@pytest.mark.parametrize("config", [CHARACTERS, WORDS])
@given(st.lists(NORMALIZED, min_size=1, max_size=3), NORMALIZED)
def test_unknown_is_what_encode_refuses(config: TokenizerConfig, texts: list[str], text: str) -> None:
    assume(any(texts) and not any(unwritable(config, one) for one in texts))
    tokenizer = tokenizer_from_texts(config, texts)
    unknown = tokenizer.unknown(text)
    if not unknown:
        tokenizer.encode(text)
        return
    with pytest.raises(TextError) as caught:
        tokenizer.encode(text)
    assert repr(unknown[0]) in str(caught.value)
    assert f"U+{ord(unknown[0][0]):04X}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_character_is_named_with_its_code() -> None:
    tokenizer = tokenizer_from_texts(CHARACTERS, ["abc"])
    with pytest.raises(TextError, match=r"'ß' \(U\+00DF\) in 'abßc' is not in the vocabulary; correct"):
        tokenizer.encode("abßc")
    assert tokenizer.unknown("xaß xb") == ["x", "ß", " "]
    words = tokenizer_from_texts(WORDS, ["yes no"])
    with pytest.raises(TextError, match=r"'maybe' \(U\+006D U\+0061 U\+0079\) in 'yes maybe'"):
        words.encode("yes maybe")
    assert words.unknown("no maybe yes maybe never") == ["maybe", "never"]


@given(st.lists(NORMALIZED, min_size=1, max_size=4), st.randoms())
def test_vocabulary_is_sorted_after_blank_whatever_the_order_of_the_texts(texts: list[str], random) -> None:
    assume(any(texts))
    vocabulary = tokenizer_from_texts(CHARACTERS, texts).vocabulary
    assert vocabulary[0] == BLANK
    assert list(vocabulary[1:]) == sorted(set(vocabulary[1:]))
    random.shuffle(texts)
    assert tokenizer_from_texts(CHARACTERS, texts).vocabulary == vocabulary


def test_vocabulary_of_characters_and_of_words() -> None:
    assert tokenizer_from_texts(CHARACTERS, ["ba b", "c"]).vocabulary == (BLANK, "a", "b", "c", SPACE)
    assert tokenizer_from_texts(WORDS, ["ba b", "c b"]).vocabulary == (BLANK, "b", "ba", "c")


@pytest.mark.parametrize("config", [CHARACTERS, SUBWORDS, WORDS])
def test_empty_texts_give_no_vocabulary(config: TokenizerConfig) -> None:
    with pytest.raises(TextError, match="texts are empty"):
        tokenizer_from_texts(config, ["", ""])
    assert tokenizer_from_texts(config, ["a"]).encode("") == []
    assert tokenizer_from_texts(config, ["a"]).decode([]) == ""


def letters() -> Tokenizer:
    return tokenizer_from_vocabulary(CHARACTERS, (BLANK, "a", "b", SPACE))


@pytest.mark.parametrize(
    ("tokens", "spans", "text"),
    [
        ([1, 2, 3, 2], [("ab", 0, 2), ("b", 3, 4)], "ab b"),
        ([3, 3, 1, 3, 3, 2, 3], [("a", 2, 3), ("b", 5, 6)], "a b"),
        ([3, 3], [], ""),
        ([], [], ""),
    ],
)
def test_words_are_cut_at_spaces(tokens: list[int], spans: list[tuple[str, int, int]], text: str) -> None:
    assert letters().words(tokens) == tuple(WordSpan(*span) for span in spans)
    assert letters().decode(tokens) == text


def test_every_word_token_is_a_word() -> None:
    tokenizer = tokenizer_from_vocabulary(WORDS, (BLANK, "no", "yes"))
    assert tokenizer.words([2, 2, 1]) == (WordSpan("yes", 0, 1), WordSpan("yes", 1, 2), WordSpan("no", 2, 3))


@pytest.mark.parametrize("config", [CHARACTERS, WORDS])
@given(st.lists(NORMALIZED, min_size=1, max_size=3))
def test_tokens_txt_round_trips(config: TokenizerConfig, texts: list[str]) -> None:
    assume(any(texts) and not any(unwritable(config, text) for text in texts))
    vocabulary = tokenizer_from_texts(config, texts).vocabulary
    content = write_tokens(vocabulary)
    assert read_tokens(content.encode().decode(), "tokens.txt") == vocabulary
    assert content.startswith(f"{BLANK} 0\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1: expected 'token 0'"),
        ("<blk> 0\na 1\nb 3\n", "line 3: expected 'token 2'"),
        ("<blk> 0\na\n", "line 2: expected 'token 1'"),
        ("<blk> 0\n 1\n", "line 2: expected 'token 1'"),
        ("<blk> 0\na 1\n\n", "line 3: expected 'token 2'"),
        ("a 0\nb 1\n", "the first token must be <blk>"),
    ],
)
def test_damaged_tokens_txt_is_refused(content: str, message: str) -> None:
    with pytest.raises(BundleError) as caught:
        read_tokens(content, "model/tokens.txt")
    assert str(caught.value).startswith("model/tokens.txt")
    assert message in str(caught.value)
    assert "damaged" in str(caught.value)


@pytest.mark.parametrize(
    ("config", "text", "message"),
    [
        (
            CHARACTERS,
            "one▁two",
            "the text 'one▁two' holds ▁ (U+2581), which stands for the space between words in tokens.txt; "
            "take it out of the text, or choose the normaliser lower_words, which does",
        ),
        (
            WORDS,
            "one <blk> two",
            "the text 'one <blk> two' holds <blk>, which stands for CTC's blank in tokens.txt; "
            "take it out of the text, or choose the normaliser lower_words, which does",
        ),
    ],
)
def test_a_text_with_a_sign_of_the_vocabulary_is_refused(
    config: TokenizerConfig, text: str, message: str
) -> None:
    with pytest.raises(TextError) as caught:
        tokenizer_from_texts(config, ["a b", text])
    assert str(caught.value) == unwritable(config, text) == message
    assert unwritable(config, normalize(text, "lower_words")) == ""


def test_the_sign_for_blank_or_space_is_no_unit_that_can_be_spoken() -> None:
    for config, text, unit in ((CHARACTERS, "a▁b", "▁"), (WORDS, "a <blk>", "<blk>")):
        tokenizer = tokenizer_from_texts(config, ["a b"])
        assert tokenizer.unknown(text) == [unit]
        with pytest.raises(TextError, match="is not in the vocabulary"):
            tokenizer.encode(text)


def test_what_only_looks_like_a_sign_of_the_vocabulary_is_kept() -> None:
    for config, text in ((CHARACTERS, "a <blk> b"), (WORDS, "a▁b ▁ a<blk>")):
        tokenizer = tokenizer_from_texts(config, [text])
        assert tokenizer.decode(tokenizer.encode(text)) == text
