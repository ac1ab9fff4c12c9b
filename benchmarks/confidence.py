"""How far confidences are from what is right: fitted on half of the dev speakers, tried on the others.

    python -m benchmarks.confidence --model models/an4-bilstm --data data/an4 [--json FILE] [--picture FILE]

Three ways of decoding: the best path, beam search, and beam search with a 3-gram of the training transcripts.
The 3-gram knows no transcript of the dev speakers where these are decoded; on test, one of all transcripts
is used, with the calibration that was fitted with the other. Its weights are those of `asr lm tune`.

The speakers of the recipe's `dev_speakers`, sorted, are dealt out in turn to two halves. A calibration fitted
on one half is tried on the other, both ways round, and on the recipe's test split, fitted on both halves. As
few words say little, all other ways of halving the speakers are tried too. The figure is the expected
calibration error (asr/decode/calibration.py) in per cent, ten bins.

`chance` is the error that confidences without fault would be measured with, as so few words fall into
ten bins: the mean over draws of what is right from the calibrated confidences themselves. `best path's` is
the error with the calibration of the best path, which is not meant for the other two.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from benchmarks.common import Figure, command, figure  # isort: skip

import numpy as np
from numpy.typing import NDArray

from asr.cli.recipes import load_recipe
from asr.config import DecodingConfig
from asr.data.manifest import Utterance, read_manifest, split_path
from asr.decode.calibration import Calibration, reliability
from asr.errors import AsrError
from asr.lm.kneser_ney import Estimation, estimate
from asr.recognize.confidence import JudgedWords, halves, judged_words
from asr.recognize.language import SOUND_ALONE, Language
from asr.recognize.recognizer import Recognizer, load
from asr.text.normalize import normalize

DRAWS = 500
ORDER = 3


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """The words of dev and test in one way of decoding."""

    dev: JudgedWords
    test: JudgedWords


@dataclass(frozen=True, slots=True)
class Corpus:
    """Utterances for training, for fitting, and for the last look."""

    train: Sequence[Utterance]
    dev: Sequence[Utterance]
    test: Sequence[Utterance]


def read_corpus(arguments: argparse.Namespace) -> Corpus:
    """Reads the splits of a recipe; raises AsrError if it has too few dev speakers."""
    recipe = load_recipe(arguments.recipe)
    if len(recipe.dev_speakers) < 2:
        raise AsrError(f"{arguments.recipe}: its dev_speakers must be at least two; choose another --recipe")
    known, test = (
        [one for split in splits for one in read_manifest(split_path(arguments.data, split))]
        for splits in (recipe.train, recipe.test)
    )
    dev = [one for one in known if one.speaker in recipe.dev_speakers]
    return Corpus([one for one in known if one.speaker not in recipe.dev_speakers], dev, test)


def decode(arguments: argparse.Namespace, corpus: Corpus) -> Iterator[tuple[str, Way]]:
    """The words of all ways of decoding."""
    beam = DecodingConfig(beam_size=arguments.beam_size)
    for name, decoding in (("best path", None), ("beam", beam)):
        alone = load(arguments.model, decoding=decoding, language=SOUND_ALONE)
        yield name, Way(judged_words(alone, corpus.dev), judged_words(alone, corpus.test))
    normalizer = alone.bundle.tokenizer_config.normalizer

    def with_model(utterances: Sequence[Utterance], path: Path) -> Recognizer:
        texts = [normalize(one.text, normalizer).split() for one in utterances]
        estimate(texts, path, Estimation(ORDER))
        language = Language(lm=path, alpha=arguments.alpha, beta=arguments.beta)
        return load(arguments.model, decoding=beam, language=language)

    with tempfile.TemporaryDirectory() as folder:
        dev = judged_words(with_model(corpus.train, Path(folder) / "dev.arpa"), corpus.dev)
        everything = [*corpus.train, *corpus.dev]
        test = judged_words(with_model(everything, Path(folder) / "test.arpa"), corpus.test)
        yield f"beam, {ORDER}-gram", Way(dev, test)


def all_halves(speakers: Sequence[str]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """All ways to fit on some speakers and report on as many others, or one more or less."""
    names = sorted(speakers)
    for size in {len(names) // 2, len(names) - len(names) // 2}:
        for chosen in combinations(names, size):
            yield chosen, tuple(name for name in names if name not in chosen)


def chance(confidences: NDArray[np.float64], seed: int = 0) -> float:
    """The error that these confidences would be measured with if they were right."""
    random = np.random.default_rng(seed)
    draws = random.random((DRAWS, len(confidences))) < confidences
    return float(np.mean([reliability(confidences, drawn).error for drawn in draws]))


def errors(task: str, words: JudgedWords, calibrated: NDArray[np.float64]) -> list[Figure]:
    """The errors with and without a calibration, in per cent."""
    values = {
        "geometric mean": words.error(None),
        "calibrated": reliability(calibrated, words.correct).error,
        "chance": chance(calibrated),
    }
    return [figure(task, name, [100 * value], "%") for name, value in values.items()]


def spread(task: str, words: JudgedWords, speakers: Sequence[str]) -> list[Figure]:
    """The errors over all ways of halving the speakers: median, least and greatest."""
    before, after = [], []
    for fitted_on, tried_on in all_halves(speakers):
        tried = words.of(tried_on)
        before.append(100 * tried.error(None))
        after.append(100 * tried.error(words.of(fitted_on).fit()))
    task = f"{task}, {len(after)} halves"
    return [figure(task, "geometric mean", before, "%"), figure(task, "calibrated", after, "%")]


def compare(name: str, way: Way, best_path: Calibration) -> Iterator[Figure]:
    """All figures of one way of decoding."""
    speakers = sorted(set(way.dev.speakers.tolist()))
    first, second = halves(speakers)
    for half, fitted_on, tried_on in (("2nd", first, second), ("1st", second, first)):
        tried = way.dev.of(tried_on)
        yield from errors(f"{name}, {half} half", tried, tried.confidences(way.dev.of(fitted_on).fit()))
    crosswise = way.dev.crosswise()
    if crosswise is None:
        raise AsrError("half of the dev speakers said no word that was recognised; use a better --model")
    yield from errors(f"{name}, crosswise", way.dev, crosswise)
    yield from spread(name, way.dev, speakers)
    calibration = way.dev.fit()
    print(f"{name}: offset {calibration.offset:.3f}, slope {calibration.slope:.3f}, all of dev")
    yield from errors(f"{name}, test", way.test, way.test.confidences(calibration))
    if calibration != best_path:
        for split, words in (("dev", way.dev), ("test", way.test)):
            yield figure(f"{name}, {split}", "best path's", [100 * words.error(best_path)], "%")


def draw(path: Path, ways: Mapping[str, Way]) -> None:
    """Reliability diagrams: share of right words against confidence on dev, before and after."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    plot, places = pyplot.subplots(1, len(ways), figsize=(4.5 * len(ways), 4.5), sharey=True)
    for axes, (title, way) in zip(places, ways.items(), strict=True):
        axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
        plain, calibrated = way.dev.confidences(None), way.dev.crosswise()
        for name, values in (("geometric mean", plain), ("calibrated", calibrated)):
            bins = reliability(values, way.dev.correct)
            label = f"{name}: {100 * bins.error:.1f} %"
            axes.plot(bins.confidences, bins.accuracies, marker="o", label=label)
        axes.set(title=title, xlabel="confidence", ylabel="share of right words", xlim=(0, 1), ylim=(0, 1))
        axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    plot.savefig(path, dpi=120, bbox_inches="tight")


def measure(arguments: argparse.Namespace) -> list[Figure]:
    """Recognises, fits and tries; draws a picture where asked."""
    ways = dict(decode(arguments, read_corpus(arguments)))
    best_path = next(iter(ways.values())).dev.fit()
    figures = [one for name, way in ways.items() for one in compare(name, way, best_path)]
    if arguments.picture:
        draw(arguments.picture, ways)
    return figures


def main() -> int:
    """Measures, prints a table, and writes what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="model folder")
    parser.add_argument("--data", type=Path, required=True, help="corpus folder")
    parser.add_argument("--recipe", type=Path, default=Path("recipes/an4/bilstm.py"))
    parser.add_argument("--beam-size", type=int, default=100)
    parser.add_argument("--alpha", type=float, default=0.8125, help="of the 3-gram")
    parser.add_argument("--beta", type=float, default=0.25, help="of the 3-gram")
    parser.add_argument("--picture", type=Path, help="draw reliability diagrams (PNG or SVG)")
    return command("confidence", parser, measure)


if __name__ == "__main__":
    raise SystemExit(main())
