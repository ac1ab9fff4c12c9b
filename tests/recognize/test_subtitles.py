"""Subtitles: each word once and in order, in lines that fit, over no pause, and long enough to be read."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.recognize.formats import LINE, LINGER, PAUSE, READ, SHOWN, Style, to_srt, to_vtt
from asr.transcript import Segment, Transcript, Word
from tests.helpers.timed import read_srt, read_vtt

HOSTILE = (
    "<b>x</b>",
    "<script>",
    "-->",
    "a-->b",
    "&amp;",
    "&lt;i&gt;",
    "AT&T",
    "{\\an8}",
    "WEBVTT",
    "NOTE",
    "<",
    "&#60;",
)
SPACED = st.sampled_from(
    [*HOSTILE, "a", "the", "größe", "wait.", "well,", "e\u0301" * 5, "recognised", "x" * 60]
)
JAPANESE = "これは、とても長い文章です。「かぎ括弧」もあります。"
UNSPACED = st.sampled_from(
    [JAPANESE, JAPANESE * 4, "我们昨天在公园里看到了很多人" * 3, "ภาษาไทยไม่มีช่องว่าง" * 4]
)
STYLES = st.builds(Style, st.integers(1, 60), st.integers(1, 4))


def places(text: str) -> int:
    """Columns on a terminal of fixed width, counted apart from the code under test."""
    marks = sum(unicodedata.category(sign) in ("Mn", "Me") for sign in text)
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in text)
    return len(text) - marks + wide


@st.composite
def transcripts(draw: st.DrawFn, texts: st.SearchStrategy[str] = SPACED) -> Transcript:
    """Segments of words in order that do not overlap, some without a gap in between, some without length."""
    segments, now = [], 0.0
    for _ in range(draw(st.integers(0, 3))):
        words, begin = [], now
        for text in draw(st.lists(texts, max_size=12)):
            start = now + draw(st.sampled_from([0.0, 0.02, 0.3, 0.9, 1.3]))
            now = start + draw(st.sampled_from([0.0, 0.05, 0.2, 0.6, 9.0]))
            words.append(Word(text, start, now, 0.5))
        segments.append(Segment(tuple(words), " ".join(word.text for word in words), begin, now))
    return Transcript(tuple(segments), now + draw(st.sampled_from([0.0, 0.2, 3.0])))


def of(*words: Word) -> Transcript:
    end = words[-1].end if words else 0.0
    return Transcript((Segment(words, " ".join(word.text for word in words), 0.0, end),), end + 10)


@given(transcripts(), STYLES)
def test_every_word_stands_there_once_and_in_order(transcript: Transcript, style: Style) -> None:
    for cues in (read_srt(to_srt(transcript, "", style)), read_vtt(to_vtt(transcript, "", style))):
        assert " ".join(text for _, _, text in cues).split() == [word.text for word in transcript.words]


@given(transcripts(), STYLES)
def test_lines_are_short_and_few(transcript: Transcript, style: Style) -> None:
    for _, _, text in read_srt(to_srt(transcript, "", style)):
        lines = text.split("\n")
        assert len(lines) <= style.max_line_count
        assert all(places(line) <= style.max_line_width or " " not in line for line in lines)


@given(transcripts(), STYLES)
def test_subtitles_do_not_overlap_and_stand_over_no_pause(transcript: Transcript, style: Style) -> None:
    cues = read_srt(to_srt(transcript, "", style))
    assert cues == read_vtt(to_vtt(transcript, "", style))
    edges = [edge for start, end, _ in cues for edge in (start, end)]
    assert edges == sorted(edges)
    words = list(transcript.words)
    for start, end, text in cues:
        assert start < end
        shown, words = words[: len(text.split())], words[len(text.split()) :]
        gaps = [after.start - before.end for before, after in pairwise(shown)]
        assert all(gap < PAUSE for gap in gaps)
        assert end - start <= SHOWN + 0.02 or len(shown) == 1
        assert end <= shown[-1].end + LINGER + 0.02
        if not any(word.start == word.end for word in transcript.words):
            assert start == pytest.approx(shown[0].start, abs=0.001)
            assert end >= shown[-1].end - 0.001
    assert words == []


@given(transcripts(UNSPACED), STYLES)
def test_scripts_without_spaces_are_cut_between_characters(transcript: Transcript, style: Style) -> None:
    cues = read_srt(to_srt(transcript, "", style))
    assert "".join("".join(text.split()) for _, _, text in cues) == "".join(
        word.text for word in transcript.words
    )
    for _, _, text in cues:
        for line in text.split("\n"):
            assert unicodedata.category(line[0]) not in ("Mn", "Mc")
            assert line[0] not in "、。」っゃ"
            assert line[-1] not in "「เแ"
            assert places(line) <= max(style.max_line_width, 8) or " " not in line


def test_a_long_sentence_without_spaces_fills_lines() -> None:
    sentence = "これはとても長い文章なのでかぎ括弧もあります" * 3
    cues = read_srt(to_srt(of(Word(sentence, 0.0, 15.0, 1.0)), ""))
    assert all(places(text) <= LINE for _, _, text in cues)
    assert len(cues) == 4
    assert cues[1][0] == pytest.approx(15 * len(cues[0][2]) / len(sentence), abs=0.001)


def test_subtitles_are_cut_where_they_are_full_or_nobody_speaks() -> None:
    words = [Word("word" * 5, i, i + 0.9, 1.0) for i in range(3)]  # two have 41 characters, three 62
    words += [Word("a", 3.9 + PAUSE, 5.0, 1.0), Word("b", 5.5, 12.5, 1.0)]  # a pause before, too long after
    cues = read_srt(to_srt(of(*words), "a.wav"))
    assert [text.count(" ") + 1 for _, _, text in cues] == [2, 1, 1, 1]
    assert cues[0][:2] == (0.0, 2.0)
    assert cues[1][:2] == (2.0, 3.0)


def said(text: str) -> list[Word]:
    """Words of 0.3 seconds each."""
    return [Word(word, 0.3 * i, 0.3 * i + 0.3, 1.0) for i, word in enumerate(text.split())]


def test_cuts_are_where_sentences_end_and_parts_alike() -> None:
    timed = said("Here it ends, as we said. And here a much longer sentence begins that goes on")
    texts = [text for _, _, text in read_srt(to_srt(of(*timed), ""))]
    assert texts[0] == "Here it ends, as we said."
    assert all(len(text) > 20 for text in texts)


def test_two_lines_are_of_like_width() -> None:
    timed = said("one two three four five six seven eight nine ten")  # 49 characters
    (cue,) = read_srt(to_srt(of(*timed), "", Style(42, 2)))
    assert cue[2] == "one two three four five\nsix seven eight nine ten"


def test_what_is_said_fast_stays_until_it_is_read() -> None:
    (cue,) = read_srt(to_srt(of(Word("x" * 12, 1.0, 1.1, 1.0), Word("y" * 12, 1.1, 1.5, 1.0)), ""))
    assert cue[:2] == (1.0, 2.0)
    (cue,) = read_srt(to_srt(of(Word("x" * 42, 1.0, 1.1, 1.0)), ""))
    assert cue[:2] == (1.0, 1.6), "no longer than half a second after its last word"
    slow = of(Word("yes", 1.0, 1.0 + 3 / READ + 1, 1.0))
    assert read_srt(to_srt(slow, ""))[0][:2] == (1.0, 2.15)


def test_times_of_subtitles_carry_over() -> None:
    late = of(Word("late", 3599.9996, 36_000.0, 1.0))
    assert to_srt(late, "a.wav") == "1\n01:00:00,000 --> 10:00:00,000\nlate\n\n"
    assert to_vtt(late, "a.wav") == "WEBVTT\n\n01:00:00.000 --> 10:00:00.000\nlate\n\n"
    assert to_srt(of(), "a.wav") == ""


def test_players_see_no_markup_and_people_no_entities_without_need() -> None:
    words = (
        Word("AT&T", 0.0, 1.0, 1.0),
        Word("<i>", 1.0, 2.0, 1.0),
        Word("&gt;", 2.0, 3.0, 1.0),
        Word("<", 3.0, 4.0, 1.0),
    )
    assert to_srt(of(*words), "").split("\n")[2] == "AT&T &lt;i> &amp;gt; <"
    assert to_vtt(of(*words), "").split("\n")[3] == "AT&amp;T &lt;i&gt; &amp;gt; &lt;"
