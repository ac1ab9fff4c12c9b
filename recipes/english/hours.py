"""What more hours of speech are worth: error rates of models that were trained on shares of the data.

    same="--set features.normalization=utterance --set training.epochs=24
        --set augment.non_speech=0.03 --set augment.stream=0.1"
    python recipes/english/bilstm.py --data data --out runs/quarter --set train_fraction=0.25 $same \
        --set training.batch_seconds=80 --set training.learning_rate=1.5e-3
    python recipes/english/bilstm.py --data data --out runs/half --set train_fraction=0.5 $same \
        --set training.batch_seconds=160 --set training.learning_rate=2.1e-3
    python recipes/english/hours.py runs/quarter/bundle runs/half/bundle runs/english-first/bundle \
        --data data --complete runs/english-complete/bundle --picture recipes/english/hours.png

Batches are smaller where there is less speech, and rates by the root of that, so that all take about as many
steps. All get the lexicon and the language model of the complete model, and its tuning. Rows are JSON.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from asr.bundle import Bundle, load_bundle, save_bundle
from asr.cli import run
from asr.cli.recipes import load_recipe
from asr.data.manifest import read_manifest, split_path
from asr.files import write_atomically
from asr.progress import counter
from asr.recognize.evaluate import recognize
from asr.recognize.recognizer import load
from asr.recognize.scoring import report

RECIPE = load_recipe(Path(__file__).with_name("bilstm.py"))


@dataclass(frozen=True, slots=True)
class Point:
    """A split by one model: hours that it was trained on, error rate in per cent, its 95 % interval."""

    split: str
    hours: float
    wer: float
    low: float
    high: float


@click.command(help="Error rates of models that were trained on shares of the data.")
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of the corpora.")
@click.option(
    "--complete",
    type=click.Path(path_type=Path),
    required=True,
    help="The model folder whose lexicon and language model all get.",
)
@click.option("--picture", type=click.Path(path_type=Path), help="Draw them into this PNG file.")
def main(models: Sequence[Path], data: Path, complete: Path, picture: Path | None) -> None:
    """Judges all models on all test splits."""
    whole = load_bundle(complete)
    points = []
    for model in models:
        bundle = load_bundle(model)
        for point in judged(replace(bundle, language=whole.language, words=whole.words), data):
            print(json.dumps(asdict(point)), flush=True)
            points.append(point)
    if picture is not None:
        draw(points, picture)


def judged(bundle: Bundle, data: Path) -> list[Point]:
    """A point for every test split of the recipe."""
    hours, points = bundle.facts["data"]["train_hours"], []
    with TemporaryDirectory() as folder:
        save_bundle(bundle, Path(folder))
        recognizer = load(folder)
        for split in RECIPE.test:
            utterances = read_manifest(split_path(data, split))
            with counter(f"{hours:.1f} h, {split}", len(utterances)) as advance:
                found = report(recognize(recognizer, utterances, advance))
            ends = 100 * found.interval.low, 100 * found.interval.high
            points.append(Point(split, hours, 100 * found.words.rate, *ends))
    return points


def draw(points: Sequence[Point], picture: Path) -> None:
    """Error rates over hours, one line for each split, with their intervals."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for split in dict.fromkeys(point.split for point in points):
        own = sorted((point for point in points if point.split == split), key=lambda point: point.hours)
        wer = [point.wer for point in own]
        below = [point.wer - point.low for point in own]
        above = [point.high - point.wer for point in own]
        hours = [point.hours for point in own]
        axes.errorbar(hours, wer, yerr=[below, above], marker="o", capsize=3, label=split)
    axes.set_xscale("log", base=2)
    axes.set_xticks(sorted({point.hours for point in points}), minor=False)
    axes.xaxis.set_major_formatter("{x:.1f}")
    axes.set_xlabel("hours of training speech")
    axes.set_ylabel("word error rate, %")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside upper center", ncols=2)
    png = BytesIO()
    figure.savefig(png, format="png", dpi=110)
    write_atomically(picture, png.getvalue())


if __name__ == "__main__":
    run(main)
