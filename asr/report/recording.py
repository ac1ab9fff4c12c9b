"""A recording on the page: pictures, and below them the words, coloured by confidence, with their errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from asr.report.entries import Column, Entry
from asr.report.html import Html, element, isolated, joined, visible
from asr.report.pictures import Row
from asr.report.png import data_uri
from asr.report.tables import LETTERS, table
from asr.transcript import Word

CLASSES = ((0.9, "c5"), (0.75, "c4"), (0.5, "c3"), (0.25, "c2"), (0.0, "c1"))
"""Least confidence of each colour; the surest words have none."""
WAVE, SPANS, MEL, HEIGHT = 34, 72, 88, 200  # where the parts of a picture are: middle, top, top, bottom
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
_MOST_TICKS = 13
_QUIETEST = 0.2  # the peak of a waveform that is drawn in full height


def article(entry: Entry, number: int) -> Html:
    """All about a recording; `number` names it on the page."""
    shared = _columns_of(entry)
    scale = 1 / max(_QUIETEST, *(row.peak for row in entry.rows))
    rows = (_row(row, columns, scale) for row, columns in zip(entry.rows, shared, strict=True))
    return element(
        "article",
        element("header", element("h2", visible(entry.name)), element("p", facts(entry), class_="facts")),
        _player(entry),
        *rows,
        element("p", class_="about", aria_live="polite"),
        _times(entry),
        id=f"r{number}",
        class_="playable" if entry.sound else None,
    )


def facts(entry: Entry) -> str:
    """Speaker, length, words, errors."""
    parts = [f"speaker {visible(entry.speaker)}"] if entry.speaker else []
    parts += [clock(entry.duration), counted(len(entry.words), "word")]
    if entry.counts is not None:
        share = f", WER {100 * entry.counts.rate:.1f} %" if entry.counts.reference else ""
        parts.append(counted(entry.counts.errors, "error") + share)
    elif entry.words:
        mean = sum(word.confidence for word in entry.words) / len(entry.words)
        parts.append(f"confidence {mean:.2f} on average")
    return " · ".join(parts)


def counted(count: int, noun: str) -> str:
    """A number of things: 1 word, 2 words."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def clock(seconds: float) -> str:
    """Seconds, or minutes and seconds, or hours as well: 3.2 s, 1:02, 2:00:05."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, left = divmod(minutes, 60)
    return f"{hours}:{left:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def shade(confidence: float) -> str:
    """The class of a word."""
    return next((name for least, name in CLASSES if confidence >= least), "c1")


def _columns_of(entry: Entry) -> list[list[Column]]:
    """Shares the columns out among the rows; a deleted word stands where the word before it does."""
    shared: list[list[Column]] = [[] for _ in entry.rows]
    place = 0
    for column in entry.columns:
        if column.word is not None:
            while place + 1 < len(shared) and column.word.start >= entry.rows[place].end:
                place += 1
        shared[place].append(column)
    return shared


def _player(entry: Entry) -> Html | None:
    if not entry.sound:
        return None
    return element("audio", controls=True, preload="metadata", src=data_uri(entry.sound, "audio/flac"))


def _times(entry: Entry) -> Html | None:
    """The words once more as a table, for who cannot point at them."""
    if not entry.words:
        return None
    rows = [
        (isolated(word.text), f"{word.start:.2f}", f"{word.end:.2f}", f"{word.confidence:.2f}")
        for word in entry.words
    ]
    times = table(("word", "from", "to", "confidence"), rows, (1, 2, 3))
    return element("details", element("summary", "Times of the words, in seconds"), times)


def _row(row: Row, columns: Sequence[Column], scale: float) -> Html:
    words = joined(part for column in columns for part in (_column(column), " "))
    return element(
        "div",
        _picture(row, columns, scale),
        _axis(row),
        element("p", words, class_="words", dir="auto"),
        class_="row",
        data_start=f"{row.start:.4f}",
        data_end=f"{row.end:.4f}",
    )


def _picture(row: Row, columns: Sequence[Column], scale: float) -> Html:
    def place(seconds: float) -> float:
        return min(max(1000 * (seconds - row.start) / (row.end - row.start), 0), 1000)

    def span(word: Word) -> Html:
        left, right = place(word.start), place(word.end)
        name = f"span {shade(word.confidence)}"
        width = f"{max(right - left - 1, 1):.2f}"
        return element("rect", x=f"{left:.2f}", width=width, y=SPANS, height=10, class_=name)

    stroke = {"vector_effect": "non-scaling-stroke"}
    wave = element("path", d=row.waveform, class_="wave", **stroke)
    tall = {"y": 0, "height": HEIGHT}
    return element(
        "svg",
        element("g", wave, transform=f"translate(0 {WAVE}) scale(1 {(WAVE - 1) * scale:.2f})"),
        *(span(column.word) for column in columns if column.word is not None),
        _mel(row),
        element("rect", x=0, width=0, class_="mark", **tall, **stroke),
        element("line", x1=0, x2=0, y1=0, y2=HEIGHT, visibility="hidden", class_="head", **stroke),
        class_="picture",
        viewBox=f"0 0 1000 {HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"Waveform, words and log-mel features from {row.start:.1f} to {row.end:.1f} s",
    )


def _mel(row: Row) -> Html | None:
    if not row.features:
        return None
    return element(
        "image",
        href=data_uri(row.features, "image/png"),
        width=1000,
        y=MEL,
        height=HEIGHT - MEL,
        preserveAspectRatio="none",
    )


def _axis(row: Row) -> Html:
    """Seconds below the picture."""
    length = row.end - row.start
    step = next((one for one in _STEPS if length / one <= _MOST_TICKS), _STEPS[-1])
    return element("svg", *_ticks(row, step), class_="axis", aria_hidden="true")


def _ticks(row: Row, step: float) -> Iterator[Html]:
    for index in range(int(row.start / step), int(row.end / step) + 1):
        share = 100 * (index * step - row.start) / (row.end - row.start)
        if 0 <= share <= 100:
            place = f"{share:.3f}%"
            yield element("line", x1=place, x2=place, y1=0, y2=4)
            label = f"{index * step:g} s" if row.end < 60 else clock(max(index * step, 60))
            if 1 < share < 99:
                yield element("text", label, x=place, y=16)


def _column(column: Column) -> Html:
    shown = None if column.word is None else _word(column.word)
    if column.op == "equal" and shown is not None:
        return shown
    letter = element("b", LETTERS[column.op])
    said = element("span", letter, isolated(column.reference or "–"), class_="said")
    below = shown if shown is not None else element("span", "···", class_="gap")
    return element("span", said, below, class_=f"pair {column.op}")


def _word(word: Word) -> Html:
    return element(
        "span",
        isolated(word.text),
        class_=f"word {shade(word.confidence)}",
        data_start=f"{word.start:.4f}",
        data_end=f"{word.end:.4f}",
        title=f"{word.start:.2f} – {word.end:.2f} s, confidence {word.confidence:.2f}",
    )
