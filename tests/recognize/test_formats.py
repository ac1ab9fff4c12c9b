"""Output formats: whatever the transcript is, what is written is read back and says the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.recognize.formats import FORMATS, Style
from asr.transcript import Alternative, Segment, Transcript, Word
from tests.helpers.timed import read_ctm, read_srt, read_textgrid, read_tsv, read_vtt

WORDS = st.builds(
    Word,
    text=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8),
    start=st.floats(0, 1e4),
    end=st.floats(0, 1e4),
    confidence=st.floats(0, 1),
)
SEGMENTS = st.lists(WORDS, max_size=5).map(
    lambda words: Segment(tuple(words), " ".join(word.text for word in words), 0.0, 12.5)
)
TRANSCRIPTS = st.builds(Transcript, st.lists(SEGMENTS, max_size=3).map(tuple), st.floats(0, 1e5))


def read_json(content: str) -> tuple[str, Transcript]:
    """The way back from JSON."""
    values = json.loads(content)
    segments = tuple(
        Segment(
            tuple(Word(w["word"], w["start"], w["end"], w["probability"]) for w in segment["words"]),
            segment["text"],
            segment["start"],
            segment["end"],
        )
        for segment in values["segments"]
    )
    return values["audio"], Transcript(segments, values["duration"])


def rounded(transcript: Transcript) -> Transcript:
    segments = tuple(
        Segment(
            tuple(
                Word(word.text, round(word.start, 3), round(word.end, 3), round(word.confidence, 4))
                for word in segment.words
            ),
            segment.text,
            round(segment.start, 3),
            round(segment.end, 3),
        )
        for segment in transcript.segments
    )
    return Transcript(segments, round(transcript.duration, 3))


@given(TRANSCRIPTS, st.text(max_size=10))
def test_json_round_trips_to_the_millisecond(transcript: Transcript, name: str) -> None:
    content = FORMATS["json"](transcript, name)
    assert read_json(content) == (name, rounded(transcript))
    assert json.loads(content)["text"] == transcript.text
    assert content.count("\n") == 1, "one line a recording, so that many make JSON lines"


@given(TRANSCRIPTS)
def test_text_is_a_line_per_segment(transcript: Transcript) -> None:
    assert FORMATS["txt"](transcript, "a.wav").split("\n")[:-1] == [s.text for s in transcript.segments]


def test_letters_stay_readable() -> None:
    segment = Segment((Word("größe", 0.1234567, 0.5, 0.98765),), "größe", 0.0, 1.0)
    content = FORMATS["json"](Transcript((segment,), 1.0), "ß.wav")
    assert '"größe"' in content
    assert '"ß.wav"' in content
    assert '"start": 0.123,' in content
    assert '"probability": 0.9877' in content


def test_formats_are_these() -> None:
    assert list(FORMATS) == ["txt", "srt", "vtt", "tsv", "json", "ctm", "TextGrid"]
    with pytest.raises(TypeError):
        FORMATS["srt"] = FORMATS["txt"]  # type: ignore[index]


def ordered(words: list[Word]) -> tuple[Word, ...]:
    """The same words one after the other in time."""
    edges = sorted(edge for word in words for edge in (word.start, word.end))
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return tuple(Word(word.text, *pair, word.confidence) for word, pair in zip(words, pairs, strict=True))


SPOKEN = st.lists(WORDS, max_size=6).map(ordered)


def spoken(words: tuple[Word, ...]) -> Transcript:
    end = words[-1].end if words else 0.0
    segment = Segment(words, " ".join(word.text for word in words), words[0].start if words else 0.0, end)
    return Transcript((segment,), end + 1)


@given(SPOKEN)
def test_ctm_is_read_back(words: tuple[Word, ...]) -> None:
    rows = read_ctm(FORMATS["ctm"](spoken(words), "dir/a talk.wav"))
    assert [row[4] for row in rows] == [word.text for word in words]
    assert {row[:2] for row in rows} <= {("a_talk", "1")}
    for (_, _, start, duration, _, confidence), word in zip(rows, words, strict=True):
        assert start == pytest.approx(word.start, abs=0.0006)
        assert start + duration == pytest.approx(word.end, abs=0.0011)
        assert confidence == pytest.approx(word.confidence, abs=1e-4)


@given(SPOKEN)
def test_tsv_has_a_row_for_each_segment(words: tuple[Word, ...]) -> None:
    rows = read_tsv(FORMATS["tsv"](spoken(words), "a.wav"))
    assert [text for _, _, text in rows] == ([" ".join(word.text for word in words)] if words else [])
    for start, end, _ in rows:
        assert (start, end) == pytest.approx((words[0].start, words[-1].end), abs=0.0006)


@given(SPOKEN)
def test_textgrid_has_the_words_and_what_is_between_them(words: tuple[Word, ...]) -> None:
    transcript = spoken(words)
    duration, tiers = read_textgrid(FORMATS["TextGrid"](transcript, "a.wav"))
    assert duration == pytest.approx(transcript.duration, abs=0.01)
    found = [interval for interval in tiers["words"] if interval[2]]
    assert [text for _, _, text in found] == [word.text for word in words]
    for (start, end, _), word in zip(found, words, strict=True):
        assert (start, end) == pytest.approx((word.start, word.end), abs=0.01)


@given(TRANSCRIPTS)
def test_words_at_impossible_times_are_written_nevertheless(transcript: Transcript) -> None:
    texts = [word.text for word in transcript.words]
    _, tiers = read_textgrid(FORMATS["TextGrid"](transcript, ""))
    assert [text for _, _, text in tiers["words"] if text] == texts
    rows = read_ctm(FORMATS["ctm"](transcript, ""))
    assert [row[4] for row in rows] == texts
    assert [row[2] for row in rows] == sorted(row[2] for row in rows)
    for read, form in ((read_srt, "srt"), (read_vtt, "vtt")):
        assert " ".join(text for _, _, text in read(FORMATS[form](transcript, ""))).split() == texts


@pytest.mark.parametrize("transcript", [Transcript((), 0.0), Transcript((Segment((), "", 0.0, 2.0),), 2.0)])
def test_where_nothing_was_said_files_are_empty_and_valid(transcript: Transcript) -> None:
    written = {form: write(transcript, "a.wav") for form, write in FORMATS.items()}
    assert written["srt"] == written["ctm"] == written["txt"].strip() == ""
    assert read_vtt(written["vtt"]) == read_tsv(written["tsv"]) == []
    assert written["vtt"] == "WEBVTT\n\n"
    assert json.loads(written["json"])["text"] == ""
    assert [text for _, _, text in read_textgrid(written["TextGrid"])[1]["words"]] == [""]


def test_white_space_in_a_word_breaks_no_table() -> None:
    words = (
        Word("a\tb\n\n00:00 --> c", 0.0, 1.0, 0.5),
        Word("\x00\u2028", 1.0, 1.5, 0.5),
        Word("d", 1.5, 3.0, 1.0),
    )
    transcript = Transcript((Segment(words, " ".join(word.text for word in words), 0.0, 3.0),), 3.0)
    assert read_tsv(FORMATS["tsv"](transcript, "")) == [(0.0, 3.0, "a b 00:00 --> c d")]
    assert [row[4] for row in read_ctm(FORMATS["ctm"](transcript, ";;\n.wav"))] == ["a_b_00:00_-->_c", "d"]
    assert [row[0] for row in read_ctm(FORMATS["ctm"](transcript, ";;\n.wav"))] == ["_;;"] * 2
    for read, form in ((read_srt, "srt"), (read_vtt, "vtt")):
        assert [text for _, _, text in read(FORMATS[form](transcript, ""))] == ["a b 00:00 --> c d"]


def test_json_says_what_whispers_does() -> None:
    segment = Segment((Word("ja", 0.1, 0.5, 0.9),), "ja", 0.0, 1.0)
    transcript = Transcript((segment,), 1.0, (Alternative(segment, -1.0, -1.0),))
    values = json.loads(FORMATS["json"](transcript, "a.wav", Style(language="de")))
    assert values["language"] == "de"
    assert values["segments"] == [
        {"id": 0, "start": 0.0, "end": 1.0, "text": "ja", "words": values["alternatives"][0]["words"]}
    ]
    assert json.loads(FORMATS["json"](transcript, "a.wav"))["language"] == "und"
    short = FORMATS["json"](transcript, "a.wav", Style(words=False))
    assert '"words"' not in short
    assert "probability" not in short


def test_a_file_name_that_is_no_text_can_be_written() -> None:
    content = FORMATS["json"](Transcript((), 0.0), "\udcff.wav")
    assert json.loads(content.encode())["audio"] == "\udcff.wav"
