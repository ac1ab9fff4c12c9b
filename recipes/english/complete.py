"""From phones to words: gives a trained model its lexicon and its language model, tuned on the dev speakers.

    python recipes/english/complete.py --data data --lm runs/english-lm --model runs/english/bundle \\
        --out runs/english-complete

The model folder is copied to OUT/bundle; there it gets the lexicon and the letter-to-sound model of the data
folder, the language model, and what the sources ask for in its card. It is then judged on every test split.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import click
import soundfile
from language_model import FINAL, RECIPE, TUNING, dev_utterances

from asr.audio.io import AudioSource, load_audio
from asr.bundle import load_bundle, save_bundle
from asr.cli import run
from asr.cli.steps import asr
from asr.data.manifest import Utterance, split_path, write_manifest
from asr.progress import track

RATE = RECIPE.features.sample_rate
HEADING = (
    "## Words, with the lexicon and the language model",
    "",
    "| split | WER % | 95 % interval |",
    "|---|---|---|",
)


@click.command(help="Give a model of English its lexicon and language model, tune them, and judge it.")
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of the corpora.")
@click.option("--lm", type=click.Path(path_type=Path), required=True, help="What language_model.py wrote.")
@click.option(
    "--model", type=click.Path(path_type=Path), required=True, help="Model folder; it is copied, not changed."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option("--beam-size", default=1000, show_default=True, help="Prefixes kept.")
def main(data: Path, lm: Path, model: Path, out: Path, beam_size: int) -> None:
    """Writes everything to `out`."""
    lexicon, tuned = data / RECIPE.tokenizer.lexicon, out / "tuned.json"
    manifest = unpack(dev_utterances(data), out / "dev")
    words = ("--lexicon", lexicon)
    beam = ("--beam-size", beam_size)
    asr("lm", "tune", manifest, "--model", model, "--lm", lm / TUNING, *words, *beam, "-o", tuned)
    shutil.copytree(model, out / "bundle", dirs_exist_ok=True)
    asr("lm", "attach", lm / FINAL, "--model", out / "bundle", "--tuned", tuned, *words)
    table = [judged(split, data, out) for split in RECIPE.test]
    bundle = load_bundle(out / "bundle")
    sources = Path(__file__).with_name("SOURCES.md").read_text(encoding="utf-8")
    parts = (bundle.card.rstrip(), "\n".join([*HEADING, *table]), sources)
    save_bundle(replace(bundle, card="\n\n".join(parts)), out / "bundle")


def judged(split: str, data: Path, out: Path) -> str:
    """A line of the card: the error rate of the finished model on a split, with its interval."""
    results = out / "results" / f"{split.replace('/', '-')}.json"
    known = ("--model", out / "bundle", "--worst", 0, "--json", results)
    said = asr("evaluate", split_path(data, split), *known).splitlines()
    interval = next(line.removeprefix("95 % interval ") for line in said if line.startswith("95 %"))
    return f"| {split} | {said[0]} | {interval} |"


def unpack(utterances: list[Utterance], folder: Path) -> Path:
    """Writes recordings of several archives into one folder, with a manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    moved = []
    for number, one in enumerate(track(utterances, "unpacking dev")):
        path = folder / f"{number:05d}.flac"
        samples = load_audio(one.audio, sample_rate=RATE, start=one.start, duration=one.duration)
        soundfile.write(path, samples, RATE)
        moved.append(replace(one, audio=AudioSource(path), start=0.0))
    write_manifest(folder / "manifest.jsonl", moved)
    return folder / "manifest.jsonl"


if __name__ == "__main__":
    run(main)
