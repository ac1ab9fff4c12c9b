"""A language model for AN4: made of the training transcripts, tuned on the dev speakers, measured on test.

    python recipes/an4/language_model.py --data data/an4 --model models/an4-bilstm --out runs/an4-lm

While tuning, the transcripts of the dev speakers stay out of the language model, or it would know what they
say, and be trusted too much. The final one is made of all training transcripts. Every step is a command of
asr, and is printed before it is run.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import click

from asr.cli import run
from asr.cli.recipes import load_recipe
from asr.cli.steps import asr
from asr.data.manifest import Utterance, read_manifest, split_path, write_manifest
from asr.files import write_atomically

ORDER = 3


@click.command(help="Build, tune and measure a language model for AN4.")
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of the splits.")
@click.option(
    "--model", type=click.Path(path_type=Path), required=True, help="Model folder; it is copied, not changed."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option("--order", default=ORDER, show_default=True, help="Words that are looked at together.")
def main(data: Path, model: Path, out: Path, order: int) -> None:
    """Goes all the way; everything is written to `out`."""
    dev_speakers = load_recipe(Path(__file__).with_name("bilstm.py")).dev_speakers
    train = read_manifest(split_path(data, "train"))
    write_text(out / "train.txt", train)
    write_text(out / "without-dev.txt", (one for one in train if one.speaker not in dev_speakers))
    write_manifest(out / "dev.jsonl", (one for one in train if one.speaker in dev_speakers))
    for name in ("without-dev", "train"):
        asr("lm", "build", out / f"{name}.txt", "-o", out / f"{name}.lm", "--order", order)
    tuned = out / "tuned.json"
    asr("lm", "tune", out / "dev.jsonl", "--model", model, "--lm", out / "without-dev.lm", "-o", tuned)
    shutil.copytree(model, out / "bundle", dirs_exist_ok=True)
    asr("lm", "attach", out / "train.lm", "--model", out / "bundle", "--tuned", tuned)
    for options in (("--beam-size", 0), ("--lm", "none", "--beam-size", 100), ()):
        test = split_path(data, "test")
        asr("evaluate", test, "--model", out / "bundle", "--worst", 0, *options)


def write_text(path: Path, utterances: Iterable[Utterance]) -> None:
    """Writes transcripts, one a line."""
    write_atomically(path, "".join(f"{utterance.text}\n" for utterance in utterances))


if __name__ == "__main__":
    run(main)
