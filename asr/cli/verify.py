"""``asr verify``: the laws of the toolkit, proven again on this machine with a model."""

from __future__ import annotations

from pathlib import Path

import click

MARKS = {"held": "held", "broken": "BROKEN", "skipped": "-", "reported": "told"}


@click.command("verify")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--audio",
    "recordings",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Try with this recording, too; as often as you like. Its first minute is used.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0),
    default=20.0,
    show_default=True,
    help="How long to try, about; every law is tried once at least.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of chance.")
def command(model: Path, recordings: tuple[Path, ...], seconds: float, seed: int) -> int:
    """Prove again, on this machine, what asr promises of MODEL, a model folder.

    Its files have the hashes that model.json says, and its graphs are of its weights. In fp32, company,
    padding, order and chunks change no probability by more than 1e-5, and ONNX Runtime computes what torch
    does. A stream has the words of the recording. Where nobody speaks, nothing is written. How far weights of
    8 bits are from that is told. A line for each law; status 1 if one is broken.

    \b
    asr verify models/an4-lstm-streaming
    asr verify runs/mine/bundle --audio talk.mp3 --audio call.wav --seconds 120
    """
    from asr.verify.verification import Effort, verify

    broken = 0
    for verdict in verify(model, Effort(seconds, recordings, seed)):
        broken += verdict.state == "broken"
        click.echo(f"{MARKS[verdict.state]:<7}{verdict.law}: {verdict.text}")
    click.echo(f"{broken} broken" if broken else "all held")
    return 1 if broken else 0
