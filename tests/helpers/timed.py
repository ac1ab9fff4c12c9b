"""The way back from files with times: TextGrids of Praat and SubRip subtitles, read strictly."""

from __future__ import annotations

import re

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
    """Reads subtitles of one line each."""
    cues = []
    for number, cue in enumerate(content.split("\n\n")[:-1], start=1):
        index, times, text = cue.split("\n")
        clock = r"(\d\d):([0-5]\d):([0-5]\d),(\d{3})"
        match = re.fullmatch(f"{clock} --> {clock}", times)
        assert match, times
        assert int(index) == number
        h, m, s, ms, h2, m2, s2, ms2 = map(int, match.groups())
        start, end = 3600 * h + 60 * m + s + ms / 1000, 3600 * h2 + 60 * m2 + s2 + ms2 / 1000
        cues.append((start, end, text))
    return cues
