"""A task for decoders: emissions, what was said, and a language model, in a folder that peers can read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.decode.ctc import greedy
from asr.lm.automaton import Automaton
from asr.lm.construction import load_language_model
from asr.lm.kneser_ney import Estimation, estimate
from asr.text.error_rate import ErrorCounts, word_errors
from asr.text.units import Units

SPACE = "▁"
"""The token between words, or with which words begin."""

Emissions = tuple[NDArray[np.float32], ...]


@dataclass(frozen=True, slots=True)
class Spoken:
    """Utterances: their log-probabilities (S, V) and what was said."""

    emissions: Emissions
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """Utterances for tuning and others for measuring, and all that decoders need to know.

    Attributes:
        name: Names it in tables.
        folder: Holds emissions.npz, tokens.json, lm.arpa and lexicon.txt.
        units: What tokens write.
        spoken: The utterances.
        tuning: The first so many are those to tune on.
        words: The lexicon: all words of the language model that the tokens can spell.
        model: The language model.
    """

    name: str
    folder: Path
    units: Units
    spoken: Spoken
    tuning: int
    words: tuple[str, ...]
    model: Automaton

    @property
    def test(self) -> tuple[int, ...]:
        """Numbers of the utterances to measure on."""
        return tuple(range(self.tuning, len(self.spoken.texts)))


def describe(task: Task) -> str:
    """How hard a task is, in one line."""
    log_probs = np.concatenate(task.spoken.emissions)
    entropy = -(np.exp(log_probs) * log_probs).sum(1).mean()
    likely = (log_probs > -5).sum(1).mean()
    counts = ErrorCounts.zero()
    for index in task.test:
        best = greedy(task.spoken.emissions[index]).tokens
        counts += word_errors(task.spoken.texts[index], text_of(task, best))
    said = {word for index in task.test for word in task.spoken.texts[index].split()}
    return (
        f"{task.name}: {len(task.test)} utterances, {counts.reference} words, {len(said - set(task.words))} "
        f"not in the lexicon of {len(task.words)}; greedy WER {100 * counts.rate:.1f} %; in a frame "
        f"{entropy:.2f} nats, {likely:.2f} tokens above e⁻⁵"
    )


def text_of(task: Task, tokens: Sequence[int]) -> str:
    """The text that tokens write."""
    return " ".join("".join(task.units.texts[token] for token in tokens).replace(SPACE, " ").split())


def write_task(
    name: str,
    folder: Path,
    units: Units,
    spoken: tuple[Spoken, Spoken],
    model: Path,
    spellings: dict[str, Sequence[str]],
) -> Task:
    """Writes the files of a task; `spoken` are utterances to tune on, and others to measure on."""
    tune, test = spoken
    folder.mkdir(parents=True, exist_ok=True)
    both = Spoken(tune.emissions + test.emissions, tune.texts + test.texts)
    arrays = {str(index): log_probs for index, log_probs in enumerate(both.emissions)}
    np.savez(folder / "emissions.npz", **arrays)
    (folder / "tokens.json").write_text(json.dumps(units.texts), encoding="utf-8")
    lines = (f"{word} {' '.join(spelling)}\n" for word, spelling in spellings.items())
    (folder / "lexicon.txt").write_text("".join(lines), encoding="utf-8")
    shutil.copy(model, folder / "lm.arpa")
    words = tuple(spellings)
    return Task(name, folder, units, both, len(tune.texts), words, load_language_model(model))


def build_model(sentences: Iterable[str], path: Path) -> Path:
    """Estimates the 3-gram of a task as ``asr lm build --order 3 --prune 0 0 1`` does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    estimate((sentence.split() for sentence in sentences), path, Estimation(3, (0, 0, 1)))
    return path
