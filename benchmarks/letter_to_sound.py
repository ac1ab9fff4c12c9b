"""How often the letter-to-sound model is wrong on words of CMUdict that it was not trained on.

    python -m benchmarks.letter_to_sound --from cmudict.dict                the part to choose settings by
    python -m benchmarks.letter_to_sound --from cmudict.dict --part test    the part to report, once

The SHA-256 of its letters says which part a word belongs to: 10 % test, 5 % dev, the rest training. So there
is no seed, and the parts stay what they are when the dictionary grows. Stress does not count.

A guess is compared with that pronunciation of the word that is nearest to it, as is usual (Bisani and Ney
2008); "first only" compares with the first. The phone error rate is substitutions, deletions and insertions
per phone of these references. Intervals (95 %) are over words, drawn with replacement.
"""

from __future__ import annotations

from benchmarks.common import Figure, command, figure  # isort: skip  (sets the number of threads)

import argparse
import hashlib
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr.environment import this_environment
from asr.pronounce.model import Guess, LetterToSound
from asr.pronounce.search import Width
from asr.pronounce.storage import SUFFIX, load_letter_to_sound, save_letter_to_sound
from asr.pronounce.training import Training, train
from asr.text.error_rate import word_errors
from asr.text.lexicon_text import Entry
from data_prep.cmudict import read_cmudict

TEST, DEV = 10, 5
"""Per cent of the words."""

GUESSES = 5
"""Guesses of which one may be right."""

LOADS = 9
DRAWS, SEED = 1000, 0


@dataclass(frozen=True, slots=True)
class Scores:
    """Edits and phones of every word (N,), and whether one of its guesses is right."""

    edits: np.ndarray
    phones: np.ndarray
    among: np.ndarray


def part_of(word: str) -> str:
    """The part that a word belongs to: train, dev or test."""
    place = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % 100
    return "test" if place < TEST else "dev" if place < TEST + DEV else "train"


def compare(guesses: Sequence[tuple[Guess, ...]], references: Sequence[list[tuple[str, ...]]]) -> Scores:
    """Compares the guesses for each word with its pronunciations."""
    counts = []
    for some, known in zip(guesses, references, strict=True):
        guess = " ".join(some[0].phones)
        counts.append(min((word_errors(" ".join(one), guess) for one in known), key=lambda one: one.errors))
    among = [
        any(one.phones in known for one in some) for some, known in zip(guesses, references, strict=True)
    ]
    edits, phones = ([getattr(one, name) for one in counts] for name in ("errors", "reference"))
    return Scores(np.array(edits), np.array(phones), np.array(among))


def drawn(values: np.ndarray, weights: np.ndarray) -> list[float]:
    """A rate in per cent, and the 2.5th and 97.5th percentile of it over words drawn with replacement."""
    random = np.random.default_rng(SEED)
    rows = random.integers(len(values), size=(DRAWS, len(values)))
    rates = 100 * values[rows].sum(axis=1) / weights[rows].sum(axis=1)
    low, high = np.percentile(rates, [2.5, 97.5])
    return [float(low), float(100 * values.sum() / weights.sum()), float(high)]


def quality(model: LetterToSound, entries: Sequence[Entry], width: Width) -> list[Figure]:
    """Error rates of a model on some words, and the time that a guess takes."""
    known: dict[str, list[tuple[str, ...]]] = {}
    for entry in entries:
        known.setdefault(entry.word, []).append(entry.phones)
    words, references = list(known), list(known.values())
    start = time.process_time()
    guesses = model.guess(words, GUESSES, width)
    seconds = time.process_time() - start
    task, one = f"{len(words)} words", np.ones(len(words))
    figures = []
    for name, targets in (("nearest", references), ("first only", [some[:1] for some in references])):
        scores = compare(guesses, targets)
        figures += [
            figure(f"{task}, {name}", "phone error rate", drawn(scores.edits, scores.phones), "%"),
            figure(f"{task}, {name}", "word error rate", drawn(scores.edits > 0, one), "%"),
            figure(f"{task}, {name}", f"not among {GUESSES} guesses", drawn(~scores.among, one), "%"),
        ]
    return [*figures, figure(task, "CPU per word", [1000 * seconds / len(words)], "ms")]


def costs(model: LetterToSound, seconds: float) -> list[Figure]:
    """What a model costs: CPU time of its training, size, and CPU time of loading it."""
    loads = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model{SUFFIX}"
        save_letter_to_sound(model, path)
        for _ in range(LOADS):
            start = time.process_time()
            load_letter_to_sound(path)
            loads.append(1000 * (time.process_time() - start))
        size = path.stat().st_size
    count = sum(map(len, model.ngrams.levels))
    return [
        figure("model", "training, CPU", [seconds], "s"),
        figure("model", "file", [size / 1e6], "MB"),
        figure("model", "loading, CPU", loads, "ms"),
        figure("model", "n-grams", [count / 1000], "thousand"),
        figure("model", "graphones", [len(model.graphones)], ""),
    ]


def measure(arguments: argparse.Namespace) -> list[Figure]:
    """Trains, guesses and counts."""
    machine = this_environment(())
    print(f"{machine.processor}, {machine.cores} cores, one used; commit {machine.commit or '?'}")
    wanted = Training(arguments.order, arguments.threshold)
    width = Width(arguments.hypotheses, arguments.margin)
    print(f"{wanted}, {width}; split by SHA-256, no seed")
    entries = read_cmudict(arguments.source)
    start = time.process_time()
    trained = train([entry for entry in entries if part_of(entry.word) == "train"], wanted)
    seconds = time.process_time() - start
    chosen = [entry for entry in entries if part_of(entry.word) == arguments.part]
    return [*quality(trained.model, chosen, width), *costs(trained.model, seconds)]


def main() -> int:
    """Measures, prints a table, and writes what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--from", dest="source", type=Path, required=True, help="cmudict.dict")
    parser.add_argument("--part", choices=("dev", "test"), default="dev", help="(default: dev)")
    parser.add_argument("--order", type=int, default=Training().order)
    parser.add_argument("--threshold", type=float, default=Training().threshold)
    parser.add_argument("--hypotheses", type=int, default=Width().hypotheses)
    parser.add_argument("--margin", type=float, default=Width().margin)
    return command("letter_to_sound", parser, measure)


if __name__ == "__main__":
    raise SystemExit(main())
