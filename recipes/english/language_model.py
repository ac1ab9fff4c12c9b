"""The language model of English: text and transcripts, mixed, made small, tuned on dev, put into the model.

    python recipes/english/language_model.py --data data --model runs/english/bundle --out runs/english-lm

While tuning, the transcripts of the dev speakers stay out of the language model, or it would know what they
say, and be trusted too much; the final one has them. Every step is a command of asr, and is printed before it
is run. Text of the data folder is taken from text/gutenberg.txt.xz and text/sentences.txt.gz.
"""

from __future__ import annotations

import io
import shlex
import shutil
from collections.abc import Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path

import click
import soundfile

from asr.audio.io import AudioSource, load_audio
from asr.bundle import load_bundle, save_bundle
from asr.cli import group, run
from asr.cli.recipes import load_recipe
from asr.data.manifest import Utterance, read_manifest, split_path, write_manifest
from asr.files import write_atomically
from asr.progress import track

RECIPE = load_recipe(Path(__file__).with_name("bilstm.py"))
RATE = RECIPE.features.sample_rate
NORMALIZER = ("--normalizer", RECIPE.tokenizer.normalizer)


@dataclass(frozen=True, slots=True)
class Files:
    """What is read, and where everything is written."""

    data: Path
    out: Path
    threshold: float

    @property
    def texts(self) -> tuple[Path, Path]:
        """Everyday sentences, and old prose."""
        return self.data / "text" / "sentences.txt.gz", self.data / "text" / "gutenberg.txt.xz"

    @property
    def lexicon(self) -> Path:
        """Of the recipe."""
        return self.data / RECIPE.tokenizer.lexicon


@click.command(help="Build, tune and attach the language model of English.")
@click.option(
    "--data", type=click.Path(path_type=Path), required=True, help="Folder of the corpora and of text."
)
@click.option(
    "--model", type=click.Path(path_type=Path), required=True, help="Model folder; it is copied, not changed."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option(
    "--threshold", default=3e-8, show_default=True, help="What an n-gram must be worth to stay, nats a word."
)
@click.option("--beam-size", default=100, show_default=True, help="Prefixes kept.")
def main(data: Path, model: Path, out: Path, threshold: float, beam_size: int) -> None:
    """Goes all the way; everything is written to `out`."""
    files = Files(data, out, threshold)
    train = [one for split in RECIPE.train for one in read_manifest(split_path(data, split))]
    dev = [one for one in train if one.speaker in RECIPE.dev_speakers]
    write_text(out / "dev.txt", dev)
    write_text(out / "without-dev.txt", (one for one in train if one.speaker not in RECIPE.dev_speakers))
    write_text(out / "train.txt", train)
    general = [component(files, text) for text in files.texts]
    weights, chosen = language_model(files, "without-dev", general, ("--tune", out / "dev.txt", *NORMALIZER))
    manifest = unpack(dev, out / "dev")
    tuned = out / "tuned.json"
    beam = ("--beam-size", beam_size)
    asr(
        "lm",
        "tune",
        manifest,
        "--model",
        model,
        "--lm",
        chosen,
        "--lexicon",
        files.lexicon,
        *beam,
        "-o",
        tuned,
    )
    _, final = language_model(files, "train", general, ("--weights", weights))
    shutil.copytree(model, out / "bundle", dirs_exist_ok=True)
    attached = ("--model", out / "bundle", "--tuned", tuned, "--lexicon", files.lexicon)
    asr("lm", "attach", final, *attached)
    bundle = load_bundle(out / "bundle")
    sources = Path(__file__).with_name("SOURCES.md").read_text(encoding="utf-8")
    save_bundle(replace(bundle, card=f"{bundle.card.rstrip()}\n\n{sources}"), out / "bundle")
    for split in RECIPE.test:
        asr("evaluate", split_path(data, split), "--model", out / "bundle", "--worst", 0)


def component(files: Files, text: Path) -> Path:
    """A model of one text, with the words of the lexicon."""
    name = text.name.split(".")[0]
    arpa, small = files.out / f"{name}.arpa", files.out / f"{name}.ngrams"
    few = ("--prune", "0", "0", "1") if text.suffix == ".xz" else ()
    asr("lm", "build", text, "-o", arpa, *few, *NORMALIZER)
    asr("lm", "prune", arpa, "-o", small, "--vocabulary", files.lexicon)
    return small


def language_model(files: Files, name: str, general: list[Path], how: tuple[object, ...]) -> tuple[str, Path]:
    """The mixture of transcripts and general text, made small; with the weights of its parts."""
    out = files.out
    transcripts, mixed, small = (out / f"{name}{end}" for end in (".arpa", "-mixed.ngrams", "-small.ngrams"))
    asr("lm", "build", out / f"{name}.txt", "-o", transcripts, *NORMALIZER)
    asr("lm", "prune", transcripts, "-o", out / f"{name}.ngrams", "--vocabulary", files.lexicon)
    weights = asr("lm", "mix", out / f"{name}.ngrams", *general, "-o", mixed, *how).strip()
    texts = (out / f"{name}.txt", *files.texts)
    asr(
        "lm",
        "prune",
        mixed,
        *texts,
        "-o",
        small,
        "--threshold",
        files.threshold,
        "--weights",
        weights,
        *NORMALIZER,
    )
    asr("lm", "perplexity", small, out / "dev.txt", *NORMALIZER)
    return weights, small


def write_text(path: Path, utterances: Iterable[Utterance]) -> None:
    """Writes transcripts, one a line."""
    write_atomically(path, "".join(f"{utterance.text}\n" for utterance in utterances))


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


def asr(*arguments: object) -> str:
    """Prints a command, runs it in this process, and prints and gives what it says."""
    words = [str(argument) for argument in arguments]
    print(f"\n$ asr {shlex.join(words)}", flush=True)
    said = io.StringIO()
    with redirect_stdout(said):
        status = group.main(words, prog_name="asr", standalone_mode=False)
    print(said.getvalue(), end="", flush=True)
    if status:
        raise KeyboardInterrupt  # which the command has caught, and told
    return said.getvalue()


if __name__ == "__main__":
    run(main)
