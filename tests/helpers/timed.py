"""The way back from files with times: TextGrids, subtitles and tables, read strictly."""

from __future__ import annotations

import re
from html import unescape

Interval = tuple[float, float, str]


def read_textgrid(content: str) -> tuple[float, dict[str, list[Interval]]]:
    """Reads the long format.

    Returns:
        The duration, and for each tier its intervals, which cover it without gaps.
    """
    head = re.match(
        r'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
        r"xmin = 0\nxmax = (\S+)\ntiers\? <exists>\nsize = (\d+)\nitem \[\]:\n",
        content,
    )
    assert head, content[:200]
    duration, size, rest = float(head[1]), int(head[2]), content[head.end() :]
    tiers: dict[str, list[Interval]] = {}
    for number in range(1, size + 1):
        tier = re.match(
            rf' {{4}}item \[{number}\]:\n {{8}}class = "IntervalTier"\n {{8}}name = "(\w+)"\n'
            r" {8}xmin = 0\n {8}xmax = (\S+)\n {8}intervals: size = (\d+)\n",
            rest,
        )
        assert tier, rest[:200]
        assert float(tier[2]) == duration
        rest = rest[tier.end() :]
        intervals: list[Interval] = []
        for index in range(1, int(tier[3]) + 1):
            entry = re.match(
                rf" {{8}}intervals \[{index}\]:\n {{12}}xmin = (\S+)\n {{12}}xmax = (\S+)\n"
                r' {12}text = "((?:[^"]|"")*)"\n',
                rest,
            )
            assert entry, rest[:200]
            intervals.append((float(entry[1]), float(entry[2]), entry[3].replace('""', '"')))
            rest = rest[entry.end() :]
        edges = [edge for start, end, _ in intervals for edge in (start, end)]
        assert edges[0] == 0
        assert edges[-1] == duration
        assert edges[1:-1:2] == edges[2::2], "a gap or an overlap"
        assert all(start < end for start, end, _ in intervals), "Praat refuses empty intervals"
        tiers[tier[1]] = intervals
    assert rest == ""
    return duration, tiers


def read_srt(content: str) -> list[Interval]:
    """Reads SubRip subtitles; what only players would decode is decoded, the lines of a cue stay apart."""
    cues = []
    for number, cue in enumerate(content.split("\n\n")[:-1], start=1):
        index, times, text = cue.split("\n", 2)
        assert int(index) == number
        assert "-->" not in text
        assert not re.search(r"<[\w/!?]", text), "a player would take it for a tag"
        cues.append((*_times(times, ","), unescape(text)))
    return cues


def read_vtt(content: str) -> list[Interval]:
    """Reads WebVTT without settings and styles; no sign of markup may stand there bare."""
    head, *blocks = content.split("\n\n")
    assert head == "WEBVTT"
    assert blocks.pop() in ("", "\n")
    cues = []
    for block in blocks:
        times, text = block.split("\n", 1)
        assert not re.search(r"[<>]|&(?!(amp|lt|gt);)", text), text
        cues.append((*_times(times, "."), unescape(text)))
    return cues


def read_tsv(content: str) -> list[Interval]:
    """Reads the table of segments that whisper writes."""
    head, *lines = content.split("\n")
    assert head == "start\tend\ttext"
    assert lines.pop() == ""
    rows = [line.split("\t") for line in lines]
    return [(int(start) / 1000, int(end) / 1000, text) for start, end, text in rows]


def read_ctm(content: str) -> list[tuple[str, str, float, float, str, float]]:
    """Reads file, channel, start, duration, word and confidence of each line."""
    assert content == "" or content.endswith("\n")
    rows = [line.split(" ") for line in content.split("\n")[:-1]]
    assert not any(row[0].startswith(";;") for row in rows), "a comment"
    return [(file, channel, float(a), float(b), word, float(c)) for file, channel, a, b, word, c in rows]


def _times(line: str, point: str) -> tuple[float, float]:
    clock = rf"(\d\d+):([0-5]\d):([0-5]\d){re.escape(point)}(\d{{3}})"
    match = re.fullmatch(f"{clock} --> {clock}", line)
    assert match, line
    h, m, s, ms, h2, m2, s2, ms2 = map(int, match.groups())
    return 3600 * h + 60 * m + s + ms / 1000, 3600 * h2 + 60 * m2 + s2 + ms2 / 1000
