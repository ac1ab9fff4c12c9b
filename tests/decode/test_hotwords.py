"""Hotwords give what they promise: each occurrence its weight, and nothing for what only began like one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.decode.hotwords import (
    DEFAULT_WEIGHT,
    Hotword,
    greatest_credit,
    read_hotwords,
    token_hotwords,
    word_hotwords,
)
from asr.decode.knowledge.arrays import Arcs
from asr.errors import HotwordError
from asr.lm.hashing import find
from asr.text.units import Units

CHARACTERS = Units(("", "a", "▁", "b", "c"), separator=2)
PIECES = ("a", "b", "c", "▁", "▁a", "ab", "▁ab", "bc", "▁cab", "abc", "▁bcab", "ba")

words = st.text("abc", min_size=1, max_size=4)
texts = st.lists(words, max_size=8)
weights = st.integers(-40, 40).map(lambda eighths: eighths / 8)
phrases = st.lists(words, min_size=1, max_size=3).map(" ".join)
lists = st.lists(st.builds(Hotword, phrases, weights), min_size=1, max_size=6)


def read(arcs: Arcs, state: int, symbol: int) -> tuple[float, int]:
    """The definition of `Arcs`."""
    gained = 0.0
    while True:
        place = int(find(arcs.keys, np.array([state << 24 | symbol]))[0])
        if place >= 0:
            return gained + float(arcs.scores[place]), int(arcs.following[place])
        if state == 0:
            return gained, 0
        gained += float(arcs.backoff_scores[state])
        assert arcs.backoff_states[state] < state
        state = int(arcs.backoff_states[state])


def read_all(arcs: Arcs, state: int, symbols: Sequence[int]) -> list[float]:
    """What has been gained after each symbol."""
    totals, total = [], 0.0
    for symbol in symbols:
        gained, state = read(arcs, state, symbol)
        total += gained
        totals.append(total)
    return totals


def occurrences(phrase: Sequence[str] | str, text: Sequence[str] | str) -> int:
    return sum(text[i : i + len(phrase)] == phrase for i in range(len(text)))


def deserved(hotwords: Sequence[Hotword], text: str) -> float:
    """The weights of all phrases that stand in a text between two boundaries."""
    return sum(hotword.weight * occurrences(f" {hotword.phrase} ", text) for hotword in hotwords)


def lent(hotwords: Sequence[Hotword], text: str) -> float:
    """The share of the longest beginning of a phrase that the text ends in."""
    together: dict[str, float] = {}
    for hotword in hotwords:
        together[hotword.phrase] = together.get(hotword.phrase, 0.0) + hotword.weight
    for length in range(len(text), 1, -1):
        shares = [
            round(weight * (length - 1) / (len(phrase) + 1) * 4096) / 4096
            for phrase, weight in together.items()
            if f" {phrase} ".startswith(text[-length:]) and length < len(phrase) + 2
        ]
        if shares:
            return max(shares)
    return 0.0


@given(lists, texts)
def test_characters_gain_what_is_complete_and_the_share_of_what_has_begun(hotwords, text) -> None:
    arcs, start = token_hotwords(hotwords, CHARACTERS)
    written = "▁".join(text)
    tokens = [CHARACTERS.texts.index(character) for character in written]
    *totals, final = read_all(arcs, start, [*tokens, len(CHARACTERS)])
    for count, total in enumerate(totals, start=1):
        so_far = " " + written[:count].replace("▁", " ")
        assert total == deserved(hotwords, so_far) + lent(hotwords, so_far), so_far
    assert final == deserved(hotwords, f" {' '.join(text)} ")


@given(lists, texts)
def test_a_separator_at_the_end_of_the_text_changes_nothing(hotwords, text) -> None:
    arcs, start = token_hotwords(hotwords, CHARACTERS)
    tokens = [CHARACTERS.texts.index(character) for character in "".join(f"{word}▁" for word in text)]
    assert read_all(arcs, start, [*tokens, len(CHARACTERS)])[-1] == deserved(hotwords, f" {' '.join(text)} ")


@given(lists, texts, st.data())
def test_every_segmentation_into_subwords_gains_the_same(hotwords, text, data) -> None:
    others = data.draw(st.lists(st.sampled_from(PIECES[4:]), unique=True))
    units = Units(("", *data.draw(st.permutations([*PIECES[:4], *others]))), mark="▁")
    arcs, start = token_hotwords(hotwords, units)
    written = "".join(f"▁{word}" for word in text)
    tokens, at = [], int(bool(text) and data.draw(st.booleans()))  # the first mark may be left out
    while at < len(written):
        fitting = [
            token for token, piece in enumerate(units.texts) if piece and written.startswith(piece, at)
        ]
        tokens.append(data.draw(st.sampled_from(fitting)))
        at += len(units.texts[tokens[-1]])
    totals = read_all(arcs, start, [*tokens, len(units)])
    assert totals[-1] == deserved(hotwords, f" {' '.join(text)} ")
    for count, total in enumerate(totals[:-1], start=1):
        so_far = " " + "".join(units.texts[token] for token in tokens[:count]).lstrip("▁").replace("▁", " ")
        if so_far != " ":
            assert total == deserved(hotwords, so_far) + lent(hotwords, so_far), so_far


@given(lists, texts, st.booleans())
def test_words_gain_the_weights_of_their_phrases(hotwords, text, unknown) -> None:
    vocabulary = list(dict.fromkeys([*text, *(word for hotword in hotwords for word in hotword.words)]))
    arcs, start = word_hotwords(hotwords, vocabulary)
    symbols = [vocabulary.index(word) for word in text]
    if unknown:
        text, symbols = [*text, "?", *text], [*symbols, len(vocabulary) + 7, *symbols]
    expected = sum(hotword.weight * occurrences(list(hotword.words), text) for hotword in hotwords)
    assert read_all(arcs, start, [*symbols, len(vocabulary)])[-1] == pytest.approx(expected, abs=1e-9)
    tokens = Units(("", *vocabulary))
    arcs, start = token_hotwords(hotwords, tokens)
    symbols = [symbol + 1 for symbol in symbols]
    assert read_all(arcs, start, [*symbols, len(tokens)])[-1] == pytest.approx(expected, abs=1e-9)


@given(lists, st.lists(phrases, max_size=6))
def test_a_phrase_of_a_grammar_is_read_word_by_word(hotwords, text) -> None:
    vocabulary = [*(hotword.phrase for hotword in hotwords), *text]
    arcs, start = word_hotwords(hotwords, vocabulary)
    symbols = [vocabulary.index(phrase) for phrase in text]
    total = read_all(arcs, start, [*symbols, len(vocabulary)])[-1]
    spoken = " ".join(text).split()
    assert total == sum(hotword.weight * occurrences(list(hotword.words), spoken) for hotword in hotwords)


@settings(max_examples=50)
@given(lists, st.sampled_from(["characters", "subwords", "words"]))
def test_no_symbol_gains_more_than_the_greatest_credit(hotwords, kind) -> None:
    if kind == "words":
        arcs, _ = word_hotwords(hotwords, [word for hotword in hotwords for word in hotword.words])
        count = 20
    else:
        units = CHARACTERS if kind == "characters" else Units(("", *PIECES), mark="▁")
        arcs, _ = token_hotwords(hotwords, units)
        count = len(units)
    gained = [
        read(arcs, state, symbol)[0]
        for state in range(len(arcs.backoff_states))
        for symbol in range(1, count + 1)
    ]
    assert greatest_credit(arcs) >= max(0, *gained)


def test_the_greatest_credit_is_one_share_of_the_greatest_weight() -> None:
    arcs, _ = token_hotwords([Hotword("abb", 4.0), Hotword("ca", 2.0)], CHARACTERS)
    assert greatest_credit(arcs) == 1.0
    arcs, _ = token_hotwords([Hotword("abb", -4.0)], CHARACTERS)
    assert greatest_credit(arcs) == 3.0  # given back


def test_only_whole_words_count() -> None:
    units = Units(("", "▁", *"artyp"), separator=1)
    arcs, start = token_hotwords([Hotword("art", 4.0)], units)
    for text, totals in [("art", [1, 2, 3, 4]), ("party", [0] * 6), ("arty", [1, 2, 3, 0, 0])]:
        tokens = [units.texts.index(character) for character in text]
        assert read_all(arcs, start, [*tokens, len(units)]) == totals, text


def test_weights_that_are_no_binary_fractions_come_out_to_a_millionth() -> None:
    arcs, start = token_hotwords([Hotword("ab ab", 7.3), Hotword("b", -0.1), Hotword("ab", 0.7)], CHARACTERS)
    tokens = [CHARACTERS.texts.index(character) for character in "ab▁ab▁ab▁b▁abc▁ab"]
    assert read_all(arcs, start, [*tokens, 5])[-1] == pytest.approx(2 * 7.3 - 0.1 + 4 * 0.7, abs=2e-6)


def test_no_hotwords_give_nothing() -> None:
    for arcs, start in (token_hotwords([], CHARACTERS), word_hotwords([], ["a"])):
        assert read_all(arcs, start, [1, 2, 1]) == [0, 0, 0]
        assert greatest_credit(arcs) == 0


def test_composed_and_decomposed_letters_are_the_same() -> None:
    units = Units(("", "▁", "é", "t"), separator=1)
    arcs, start = token_hotwords([Hotword("e\u0301te\u0301", 1.0)], units)
    assert read_all(arcs, start, [2, 3, 2, 4])[-1] == 1


def test_what_can_never_be_recognised_is_an_error() -> None:
    where = "names.txt, line 3"
    with pytest.raises(
        HotwordError, match=r"^names.txt, line 3: the hotword 'a x' can .*'x' \(U\+0078\) is not"
    ):
        token_hotwords([Hotword("a x", 1.0, where)], CHARACTERS)
    with pytest.raises(HotwordError, match=r"^the hotword 'a▁b' can never be recognised: '▁'"):
        token_hotwords([Hotword("a▁b", 1.0)], CHARACTERS)
    with pytest.raises(HotwordError, match="'ab b' can never be recognised: no tokens put together write it"):
        token_hotwords([Hotword("ab b")], Units(("", "▁a", "b"), mark="▁"))
    with pytest.raises(HotwordError, match="'a x' can never be recognised: 'x' is not in the vocabulary"):
        word_hotwords([Hotword("a x")], ["a", "b"])


def test_a_list_is_read(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes("\ufeffNew  York\t8\r\n\r\n  Ann \r\nmet for men\t -4.5 \r\nANN".encode())
    expected = (Hotword("new york", 8), Hotword("ann", DEFAULT_WEIGHT), Hotword("met for men", -4.5))
    assert read_hotwords(path, normalizer="lower") == expected
    assert [hotword.where[-6:] for hotword in read_hotwords(path)] == ["line 1", "line 3", "line 4", "line 5"]
    assert read_hotwords(path, 2.0)[1] == Hotword("Ann", 2.0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\nb\tx", "line 2: the weight 'x' is not a number"),
        (b"a\t", "line 1: the weight '' is not a number"),
        (b"a\tnan", "line 1: the weight 'nan' is not a number"),
        (b"a\tinf", "line 1: the weight inf of 'a' is not a number from -1000 to 1000"),
        (b"a\t1\t2", "line 1: more than one tab"),
        (b"\n\t3", "line 2: the phrase is empty"),
        (b"a\nA\t3", "line 2: 'a' has stood there with another weight \\(5\\)"),
        (b"a\nb\xff", "line 2: not UTF-8"),
        (b"\n \n", "holds no phrases"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes(content)
    with pytest.raises(
        HotwordError, match=f"names.txt(:|, ){'' if message[:4] == 'line' else ' '}{message}"
    ) as caught:
        read_hotwords(path, normalizer="lower")
    assert "\n" not in str(caught.value)


def test_a_missing_list_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(HotwordError, match="no such file; check the path"):
        read_hotwords(tmp_path / "names.txt")
    with pytest.raises(HotwordError, match="cannot be read"):
        read_hotwords(tmp_path)


def test_a_thousand_hotwords_in_a_thousand_subwords_take_a_second_or_so(capsys) -> None:
    random = np.random.default_rng(0)
    letters = np.array(list("etaoinshrdlucmfwypvbgkjqxz"))
    share = 1 / np.arange(1, 27)

    def text(length: int) -> str:
        return "".join(random.choice(letters, length, p=share / share.sum()))

    pieces = dict.fromkeys([*letters, "▁"])
    while len(pieces) < 1023:
        pieces[("▁" if random.random() < 0.5 else "") + text(random.integers(1, 6))] = None
    units = Units(("", *pieces), mark="▁")
    hotwords = [Hotword(f"{text(6)} {text(8)}"[: random.integers(5, 16)].strip()) for _ in range(1000)]
    start = time.process_time()
    arcs, _ = token_hotwords(hotwords, units)
    seconds = time.process_time() - start
    with capsys.disabled():
        states, count = len(arcs.backoff_states), int((arcs.keys >= 0).sum())
        print(f"\n1,000 hotwords: {states} states, {count} arcs in {seconds:.2f} s")  # noqa: T201
    assert seconds < 10  # a second or two of one core was asked for
