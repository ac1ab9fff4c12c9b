"""Lexicons as text: read without a model, and added to so that nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asr.errors import LexiconError, RunError
from asr.text.lexicon import read_lexicon
from asr.text.lexicon_text import Entry, add_entry, read_entries
from asr.text.units import Units
from tests.helpers.disk import full_beyond

TEXT = "# Words of the day.\nread  R IY D\n\nread\tR EH D\n# The rest.\ntea T IY"
WORDS = st.text(st.characters(blacklist_categories=["Z", "C"]), min_size=1, max_size=6).filter(
    lambda w: w != "#"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "lexicon.txt").write_text(TEXT)
    return tmp_path / "lexicon.txt"


def test_entries_are_read_in_order_without_comments(path: Path) -> None:
    assert [str(entry) for entry in read_entries(path)] == ["read R IY D", "read R EH D", "tea T IY"]
    path.write_text("a 0.25 AH\na 0.75 EY\na 0.5 AH\n#tag T AE G\n")
    assert read_entries(path) == (Entry("a", ("AH",)), Entry("a", ("EY",)), Entry("#tag", ("T", "AE", "G")))


def test_models_read_the_same_lines(path: Path) -> None:
    lexicon = read_lexicon(path, Units(("", "R", "IY", "EH", "D", "T")))
    assert (lexicon.words, len(lexicon.lengths)) == (("read", "tea"), 3)


def test_a_pronunciation_comes_after_those_of_its_word(path: Path) -> None:
    assert add_entry(path, Entry("read", ("R", "D")))
    assert path.read_text() == TEXT.replace("read\tR EH D\n", "read\tR EH D\nread R D\n") + "\n"


def test_a_new_word_comes_at_the_end(path: Path) -> None:
    assert add_entry(path, Entry("deed", ("D", "IY", "D")))
    assert add_entry(path, Entry("eat", ("IY", "T")))
    assert path.read_text() == TEXT + "\ndeed D IY D\neat IY T\n"


def test_what_is_there_is_not_written_again(path: Path) -> None:
    before = path.stat().st_mtime_ns
    assert not add_entry(path, Entry("read", ("R", "EH", "D")))
    assert (path.read_text(), path.stat().st_mtime_ns) == (TEXT, before)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_marks_stay(tmp_path: Path, mark: str) -> None:
    path = tmp_path / "windows.txt"
    path.write_bytes(f"{mark}read R IY D\r\ntea T IY\r\n".encode())
    assert add_entry(path, Entry("read", ("R", "D")))
    assert path.read_bytes() == f"{mark}read R IY D\r\nread R D\r\ntea T IY\r\n".encode()


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(WORDS, st.lists(st.sampled_from("ABC"), min_size=1)), min_size=1, max_size=6))
def test_what_was_added_is_read_and_all_else_stays(
    tmp_path: Path, added: list[tuple[str, list[str]]]
) -> None:
    path = tmp_path / "any.txt"
    path.write_text("first A B C\n# a comment\n")
    for word, phones in added:
        before, lines = read_entries(path), path.read_text("utf-8").split("\n")
        entry = Entry(word, tuple(phones))
        done = add_entry(path, entry)
        after = path.read_text("utf-8").split("\n")
        assert done == (len(after) > len(lines))
        if done:
            after.remove(str(entry))
            assert set(read_entries(path)) - set(before) <= {entry, *read_entries(path)[-1:]}
        assert after == lines


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (Entry("tea", ("t", "IY")), "'t' is no phone of this lexicon; did you mean 'T'?"),
        (Entry("tea", ("T", "IY1")), "'IY1' is no phone of this lexicon; did you mean 'IY'?"),
        (Entry("tea", ("T", "ZZ")), "'ZZ' is no phone of this lexicon; known: D, EH, IY, R, T"),
        (Entry("tea", ()), "'tea' has no phones; give one at least: D EH IY R T"),
        (Entry("two words", ("T",)), "'two words' cannot stand in a lexicon"),
        (Entry("", ("T",)), "'' cannot stand in a lexicon"),
        (Entry("#", ("T",)), "'#' cannot stand in a lexicon"),
    ],
)
def test_what_does_not_fit_is_one_line(path: Path, entry: Entry, problem: str) -> None:
    with pytest.raises(LexiconError) as caught:
        add_entry(path, entry)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.read_text() == TEXT


def test_probabilities_are_not_made_up(path: Path) -> None:
    path.write_text("read 0.4 R IY D\ntea T IY\n")
    with pytest.raises(LexiconError, match="have probabilities, which must be shared anew"):
        add_entry(path, Entry("read", ("R", "D")))
    assert add_entry(path, Entry("tea", ("T", "R")))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"read\n", "line 1: 'read' has no phones"),
        (b"# nothing\n", "holds no words"),
        (b"\xff\n", "not UTF-8"),
        (b"read 0.5\n", "line 1: 'read' has no phones"),
    ],
)
def test_damaged_files_are_named(path: Path, content: bytes, problem: str) -> None:
    path.write_bytes(content)
    with pytest.raises(LexiconError, match=problem):
        read_entries(path)
    with pytest.raises(LexiconError, match=problem):
        add_entry(path, Entry("tea", ("T",)))


def test_a_full_disk_leaves_the_lexicon(path: Path) -> None:
    with full_beyond(10), pytest.raises(RunError, match="cannot be written"):
        add_entry(path, Entry("deed", ("D", "IY", "D")))
    assert path.read_text() == TEXT
    assert list(path.parent.iterdir()) == [path]
