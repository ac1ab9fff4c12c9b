"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

model_option = click.option(
    "--model",
    type=click.Path(path_type=Path),
    required=True,
    envvar="ASR_MODEL",
    help="Model folder, as asr train writes it (or set ASR_MODEL).",
)
device_option = click.option("--device", default="cpu", show_default=True, help="cpu, or a GPU: cuda.")
