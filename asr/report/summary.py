"""The beginning of the page: rates with their interval, what is confused with what, every utterance."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from asr.recognize.report_formats import format_report
from asr.recognize.scoring import Interval, Report, Scored
from asr.report.entries import Entry
from asr.report.html import Html, element, isolated, joined, visible
from asr.report.recording import CLASSES, LETTERS, clock, counted
from asr.text.error_rate import align_words

MOST_FREQUENT = 10
_NAMES = {"substitute": "substituted", "delete": "deleted", "insert": "inserted"}


def evaluation(report: Report) -> Html:
    """Rates, as `asr evaluate` prints them, and as a picture."""
    figures = {
        "words wrong (WER)": _percent(report.words.rate),
        "characters wrong (CER)": _percent(report.characters.rate),
        "utterances with an error": _percent(report.sentence_error_rate),
        "utterances": str(len(report.scored)),
        "speakers": str(report.speakers),
        "length": clock(report.duration),
    }
    interval = _interval(report.interval, report.words.rate)
    return element("section", _figures(figures), interval, element("pre", format_report(report, worst=0)))


def recordings(entries: Sequence[Entry]) -> Html:
    """How much was heard, and how sure that is."""
    words = [word for entry in entries for word in entry.words]
    mean = sum(word.confidence for word in words) / len(words) if words else math.nan
    figures = {
        "recordings" if len(entries) != 1 else "recording": str(len(entries)),
        "length": clock(sum(entry.duration for entry in entries)),
        "words" if len(words) != 1 else "word": str(len(words)),
        "confidence, on average": "–" if math.isnan(mean) else f"{mean:.2f}",
    }
    return element("section", _figures(figures))


def legend(errors: bool) -> Html:
    """What colours, lines and letters mean."""
    shades = []
    above = ""
    for least, name in CLASSES:
        text = f"below {above}" if not least else f"{least:g} and more" if not above else f"from {least:g}"
        shades.append(element("span", text, class_=f"word {name}"))
        above = f"{least:g}"
    keys = [
        element("span", element("b", LETTERS[op]), f" {_NAMES[op]}", class_=f"key {op}") for op in LETTERS
    ]
    said: list[Html | str] = [*keys, "above: what should have been said"] if errors else []
    return element("section", element("p", "Confidence of words", *shades, *said, class_="legend"))


def confusions(scored: Sequence[Scored]) -> Html | None:
    """The most frequent errors of each kind; nothing where there are none."""
    found: Counter[tuple[str, str, str]] = Counter()
    for item in scored:
        for one in align_words(item.reference, item.hypothesis):
            if one.op != "equal":
                found[one.op, one.reference or "", one.hypothesis or ""] += 1
    tables = [_most_frequent(op, found) for op in LETTERS if any(key[0] == op for key in found)]
    if not tables:
        return None
    return element("section", element("h2", "Most frequent errors"), element("div", *tables, class_="two"))


def utterances(scored: Sequence[Scored], drawn: Mapping[int, int]) -> Html:
    """A table of all utterances, in the order of the manifest.

    Args:
        scored: The utterances.
        drawn: For the index of each that is shown on the page, the number of its article.
    """
    heads = ("utterance", "speaker", "errors", "WER", "said", "recognised")
    names = [
        element("th", head, scope="col", class_="number" if head in ("errors", "WER") else None)
        for head in heads
    ]
    rows = [element("tr", *_cells(item, drawn.get(index))) for index, item in enumerate(scored)]
    table = element("table", element("thead", element("tr", *names)), element("tbody", *rows))
    return element("section", element("h2", "All utterances"), element("div", table, class_="scroll"))


def _cells(item: Scored, number: int | None) -> list[Html]:
    name = visible(item.id)
    link = element("a", name, href=f"#r{number}") if number is not None else element("span", name)
    return [
        element("td", link),
        element("td", visible(item.speaker)),
        element("td", str(item.words.errors), class_="number"),
        element("td", _percent(item.words.rate), class_="number"),
        element("td", isolated(item.reference)),
        element("td", isolated(item.hypothesis)),
    ]


def _figures(figures: Mapping[str, str]) -> Html:
    parts = (element("div", element("dt", name), element("dd", value)) for name, value in figures.items())
    return element("dl", joined(parts), class_="figures")


def _percent(rate: float) -> str:
    return "–" if math.isnan(rate) else f"{100 * rate:.2f} %"


def _interval(interval: Interval, rate: float) -> Html | None:
    """The word error rate inside its interval, on a scale that begins at 0."""
    if math.isnan(interval.low) or math.isnan(rate):
        return None
    most = max(interval.high, rate) * 1.15 or 1.0

    def place(value: float) -> str:
        return f"{100 * value / most:.3f}%"

    band = place(interval.high - interval.low)
    over = counted(interval.units, interval.unit)
    return element(
        "svg",
        element("rect", x=0, y=14, width="100%", height=2, class_="band"),
        element("rect", x=place(interval.low), y=9, width=band, height=12, rx=3, class_="band"),
        element("rect", x=place(rate), y=5, width=3, height=20),
        element("text", f"{100 * interval.low:.2f}", x=place(interval.low), y=38),
        element("text", f"{100 * interval.high:.2f}", x=place(interval.high), y=38),
        class_="interval",
        role="img",
        aria_label=f"WER {_percent(rate)}, {100 * interval.level:.0f} % interval {_percent(interval.low)} "
        f"to {_percent(interval.high)}, bootstrap over {over}",
    )


def _most_frequent(op: str, found: Counter[tuple[str, str, str]]) -> Html:
    chosen = [(key, count) for key, count in found.most_common() if key[0] == op][:MOST_FREQUENT]
    rows = []
    for (_, reference, hypothesis), count in chosen:
        parts = [isolated(text) for text in (reference, hypothesis) if text]
        pair = joined([parts[0], " → ", parts[1]] if len(parts) > 1 else parts)
        rows.append(element("tr", element("td", pair), element("td", str(count), class_="number")))
    title = element("th", element("span", element("b", LETTERS[op]), f" {_NAMES[op]}", class_=f"key {op}"))
    head = element("thead", element("tr", title, element("th", "times", class_="number")))
    return element("table", head, element("tbody", *rows))
