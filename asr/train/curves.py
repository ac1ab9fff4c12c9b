"""A picture of the learning curves of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asr.files import write_atomically
from asr.train.journal import read_metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class _Line:
    """A figure over steps.

    Attributes:
        kind: Of the rows of metrics.jsonl that hold it.
        figure: Its name there.
        label: What the legend calls it.
        scale: What it is multiplied by.
    """

    kind: str
    figure: str
    label: str = ""
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class _Panel:
    """A part of the picture; several lines share an axis that begins at zero."""

    title: str
    lines: tuple[_Line, ...]


_PANELS = (
    _Panel("training loss", (_Line("epoch", "loss"),)),
    _Panel(
        "dev error rate, %",
        (
            _Line("epoch", "dev_error_rate", "words", 100.0),
            _Line("epoch", "dev_character_error_rate", "characters", 100.0),
        ),
    ),
    _Panel("learning rate", (_Line("step", "learning_rate"),)),
    _Panel("gradient norm before clipping", (_Line("step", "gradient_norm"),)),
)


def draw_curves(metrics: Path, picture: Path) -> None:
    """Draws loss, dev error rates, learning rate and gradient norm over steps into a PNG file.

    Args:
        metrics: The metrics.jsonl of a run.
        picture: The file to write.

    Raises:
        RunError: If it cannot be written.
    """
    from matplotlib.figure import Figure  # slow to import, and only needed here

    rows = read_metrics(metrics)
    figure = Figure(figsize=(10, 6.5), layout="constrained")
    for axes, panel in zip(figure.subplots(2, 2).flat, _PANELS, strict=True):
        _draw(panel, rows, axes)
    png = BytesIO()
    figure.savefig(png, format="png", dpi=110)
    write_atomically(picture, png.getvalue())


def _draw(panel: _Panel, rows: Sequence[Mapping[str, Any]], axes: Axes) -> None:
    for line in panel.lines:
        axes.plot(*_points(line, rows), label=line.label)
    axes.set_title(panel.title)
    axes.set_xlabel("step")
    axes.grid(alpha=0.3)
    if len(panel.lines) > 1:
        axes.legend()
        axes.set_ylim(bottom=0)


def _points(line: _Line, rows: Sequence[Mapping[str, Any]]) -> tuple[list[int], list[float]]:
    """Steps and scaled values of the rows that hold the figure."""
    found = [row for row in rows if row["kind"] == line.kind and row.get(line.figure) is not None]
    return [row["step"] for row in found], [line.scale * row[line.figure] for row in found]
