"""A picture of the learning curves of a run."""

from __future__ import annotations

from pathlib import Path

from asr.files import writing
from asr.train.journal import read_metrics


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
    panels = [
        ("training loss", [("epoch", "loss", 1.0, "mean of the epoch")]),
        (
            "dev error rate, %",
            [
                ("epoch", "dev_error_rate", 100.0, "words"),
                ("epoch", "dev_character_error_rate", 100.0, "characters"),
            ],
        ),
        ("learning rate", [("step", "learning_rate", 1.0, "")]),
        ("gradient norm before clipping", [("step", "gradient_norm", 1.0, "")]),
    ]
    for axes, (title, lines) in zip(figure.subplots(2, 2).flat, panels, strict=True):
        for kind, name, scale, label in lines:
            points = [
                (row["step"], row[name]) for row in rows if row["kind"] == kind and row.get(name) is not None
            ]
            axes.plot(
                [x for x, _ in points], [scale * float(y) for _, y in points if y is not None], label=label
            )
        axes.set_title(title)
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
        if len(lines) > 1:
            axes.legend()
            axes.set_ylim(bottom=0)
    with writing(picture):
        figure.savefig(picture, dpi=110)
