"""``asr doctor``: what works on this machine, what is missing, and how to get it."""

from __future__ import annotations

from pathlib import Path

import click

from asr.doctor.examination import examine
from asr.doctor.findings import as_json, as_lines, works


@click.command("doctor")
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    help="Try this model folder. Default: all in models/, runs/*/bundle, and that of ASR_MODEL.",
)
@click.option("--json", "json_wanted", is_flag=True, help="For programs.")
def command(model: Path | None, json_wanted: bool) -> int:
    """Look at this machine and installation, and try out what recognising needs.

    Processor, packages, audio formats, compiled kernels and where they are stored, engines, microphone,
    models. Below what is missing stands the command that gets it. Status 0 if transcribing works, else 1.

    \b
    asr doctor
    asr doctor --model runs/mine/bundle --json
    python -m asr.doctor               # the same, where asr itself does not start
    """
    found = examine(model)
    click.echo(as_json(found) if json_wanted else as_lines(found))
    return 0 if works(found) else 1
