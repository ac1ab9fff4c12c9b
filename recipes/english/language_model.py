"""The language model of English: text and transcripts, mixed by what dev speakers say.

    python recipes/english/language_model.py --data data --out runs/english-lm

Writes OUT/english.ngrams, and OUT/tuning.ngrams, which is the same without the transcripts of the dev
speakers: while its weight is tuned on them it must not know what they say, or it would be trusted too much.
Every step is a command of asr, and is printed before it is run. Text is taken from text/gutenberg.txt.xz and
text/sentences.txt.gz of the data folder.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click

from asr.cli import run
from asr.cli.recipes import load_recipe
from asr.cli.steps import asr
from asr.data.manifest import Utterance, read_manifest, split_path
from asr.files import write_atomically

RECIPE = load_recipe(Path(__file__).with_name("bilstm.py"))
NORMALIZER = ("--normalizer", "lower_words")  # in old books to-day is not two words, and is left out
TUNING, FINAL = "tuning.ngrams", "english.ngrams"


@dataclass(frozen=True, slots=True)
class Files:
    """What is read, where everything is written, and what an n-gram must be worth to stay (0: all do)."""

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


@click.command(help="Build the language model of English.")
@click.option(
    "--data", type=click.Path(path_type=Path), required=True, help="Folder of the corpora and of text."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option(
    "--threshold", default=0.0, show_default=True, help="What an n-gram must be worth to stay, nats a word."
)
def main(data: Path, out: Path, threshold: float) -> None:
    """Writes everything to `out`."""
    files = Files(data, out, threshold)
    train, dev = training_utterances(data), dev_utterances(data)
    write_text(out / "dev.txt", dev)
    write_text(out / "without-dev.txt", (one for one in train if one.speaker not in RECIPE.dev_speakers))
    write_text(out / "train.txt", train)
    general = [component(files, text) for text in files.texts]
    weights = language_model(files, "without-dev", TUNING, general, ("--tune", out / "dev.txt", *NORMALIZER))
    language_model(files, "train", FINAL, general, ("--weights", weights))


def training_utterances(data: Path) -> list[Utterance]:
    """All utterances of the splits to train on, dev speakers included."""
    return [one for split in RECIPE.train for one in read_manifest(split_path(data, split))]


def dev_utterances(data: Path) -> list[Utterance]:
    """Those of the dev speakers."""
    return [one for one in training_utterances(data) if one.speaker in RECIPE.dev_speakers]


def component(files: Files, text: Path) -> Path:
    """A model of one text, with the words of the lexicon."""
    name = text.name.split(".")[0]
    arpa, small = files.out / f"{name}.arpa", files.out / f"{name}.ngrams"
    few = ("--prune", "0", "0", "1") if text.suffix == ".xz" else ()
    asr("lm", "build", text, "-o", arpa, *few, *NORMALIZER)
    asr("lm", "prune", arpa, "-o", small, "--vocabulary", files.lexicon)
    return small


def language_model(
    files: Files, transcripts: str, name: str, general: list[Path], how: tuple[object, ...]
) -> str:
    """Writes the mixture of transcripts and general text; gives the weights of its parts."""
    out, small = files.out, files.out / name
    arpa, spoken, mixed = (out / f"{transcripts}{end}" for end in (".arpa", ".ngrams", "-mixed.ngrams"))
    mixed = mixed if files.threshold else small
    asr("lm", "build", out / f"{transcripts}.txt", "-o", arpa, *NORMALIZER)
    asr("lm", "prune", arpa, "-o", spoken, "--vocabulary", files.lexicon)
    weights = asr("lm", "mix", spoken, *general, "-o", mixed, *how).strip()
    if files.threshold:
        texts = (out / f"{transcripts}.txt", *files.texts)
        worth = ("--threshold", files.threshold, "--weights", weights)
        asr("lm", "prune", mixed, *texts, "-o", small, *worth, *NORMALIZER)
    asr("lm", "perplexity", small, out / "dev.txt", *NORMALIZER)
    return weights


def write_text(path: Path, utterances: Iterable[Utterance]) -> None:
    """Writes transcripts, one a line."""
    write_atomically(path, "".join(f"{utterance.text}\n" for utterance in utterances))


if __name__ == "__main__":
    run(main)
