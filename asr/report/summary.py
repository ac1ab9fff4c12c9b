"""The beginning of the page: rates with their interval, and what the colours mean."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from asr.recognize.report_formats import format_report
from asr.recognize.scoring import Interval, Report
from asr.report.entries import Entry
from asr.report.html import Html, element, joined
from asr.report.recording import CLASSES, clock, counted
from asr.report.tables import LETTERS, key, percent


def evaluation(report: Report) -> Html:
    """Rates, as `asr evaluate` prints them, and as a picture."""
    figures = {
        "words wrong (WER)": percent(report.words.rate),
        "characters wrong (CER)": percent(report.characters.rate),
        "utterances with an error": percent(report.sentence_error_rate),
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
    keys = [key(op) for op in LETTERS] if errors else []
    above_it = "above it: what should have been said" if errors else None
    return element("section", element("p", "Confidence of words", *shades, *keys, above_it, class_="legend"))


def _figures(figures: Mapping[str, str]) -> Html:
    parts = (element("div", element("dt", name), element("dd", value)) for name, value in figures.items())
    return element("dl", joined(parts), class_="figures")


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
        element("text", percent(interval.low), x=place(interval.low), y=38),
        element("text", percent(interval.high), x=place(interval.high), y=38),
        class_="interval",
        role="img",
        aria_label=f"WER {percent(rate)}, {100 * interval.level:.0f} % interval {percent(interval.low)} "
        f"to {percent(interval.high)}, bootstrap over {over}",
    )
