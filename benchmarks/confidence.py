"""How far confidences are from what is right: fitted on half of the dev speakers, tried on the others.

    python -m benchmarks.confidence --model models/an4-bilstm --data data/an4 [--beam-size 50] [--json FILE]
        [--picture FILE] [--store DIR]

The speakers of the recipe's `dev_speakers`, sorted, are dealt out in turn to two halves. A calibration fitted
on one half is tried on the other, both ways round, and on the recipe's test split, fitted on both halves. As
few words say little, all other ways of halving the speakers are tried too. The figure is the expected
calibration error (asr/decode/calibration.py) in per cent, ten bins.

`chance` is the error that confidences without fault would be measured with, as so few words fall into
ten bins: the mean over draws of what is right from the calibrated confidences themselves. `--store` writes a
copy of the model whose calibration was fitted on all development speakers.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

from benchmarks.common import Figure, figure, print_figures, write_json  # isort: skip

import numpy as np
from numpy.typing import NDArray

from asr.bundle import load_bundle, save_bundle
from asr.cli.recipes import load_recipe
from asr.config import DecodingConfig
from asr.data.manifest import Utterance, read_manifest, split_path
from asr.decode.calibration import Calibration, fit_calibration, log_odds, reliability
from asr.errors import AsrError, ManifestError
from asr.recognize.confidence import judged_words, uncalibrated
from asr.recognize.recognizer import Recognizer, load

DRAWS = 500


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The words of some utterances.

    Attributes:
        log_probs: Of each word (N,), the sum over its tokens.
        plain: Confidence in each without a calibration (N,).
        correct: Whether each is right (N,).
        speakers: Who said each (N,).
    """

    log_probs: NDArray[np.float64]
    plain: NDArray[np.float64]
    correct: NDArray[np.bool_]
    speakers: NDArray[np.str_]

    def of(self, speakers: Sequence[str]) -> Judged:
        """The words of some speakers."""
        chosen = np.isin(self.speakers, list(speakers))
        return Judged(self.log_probs[chosen], self.plain[chosen], self.correct[chosen], self.speakers[chosen])

    def fit(self) -> Calibration:
        """A calibration for these words."""
        return fit_calibration(self.log_probs, self.correct)

    def calibrated(self, calibration: Calibration) -> NDArray[np.float64]:
        """Confidences (N,) under a calibration."""
        return 0.5 + 0.5 * np.tanh((calibration.offset + calibration.slope * log_odds(self.log_probs)) / 2)


def judged(recognizer: Recognizer, utterances: Sequence[Utterance]) -> Judged:
    """Recognises utterances with and without a calibration that changes nothing."""
    products = judged_words(uncalibrated(recognizer), utterances)
    means = judged_words(recognizer.with_calibration(None), utterances)
    if not products:
        raise ManifestError("no word was recognised in these utterances; give some with speech")
    return Judged(
        log_probs=np.log([max(item.word.confidence, 1e-300) for item in products]),
        plain=np.array([item.word.confidence for item in means]),
        correct=np.array([item.correct for item in products]),
        speakers=np.array([item.speaker for item in products]),
    )


def halves(speakers: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Deals the speakers out in turn, in alphabetical order."""
    return tuple(sorted(speakers)[::2]), tuple(sorted(speakers)[1::2])


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


def compare(task: str, fitted_on: Judged, tried_on: Judged) -> list[Figure]:
    """The errors before and after a calibration, in per cent."""
    calibration = fitted_on.fit()
    after = tried_on.calibrated(calibration)
    print(f"{task}: offset {calibration.offset:.3f}, slope {calibration.slope:.3f}")
    return [
        figure(task, name, [100 * value], "%")
        for name, value in (
            ("geometric mean", reliability(tried_on.plain, tried_on.correct).error),
            ("product", reliability(np.exp(tried_on.log_probs), tried_on.correct).error),
            ("calibrated", reliability(after, tried_on.correct).error),
            ("chance", chance(after)),
        )
    ]


def spread(words: Judged, speakers: Sequence[str]) -> list[Figure]:
    """The errors over all ways of halving the speakers: median, least and greatest."""
    before, after = [], []
    for fitted_on, tried_on in all_halves(speakers):
        tried = words.of(tried_on)
        before.append(100 * reliability(tried.plain, tried.correct).error)
        after.append(100 * reliability(tried.calibrated(words.of(fitted_on).fit()), tried.correct).error)
    task = f"all {len(after)} ways"
    return [figure(task, "geometric mean", before, "%"), figure(task, "calibrated", after, "%")]


def crossed(words: Judged, parts: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """Confidences (N,) of all words, each from the half that its speaker is not in."""
    confidences = np.empty(len(words.correct))
    for fitted_on, tried_on in (parts, parts[::-1]):
        calibration = words.of(fitted_on).fit()
        confidences[np.isin(words.speakers, list(tried_on))] = words.of(tried_on).calibrated(calibration)
    return confidences


def draw(path: Path, words: Judged, confidences: NDArray[np.float64]) -> None:
    """A reliability diagram: share of right words against confidence, before and after."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    plot, axes = pyplot.subplots(figsize=(4.5, 4.5))
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    for name, values in (("geometric mean", words.plain), ("calibrated", confidences)):
        bins = reliability(values, words.correct)
        axes.plot(bins.confidences, bins.accuracies, marker="o", label=f"{name}: {100 * bins.error:.1f} %")
    axes.set(xlabel="confidence", ylabel="share of right words", xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    plot.savefig(path, dpi=120, bbox_inches="tight")


def measure(arguments: argparse.Namespace) -> list[Figure]:
    """Recognises, fits and tries; writes picture and model where asked."""
    recipe = load_recipe(arguments.recipe)
    speakers = sorted(recipe.dev_speakers)
    if len(speakers) < 2:
        raise AsrError(f"{arguments.recipe}: its dev_speakers must be at least two; choose another --recipe")
    decoding = DecodingConfig(beam_size=arguments.beam_size) if arguments.beam_size else None
    recognizer = load(arguments.model, decoding=decoding)
    dev, test = (
        [one for split in splits for one in read_manifest(split_path(arguments.data, split))]
        for splits in (recipe.train, recipe.test)
    )
    words = judged(recognizer, [one for one in dev if one.speaker in speakers])
    first, second = halves(speakers)
    figures = compare("second half of dev", words.of(first), words.of(second))
    figures += compare("first half of dev", words.of(second), words.of(first))
    confidences = crossed(words, (first, second))
    pooled = reliability(confidences, words.correct).error
    before = reliability(words.plain, words.correct).error
    task = "both halves, crosswise"
    figures.append(figure(task, "geometric mean", [100 * before], "%"))
    figures.append(figure(task, "calibrated", [100 * pooled], "%"))
    figures += spread(words, speakers)
    figures += compare("test, fitted on dev", words, judged(recognizer, test))
    if arguments.picture:
        draw(arguments.picture, words, confidences)
    if arguments.store:
        save_bundle(replace(load_bundle(arguments.model), calibration=words.fit()), arguments.store)
    return figures


def main() -> int:
    """Measures, prints a table, and writes what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="model folder")
    parser.add_argument("--data", type=Path, required=True, help="corpus folder")
    parser.add_argument("--recipe", type=Path, default=Path("recipes/an4/bilstm.py"))
    parser.add_argument("--beam-size", type=int, default=0, help="0 takes the best path (default)")
    parser.add_argument("--json", type=Path, help="write the results here")
    parser.add_argument("--picture", type=Path, help="draw a reliability diagram (PNG or SVG)")
    parser.add_argument("--store", type=Path, help="write a calibrated copy of the model here")
    arguments = parser.parse_args()
    try:
        figures = measure(arguments)
    except AsrError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.status
    print_figures(figures)
    if arguments.json:
        write_json(arguments.json, "confidence", [], figures)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
