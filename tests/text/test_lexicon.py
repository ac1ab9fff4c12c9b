"""Lexicons: what other toolkits write is read, and what is wrong is named with its line."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asr.errors import LexiconError
from asr.text.lexicon import Lexicon, read_lexicon
from asr.text.units import Units

PHONES = Units(("", "r", "iː", "ɛ", "d", "1"))
LETTERS = Units(("", "▁", "a", "b"), separator=1)
SUBWORDS = Units(("", "▁", "▁a", "b", "c"), mark="▁")


def entries(lexicon: Lexicon) -> list[tuple[str, tuple[int, ...], float]]:
    """Word, tokens and probability of each pronunciation."""
    found, first = [], 0
    for word, length, log_prob in zip(lexicon.word_ids, lexicon.lengths, lexicon.log_probs, strict=True):
        tokens = tuple(lexicon.tokens[first : first + length].tolist())
        found.append((lexicon.words[word], tokens, round(math.exp(log_prob), 5)))
        first += length
    assert first == len(lexicon.tokens)
    return found


def read(folder: Path, content: str | bytes, units: Units = PHONES) -> Lexicon:
    path = folder / "words.txt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_lexicon(path, units)


def test_variants_homophones_and_probabilities(tmp_path: Path) -> None:
    lexicon = read(tmp_path, "red r ɛ d\nread 0.75 r iː d\nread .25 r ɛ d\nreed 1e-1 r iː d\n")
    assert lexicon.words == ("red", "read", "reed")
    assert entries(lexicon) == [
        ("red", (1, 3, 4), 1),
        ("read", (1, 2, 4), 0.75),
        ("read", (1, 3, 4), 0.25),
        ("reed", (1, 2, 4), 0.1),
    ]


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffred r ɛ d\r\n\r\nread\tr  iː d\r\n",
        "\n  \nred  r ɛ d  \nread r iː d",
        "red r ɛ d\nread 1.0 r iː d\nred r ɛ d\n",  # a line twice says nothing new
    ],
)
def test_marks_blank_lines_and_other_line_ends_do_not_matter(tmp_path: Path, content: str) -> None:
    assert entries(read(tmp_path, content)) == [("red", (1, 3, 4), 1), ("read", (1, 2, 4), 1)]


def test_a_number_that_is_a_token_is_a_token(tmp_path: Path) -> None:
    lexicon = read(tmp_path, "a 1 d\nb 0.5 1 d\nc 1.0 d\n")
    assert entries(lexicon) == [("a", (5, 4), 1), ("b", (5, 4), 0.5), ("c", (4,), 1)]


def test_composed_and_decomposed_spellings_meet(tmp_path: Path) -> None:
    units = Units(("", "a\u0303", "\xe9"))  # ã decomposed, é composed
    lexicon = read(tmp_path, "cafe\u0301 \xe3 e\u0301\n", units)
    assert entries(lexicon) == [("caf\xe9", (1, 2), 1)]


def test_subwords_and_letters(tmp_path: Path) -> None:
    assert entries(read(tmp_path, "ab ▁a b\nbc ▁ b c\n", SUBWORDS)) == [
        ("ab", (2, 3), 1),
        ("bc", (1, 3, 4), 1),
    ]
    assert entries(read(tmp_path, "ab a b\n", LETTERS)) == [("ab", (2, 3), 1)]


@pytest.mark.parametrize(
    ("units", "content", "message"),
    [
        (
            PHONES,
            "red r ɛ d\n\nread r i d\n",
            r"line 3: token 'i' of 'read' is not in the vocabulary.*take it",
        ),
        (PHONES, "read r1 iː d\n", r"line 1: token 'r1' .* \(did you mean 'r'\?\); correct the line"),
        (PHONES, "red r ɛ d\r\nread\r\n", "line 2: 'read' has no tokens; correct the line, or take it out"),
        (PHONES, "read 0.5\n", "line 1: 'read' has no tokens"),
        (PHONES, "read 1.5 r\n", "line 1: the probability '1.5' is not above 0"),
        (PHONES, "read 0 r\n", "line 1: the probability '0' is not above 0"),
        (PHONES, "read -0.5 r\n", "line 1: the probability '-0.5' is not above 0"),
        (PHONES, "read 1e-999 r\n", "line 1: the probability '1e-999' is not above 0"),
        (PHONES, "read nan r\n", "line 1: token 'nan'"),
        (PHONES, "read <blk> r\n", "line 1: token '<blk>'"),
        (PHONES, "a r\na 0.5 r\n", "line 2: 'a' stands in an earlier line with another probability"),
        (PHONES, "", "holds no words; write lines"),
        (PHONES, "\ufeff\r\n \n", "holds no words; write lines"),
        (PHONES, b"a r\nb \xff\n", "line 2: not UTF-8; save"),
        (PHONES, b"\xef\xbb\xbfa r\n\nb \xff\n", "line 3: not UTF-8; save"),
        (LETTERS, "ab a b\nab a ▁ b\n", "line 2: '▁' separates words and is not written"),
        (SUBWORDS, "ab ▁a b\nb b\n", "line 2: the first token of a word begins with '▁', unlike 'b'"),
        (SUBWORDS, "ab ▁a ▁a\n", "line 1: '▁a' begins a word, but stands inside one"),
        (SUBWORDS, "ab ▁\n", "line 1: '▁' alone is no word"),
        (PHONES, "x" * 500 + " z\n", "line 1: token 'z' of 'xxx.*…'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, units: Units, content: str | bytes, message: str) -> None:
    with pytest.raises(LexiconError, match=f"words.txt(: |, ){message}") as caught:
        read(tmp_path, content, units)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(LexiconError, match=r"no\.txt: no such file; check the path"):
        read_lexicon(tmp_path / "no.txt", PHONES)
    with pytest.raises(LexiconError, match="cannot be read"):
        read_lexicon(tmp_path, PHONES)


FIELDS = st.sampled_from(
    [*PHONES.texts, "read", "0.5", "2", "\ufeff", "\xa0", "\x00", "ɛ\r", "\x1c", "e\u0301"]
)
LINES = st.lists(st.lists(FIELDS | st.text(max_size=3), max_size=4).map(" ".join), max_size=5)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=40) | LINES.map(lambda lines: "\n".join(lines).encode(errors="replace")))
def test_any_bytes_are_a_lexicon_or_one_line_of_error(tmp_path: Path, content: bytes) -> None:
    try:
        lexicon = read(tmp_path, content)
    except LexiconError as error:
        assert "\n" not in str(error)
        assert str(error).startswith(str(tmp_path / "words.txt"))
    else:
        assert entries(lexicon)
        assert set(lexicon.tokens.tolist()) <= set(range(1, len(PHONES)))
        assert lexicon.lengths.min() >= 1
        assert (lexicon.log_probs <= 0).all()
