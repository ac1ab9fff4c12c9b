"""Alignments as files: what is written is read back, and is what other programs accept."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.recognize.align import AlignedText
from asr.recognize.formats import ALIGNED_FORMATS, to_textgrid
from asr.transcript import Segment, Transcript, Word
from tests.helpers.timed import read_srt, read_textgrid

TEXTS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=60)


@st.composite
def word_lists(draw: st.DrawFn) -> tuple[Word, ...]:
    """Words in order that do not overlap, some of them without a gap in between."""
    words, now = [], 0.0
    for text in draw(st.lists(TEXTS, max_size=8)):
        start = now + draw(st.sampled_from([0.0, 0.02, 0.5, 1.3])) * draw(st.floats(0, 1))
        now = start + draw(st.floats(0.001, 9))
        words.append(Word(text, start, now, draw(st.floats(0, 1))))
    return tuple(words)


def transcript_of(words: tuple[Word, ...]) -> Transcript:
    duration = (words[-1].end if words else 0.0) + 0.25
    return Transcript((Segment(words, " ".join(word.text for word in words), 0.0, duration),), duration)


@given(word_lists(), word_lists())
def test_textgrids_are_read_back(words: tuple[Word, ...], tokens: tuple[Word, ...]) -> None:
    duration = max(transcript_of(words).duration, transcript_of(tokens).duration)
    read, tiers = read_textgrid(to_textgrid({"words": words, "tokens": tokens}, duration))
    assert read == pytest.approx(duration, abs=1e-6)
    for name, expected in (("words", words), ("tokens", tokens)):
        spoken = [interval for interval in tiers[name] if interval[2]]
        assert [text for _, _, text in spoken] == [word.text for word in expected]
        for (start, end, _), word in zip(spoken, expected, strict=True):
            assert (start, end) == pytest.approx((word.start, word.end), abs=1e-6)


def test_a_textgrid_to_the_letter() -> None:
    content = to_textgrid({"words": [Word('„5"-Zoll', 0.5, 1.0, 0.9)]}, 1.0)
    assert content.splitlines() == [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        "xmax = 1",
        "tiers? <exists>",
        "size = 1",
        "item []:",
        "    item [1]:",
        '        class = "IntervalTier"',
        '        name = "words"',
        "        xmin = 0",
        "        xmax = 1",
        "        intervals: size = 2",
        "        intervals [1]:",
        "            xmin = 0",
        "            xmax = 0.5",
        '            text = ""',
        "        intervals [2]:",
        "            xmin = 0.5",
        "            xmax = 1",
        '            text = "„5""-Zoll"',
    ]
    assert content.endswith("\n")


@pytest.mark.parametrize("second", [(1.0, 1.0), (0.5, 0.9)], ids=["no length", "overlap"])
def test_words_that_no_tier_can_hold_are_refused(second: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"'b'.* has no length, or overlaps the word before it"):
        to_textgrid({"words": [Word("a", 0.0, 1.0, 1.0), Word("b", *second, 1.0)]}, 2.0)


def test_json_has_matches_and_tokens() -> None:
    transcript = transcript_of((Word("Größe", 0.1, 0.5, 0.9), Word("nein", 0.6, 0.8, 0.1)))
    aligned = AlignedText(transcript, (-0.0, -7.12345), (Word("▁", 0.5, 0.6, 0.25),))
    content = ALIGNED_FORMATS["json"](aligned, "ß.wav")
    assert content.count("\n") == 1
    assert '"match": 0.0' in content
    values = json.loads(content)
    assert (values["audio"], values["text"], values["duration"]) == ("ß.wav", "Größe nein", 1.05)
    words = values["segments"][0]["words"]
    assert [(word["word"], word["match"], word["doubtful"]) for word in words] == [
        ("Größe", 0.0, False),
        ("nein", -7.123, True),
    ]
    assert values["tokens"] == [{"token": "▁", "start": 0.5, "end": 0.6, "probability": 0.25}]


def test_formats_of_alignments_are_these() -> None:
    assert list(ALIGNED_FORMATS) == ["TextGrid", "json", "srt"]
    aligned = AlignedText(transcript_of((Word("a", 0.1, 0.5, 0.9),)), (0.0,), (Word("a", 0.2, 0.3, 0.9),))
    assert list(read_textgrid(ALIGNED_FORMATS["TextGrid"](aligned, ""))[1]) == ["words", "tokens"]
    assert read_srt(ALIGNED_FORMATS["srt"](aligned, "")) == [(0.1, 0.75, "a")]
