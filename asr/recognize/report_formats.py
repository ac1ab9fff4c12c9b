"""Reports of error rates, written for people (text) and for programs (JSON)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import msgspec
from rich.cells import cell_len

from asr.recognize.scoring import Interval, Report, worst_utterances
from asr.text.error_rate import AlignedWord, ErrorCounts, align_words, format_wer

_LINE_CELLS = 100
_MARKS = {"equal": "", "substitute": "S", "delete": "D", "insert": "I"}


def format_report(report: Report, worst: int = 5) -> str:
    """Writes a report for people: rates, interval, and the worst utterances aligned.

    Args:
        report: The scores.
        worst: How many utterances to show; those without an error are never shown.

    Returns:
        Lines without a final newline. Under REF and HYP, wrong words stand in upper case, *** fills gaps,
        and S, D or I marks what happened.
    """
    sentences = f"[ {report.wrong_sentences} / {len(report.scored)} ]"
    lines = [
        format_wer(report.words),
        format_wer(report.characters, "CER"),
        f"%SER {100 * report.sentence_error_rate:.2f} {sentences}",
        _format_interval(report.interval),
    ]
    for item in worst_utterances(report.scored, worst):
        speaker = f", speaker {item.speaker}" if item.speaker else ""
        lines += ["", f"{item.id}{speaker}: {format_wer(item.words)}"]
        lines += _aligned_lines(align_words(item.reference, item.hypothesis))
    return "\n".join(lines)


def report_json(report: Report) -> str:
    """Writes a report for programs: JSON with totals, interval and every utterance; nan becomes null."""
    content = {
        "utterances": len(report.scored),
        "speakers": report.speakers,
        "duration": report.duration,
        "words": _counts(report.words),
        "characters": _counts(report.characters),
        "sentences": {"wrong": report.wrong_sentences, "rate": report.sentence_error_rate},
        "interval": asdict(report.interval),
        "scored": [
            asdict(item) | {"words": _counts(item.words), "characters": _counts(item.characters)}
            for item in report.scored
        ],
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n"


def _format_interval(interval: Interval) -> str:
    over = f"{interval.units} {interval.unit}{'' if interval.units == 1 else 's'}"
    if math.isnan(interval.low):
        return f"{100 * interval.level:.0f} % interval unknown (too little reference text in {over})"
    rates = f"{100 * interval.low:.2f} … {100 * interval.high:.2f}"
    return f"{100 * interval.level:.0f} % interval {rates} (bootstrap over {over})"


def _aligned_lines(columns: Sequence[AlignedWord]) -> Iterator[str]:
    """Yields REF, HYP and mark lines, broken where they grow too long for a terminal."""
    rows: list[tuple[str, str, str]] = []
    used = 0
    for column in columns:
        shown = _shown(column)
        cells = max(map(cell_len, shown))
        if rows and used + cells > _LINE_CELLS:
            yield from _lines(rows)
            rows, used = [], 0
        rows.append((_pad(shown[0], cells), _pad(shown[1], cells), _pad(_MARKS[column.op], cells)))
        used += cells + 1
    yield from _lines(rows)


def _lines(rows: list[tuple[str, str, str]]) -> Iterator[str]:
    for name, words in zip(("REF:", "HYP:", "    "), zip(*rows, strict=True), strict=True):
        line = f"{name} {' '.join(words)}".rstrip()
        if line:
            yield line


def _shown(column: AlignedWord) -> tuple[str, str]:
    left, right = column.reference, column.hypothesis
    if left is None or right is None:
        word = (left or right or "").upper()
        gap = "*" * max(3, cell_len(word))
        return (word, gap) if right is None else (gap, word)
    if column.op == "equal" or left.upper() == right.upper():
        return left, right
    return left.upper(), right.upper()


def _pad(text: str, cells: int) -> str:
    return text + " " * (cells - cell_len(text))


def _counts(counts: ErrorCounts) -> dict[str, Any]:
    return {"rate": counts.rate, "errors": counts.errors} | asdict(counts)
