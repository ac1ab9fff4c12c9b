"""Tables of an evaluation: what is confused with what, every speaker, every utterance."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from asr.recognize.scoring import Scored
from asr.report.html import Content, Html, element, isolated, joined, visible
from asr.text.error_rate import ErrorCounts, align_words

LETTERS = {"substitute": "S", "delete": "D", "insert": "I"}
NAMES = {"substitute": "substituted", "delete": "deleted", "insert": "inserted"}
MOST_FREQUENT = 10


def key(op: str) -> Html:
    """The letter of a kind of error, and what it means."""
    return element("span", element("b", LETTERS[op]), f" {NAMES[op]}", class_=f"key {op}")


def percent(rate: float) -> str:
    """A rate as people write it; a dash where there is none."""
    return "–" if math.isnan(rate) else f"{100 * rate:.2f} %"


def table(heads: Sequence[Content], rows: Sequence[Sequence[Content]], numbers: Sequence[int]) -> Html:
    """A table.

    Args:
        heads: Of the columns.
        rows: Their cells.
        numbers: The places of columns that hold numbers.
    """

    def style(place: int) -> str | None:
        return "number" if place in numbers else None

    names = [element("th", head, scope="col", class_=style(place)) for place, head in enumerate(heads)]
    body = [
        element("tr", *(element("td", cell, class_=style(place)) for place, cell in enumerate(row)))
        for row in rows
    ]
    return element("table", element("thead", element("tr", *names)), element("tbody", *body))


def confusions(scored: Sequence[Scored]) -> Html | None:
    """The most frequent errors of each kind; nothing where there are none."""
    found: Counter[tuple[str, str, str]] = Counter()
    for item in scored:
        for one in align_words(item.reference, item.hypothesis):
            if one.op != "equal":
                found[one.op, one.reference or "", one.hypothesis or ""] += 1
    shown = [_most_frequent(op, found) for op in LETTERS if any(kind == op for kind, _, _ in found)]
    if not shown:
        return None
    return element("section", element("h2", "Most frequent errors"), element("div", *shown, class_="several"))


def speakers(scored: Sequence[Scored]) -> Html | None:
    """A row for every speaker, those with the highest rate first; nothing where there are fewer than two."""
    counts: dict[str, ErrorCounts] = {}
    utterances = Counter(item.speaker for item in scored)
    for item in scored:
        counts[item.speaker] = counts.get(item.speaker, ErrorCounts.zero()) + item.words
    if len(counts) < 2:
        return None
    names = sorted(counts, key=lambda name: (-counts[name].errors / max(counts[name].reference, 1), name))
    rows = [
        (
            visible(name) or "unnamed",
            str(utterances[name]),
            str(counts[name].reference),
            str(counts[name].errors),
            percent(counts[name].rate),
        )
        for name in names
    ]
    shown = table(("speaker", "utterances", "words said", "errors", "WER"), rows, (1, 2, 3, 4))
    return element("section", element("h2", "Speakers"), _wide(shown, "Speakers"))


def utterances(scored: Sequence[Scored], drawn: Mapping[int, int]) -> Html:
    """A table of all utterances, in the order of the manifest.

    Args:
        scored: The utterances.
        drawn: For the index of each that is shown on the page, the number of its article.
    """
    heads = ("utterance", "speaker", "errors", "WER", "said", "recognised")
    rows = [_cells(item, drawn.get(index)) for index, item in enumerate(scored)]
    shown = _wide(table(heads, rows, (2, 3)), "All utterances")
    return element("section", element("h2", "All utterances"), shown)


def _cells(item: Scored, number: int | None) -> list[Content]:
    name = visible(item.id)
    return [
        name if number is None else element("a", name, href=f"#r{number}"),
        visible(item.speaker),
        str(item.words.errors),
        percent(item.words.rate),
        isolated(item.reference),
        isolated(item.hypothesis),
    ]


def _wide(shown: Html, name: str) -> Html:
    """What may be too wide for a screen: it scrolls, with the arrow keys too."""
    return element("div", shown, class_="scroll", role="region", aria_label=name, tabindex=0)


def _most_frequent(op: str, found: Counter[tuple[str, str, str]]) -> Html:
    chosen = [(pair, count) for pair, count in found.most_common() if pair[0] == op][:MOST_FREQUENT]
    rows: list[tuple[Content, Content]] = []
    for (_, reference, hypothesis), count in chosen:
        parts: list[Content] = [isolated(text) for text in (reference, hypothesis) if text]
        rows.append((joined([parts[0], " → ", parts[1]] if len(parts) > 1 else parts), str(count)))
    return table((key(op), "times"), rows, (1,))
