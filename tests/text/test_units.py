"""Units: what bounds words is said once, and tokenizers say it of themselves."""

from __future__ import annotations

import pytest

from asr.text.tokenizer import BLANK, CharacterTokenizer, WordTokenizer
from asr.text.units import Units


def test_characters_are_separated_where_the_vocabulary_has_a_space() -> None:
    assert CharacterTokenizer((BLANK, "a", "▁", "b")).units == Units(("", "a", "▁", "b"), separator=2)
    assert CharacterTokenizer((BLANK, "日", "本")).units == Units(("", "日", "本"))


def test_tokens_that_are_words_have_no_bounds() -> None:
    units = WordTokenizer((BLANK, "no", "yes")).units
    assert units == Units(("", "no", "yes"))
    assert len(units) == 3


def test_whether_tokens_bound_and_spell_words() -> None:
    characters, subwords = Units(("", "a", "▁"), separator=2), Units(("", "▁a", "b"), mark="▁")
    script, words = Units(("", "日", "本")), Units(("", "no", "a"))
    assert [units.bounded for units in (characters, subwords, script, words)] == [True, True, False, False]
    assert [units.spells for units in (characters, subwords, script, words)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("texts", "separator", "mark", "message"),
    [
        (("", "a", "▁"), 2, "▁", "not by both"),
        (("", "a"), 2, "", r"the separator \(2\)"),
        (("", "a"), -2, "", r"the separator \(-2\)"),
        (("", "a"), 0, "", r"the separator \(0\)"),
        (("<blk>", "a"), -1, "", "the first token is blank"),
        ((), -1, "", "the first token is blank"),
    ],
)
def test_units_that_cannot_be_are_refused(texts, separator, mark, message) -> None:
    with pytest.raises(ValueError, match=message):
        Units(texts, separator, mark)


def test_other_units_have_another_fingerprint() -> None:
    units = [
        Units(("", "a", "b")),
        Units(("", "b", "a")),
        Units(("", "a", "b"), separator=1),
        Units(("", "a", "b"), mark="a"),
        Units(("", "ab")),
    ]
    assert len({one.fingerprint() for one in units}) == len(units)
    assert Units(("", "a", "b")).fingerprint() == units[0].fingerprint()
