"""The table of results as Markdown, as `recipes/README.md` has it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from asr.reproduce.table import Row, Run

BEGIN, END = "<!-- made by: asr reproduce --markdown -->", "<!-- end -->"
_HEADS = (
    *("recipe", "row", "WER %", "S / D / I", "words", "seeds"),
    *("spread", "CPU minutes", "decoding", "commit", "note"),
)


def markdown(rows: Sequence[Row]) -> str:
    """The table between the two comments that mark its place, without a final newline."""
    lines = [_line(_HEADS), _line(["---"] * len(_HEADS)), *(_line(_cells(row)) for row in rows)]
    return "\n".join([BEGIN, *lines, END])


def replaced(text: str, rows: Sequence[Row]) -> str:
    """A document with the table in its place. Raises ValueError where that is not marked."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return before + markdown(rows) + after


def _cells(row: Row) -> list[str]:
    rates = ", ".join(f"{rate:.2f}" for rate in row.rates)
    mean = f"; mean {fmean(row.rates):.2f}" if len(row.runs) > 1 else ""
    minutes = [f"{run.cpu_minutes:g}" for run in row.runs if run.cpu_minutes is not None]
    return [
        row.title,
        f"`{row.name}`",
        f"{rates}{mean}",
        ", ".join(map(errors, row.runs)),
        str(row.words),
        ", ".join(str(run.seed) for run in row.runs),
        f"± {row.spread:.2f}",
        ", ".join(minutes),
        row.decoding,
        row.commit,
        row.note,
    ]


def errors(run: Run) -> str:
    """Substitutions, deletions and insertions."""
    return f"{run.substitutions} / {run.deletions} / {run.insertions}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
