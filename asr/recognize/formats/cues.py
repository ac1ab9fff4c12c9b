"""Cutting what was said into subtitles: short lines, no pauses inside, and time enough to read them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from asr.recognize.formats.style import Style, on_one_line
from asr.recognize.formats.writing import breakable, width
from asr.transcript import Transcript, Word

LINE = Style().max_line_width
"""Characters of a line, as many as are usual; a longer word stands alone."""
SHOWN = 7.0
"""Seconds for which a subtitle stands at most, unless one word takes longer."""
PAUSE = 1.0
"""Seconds of silence between words after which a new subtitle begins."""
READ = 20.0
"""Characters that people read in a second: a subtitle of more stays a little after its last word."""
BRIEFEST = 5 / 6
"""Seconds that even the shortest subtitle should stand."""
LINGER = 0.5
"""Seconds that it stays after its last word at most."""
_GAP, _SENTENCE, _CLAUSE = 0.5, 0.6, 0.2  # what it is worth to cut there; a further subtitle costs 1
_SENTENCE_ENDS, _CLAUSE_ENDS = tuple(".!?…。！？؟।"), tuple(",;:，、；：،؛")


@dataclass(frozen=True, slots=True)
class Cue:
    """A subtitle.

    Attributes:
        start_ms, end_ms: When it appears and vanishes, in thousandths of a second; the end is later than
            the start, and not later than the start of the next one.
        lines: Text without line ends or control characters.
    """

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A word, or a part of one that is too long and has no spaces; `glued`: to the piece before it."""

    text: str
    start: float
    end: float
    glued: bool = False


def cues(transcript: Transcript, style: Style) -> list[Cue]:
    """Cuts a transcript into subtitles: every word once, in order; none stands over a pause or a cut.

    Where a cut is needed, it is made at gaps and after punctuation rather than elsewhere, and parts of like
    length are preferred (least squares, by dynamic programming, as Knuth and Plass break paragraphs).
    """
    groups = [
        part
        for segment in transcript.segments
        for run in _runs(_pieces(segment.words, style.max_line_width))
        for part in _parts(run, style)
    ]
    found: list[Cue] = []
    for index, group in enumerate(groups):
        start = max(_ms(group[0].start), found[-1].end_ms if found else 0)
        end = max(_ms(group[-1].end), start + 1)
        following = _ms(groups[index + 1][0].start) if index + 1 < len(groups) else None
        if following is not None and following > start:
            end = min(end, following)
        lines = _lines(group, style)
        latest = _ms(transcript.duration) if following is None else following
        found.append(Cue(start, max(end, min(_read(start, lines), end + _ms(LINGER), latest)), lines))
    return found


def _read(start_ms: int, lines: Sequence[str]) -> int:
    """When everybody has read it."""
    return start_ms + _ms(min(max(sum(map(len, lines)) / READ, BRIEFEST), SHOWN))


def _ms(seconds: float) -> int:
    return math.floor(seconds * 1000 + 0.5)


def _pieces(words: Sequence[Word], most: int) -> Iterator[_Piece]:
    for word in words:
        text = on_one_line(word.text)
        parts = breakable(text) if width(text) > most else [text]
        done = 0
        for part in filter(None, parts):
            start, end = (
                word.start + (word.end - word.start) * place / len(text) for place in (done, done + len(part))
            )
            yield _Piece(part, start, end, glued=done > 0)
            done += len(part)


def _runs(pieces: Iterator[_Piece]) -> Iterator[list[_Piece]]:
    """What is said without a pause."""
    run: list[_Piece] = []
    for piece in pieces:
        if run and piece.start - run[-1].end >= PAUSE:
            yield run
            run = []
        run.append(piece)
    if run:
        yield run


def _parts(run: list[_Piece], style: Style) -> list[list[_Piece]]:
    """Cuts a run into parts that fit, at the least cost."""
    costs, begins = [0.0, *[math.inf] * len(run)], [0] * (len(run) + 1)
    for first in range(len(run)):
        fill = _Fill(style)
        for last in range(first, len(run)):
            fits = fill.add(run[last]) and run[last].end - run[first].start <= SHOWN
            if last > first and not fits:
                break
            cost = costs[first] + 1 + min(fill.share, 1) ** 2 - _worth(run, last)
            if cost <= costs[last + 1]:
                costs[last + 1], begins[last + 1] = cost, first
    edges = [len(run)]
    while edges[-1]:
        edges.append(begins[edges[-1]])
    return [run[first:last] for first, last in pairwise(reversed(edges))]


class _Fill:
    """How full a subtitle is, while pieces are added."""

    def __init__(self, style: Style) -> None:
        self._width, self._count = style.max_line_width, style.max_line_count
        self._lines, self._used, self._all = 1, 0, 0

    def add(self, piece: _Piece) -> bool:
        """Adds a piece, and says whether everything still fits."""
        size, space = width(piece.text), int(self._used > 0 and not piece.glued)
        self._all += size + space
        if self._used and self._used + space + size > self._width:
            self._lines, self._used = self._lines + 1, size
        else:
            self._used += space + size
        return self._lines <= self._count

    @property
    def share(self) -> float:
        """Of the places that there are."""
        return self._all / (self._width * self._count)


def _worth(run: list[_Piece], last: int) -> float:
    """What speaks for a cut after a piece."""
    if last + 1 == len(run):
        return 0.0
    text = run[last].text
    gap = min(max(run[last + 1].start - run[last].end, 0.0), PAUSE) / PAUSE
    said = _SENTENCE if text.endswith(_SENTENCE_ENDS) else _CLAUSE if text.endswith(_CLAUSE_ENDS) else 0.0
    return _GAP * gap + said


def _lines(group: list[_Piece], style: Style) -> tuple[str, ...]:
    """Breaks a subtitle into as few lines as it needs, of widths as like as can be."""
    lines = _wrapped(group, style.max_line_width)
    for most in range(style.max_line_width - 1, 0, -1):
        narrower = _wrapped(group, most) if len(lines) > 1 else []
        if len(narrower) != len(lines):
            break
        lines = narrower
    return tuple(lines)


def _wrapped(group: list[_Piece], most: int) -> list[str]:
    lines = [group[0].text]
    for piece in group[1:]:
        longer = f"{lines[-1]}{'' if piece.glued else ' '}{piece.text}"
        if width(longer) <= most:
            lines[-1] = longer
        else:
            lines.append(piece.text)
    return lines
