"""Alignments multiply out to their words, find what stands for what, and leave nothing out without a word."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from asr.pronounce.alignment import LONGEST, ROUNDS, align
from asr.pronounce.graphones import STEPS, Graphone
from asr.text.lexicon_text import Entry

entries = st.builds(
    Entry,
    st.text("abcé'", min_size=0, max_size=9),
    st.lists(st.sampled_from(["A", "B", "SH", "ɔː"]), max_size=12).map(tuple),
)


@settings(max_examples=25)
@given(st.lists(entries, max_size=12))
def test_graphones_multiply_out_to_their_words(lexicon: list[Entry]) -> None:
    done = align(lexicon)
    kept = [entry for entry in lexicon if 0 < len(entry.phones) <= 2 * len(entry.word)]
    assert sorted(map(str, done.left_out)) == sorted(str(entry) for entry in lexicon if entry not in kept)
    assert len(done.words) == len(kept)
    for entry, graphones in zip(kept, done.words, strict=True):
        assert "".join(one.letters for one in graphones) == entry.word
        assert tuple(phone for one in graphones for phone in one.phones) == entry.phones
        assert {(len(one.letters), len(one.phones)) for one in graphones} <= set(STEPS)
    assert align(lexicon) == done


def test_what_comes_together_again_and_again_is_aligned() -> None:
    said = {"ph": "F", "n": "N", "o": "OW", "t": "T", "x": "K S"}
    spellings = ["ph o t o", "t o n", "o x", "ph o x", "n o t", "t o ph", "ph o n", "x o n", "n o x t"]
    lexicon = [
        Entry(one.replace(" ", ""), tuple(" ".join(said[s] for s in one.split()).split()))
        for one in spellings
    ]
    for spelling, word in zip(spellings, align(lexicon).words, strict=True):
        assert word == tuple(Graphone(part, tuple(said[part].split())) for part in spelling.split())


def test_letters_without_phones_stand_for_nothing() -> None:
    lexicon = [Entry("--a--", ("A",)), Entry("---b", ("B",)), Entry("ab", ("A", "B"))] * 4
    assert "-:-" in [str(one) for one in align(lexicon).words[1]]


def test_words_beyond_the_longest_are_told() -> None:
    fits, long = Entry("a" * LONGEST, ("A",)), Entry("a" * (LONGEST + 1), ("A",))
    done = align([long, fits])
    assert done.left_out == (long,)
    assert len(done.words) == 1


def test_a_word_that_is_as_improbable_as_can_be_is_cut() -> None:
    letters = [chr(0x4E00 + n) for n in range(LONGEST)]
    odd = Entry("".join(letters), tuple(f"P{n}" for n in range(LONGEST // 5)))
    common = [Entry("ab", ("A", "B"))] * 300
    (*_, word) = align([*common, odd]).words
    assert "".join(one.letters for one in word) == odd.word


def test_progress_is_told() -> None:
    told: list[int] = []
    align([Entry("a", ("A",))], told.append)
    assert told == [1] * ROUNDS
