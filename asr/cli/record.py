"""``asr record``: read prompts aloud, one by one, and get a manifest to train on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from asr.cli.microphone import FileRecorder, MicrophoneRecorder, list_devices_option, microphone_option

if TYPE_CHECKING:
    from asr.cli.microphone import Recorder


@click.command("record")
@click.argument("prompts", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the recordings and their manifest; what is there already is gone on with.",
)
@click.option("--speaker", default="", help="Who reads. Default: the name of the folder.")
@click.option("--language", default="", help="What is spoken, such as en or pt-BR, for the manifest.")
@click.option(
    "--from-wav",
    type=click.Path(path_type=Path),
    help="Hear a recording, or those of a folder one after the other, in place of a microphone.",
)
@microphone_option
@list_devices_option
def command(
    prompts: Path, folder: Path, speaker: str, language: str, from_wav: Path | None, microphone: str | None
) -> None:
    """Show the lines of PROMPTS one by one, and record them as they are read aloud.

    Enter begins a recording and ends it. A check of its level follows: too quiet, clipped, too much noise, a
    word cut off. A good one is kept, for others there is the choice. Other keys: r repeats (the recording at
    hand, or else the last one), s skips the prompt, q quits.

    Each recording is written at once, with a line in FOLDER/manifest.jsonl, so nothing is lost when you stop;
    the same command goes on with the prompts that are left. The manifest's path goes to stdout.

    \b
    asr record prompts.txt --to data/me
    asr record prompts.txt --to data/me --from-wav dictaphone/
    asr finetune data/me/manifest.jsonl --model models/an4-bilstm --out runs/me
    """
    from asr.cli.recording import Session
    from asr.data.prompts import Prompted, read_prompts

    lines = read_prompts(prompts)
    recorded = Prompted.opened(folder, speaker or folder.resolve().name, language)
    recorder: Recorder = FileRecorder(from_wav) if from_wav else MicrophoneRecorder(microphone)
    try:
        Session(lines, recorded, recorder).run()
    finally:
        left = len(recorded.missing(lines))
        note = f"; {left} are left, the same command goes on with them" if left else ""
        click.echo(f"{len(recorded.utterances)} recordings, {recorded.minutes:.1f} minutes{note}", err=True)
    click.echo(recorded.manifest)
