"""How long after its end a word is shown: speech of eSpeak NG, which tells when it speaks which word.

Times are those of the audio: a push is done when its last sample is spoken, so the speed of the machine has
no part in it. A word counts as shown once it stands at its place for good, be it stable or not.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import Figure  # isort: skip

import numpy as np

from asr.errors import RunError
from asr.recognize.recognizer import load
from asr.recognize.streaming import StreamingRecognizer
from asr.text.error_rate import align_words
from benchmarks.word_times import Timed, apart, connected
from recipes.digits.generate import FLOOR, plan, speaker

PUSH = 0.01
"""Seconds that are pushed at once."""
AFTER = 2.0
"""Seconds of near-silence after the speech."""
SETTINGS = (
    "model.bidirectional=false",
    "model.lookahead=5",
    "model.hidden=128",
    "features.normalization=running",
)
"""That make the recipe of spoken digits one of a model for streams."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Seconds from the end of each recognised word until it is shown, and until it is stable; all words."""

    shown: tuple[float, ...]
    stable: tuple[float, ...]
    spoken: int


def train(folder: Path) -> Path:
    """Trains a small model of spoken digits for streams. Raises RunError if that fails."""
    recipes = Path("recipes/digits")
    corpus, out = folder / "corpus", folder / "run"
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    commands: list[list[str | Path]] = [
        ["generate.py", "--to", corpus],
        ["bilstm.py", "--data", corpus, "--out", out, *settings],
    ]
    for program, *words in commands:
        command = [sys.executable, recipes / program, *words]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise RunError("the model of spoken digits was not made; see above, or name one with --digits")
    return out / "bundle"


def measure(model: Path, engine: str, utterances: int, seed: int = 1) -> list[Figure]:
    """Delays of words in strings as spoken, and of words with silences between them."""
    streaming = StreamingRecognizer(load(model, engine=engine))
    planned = list(plan("test", utterances, seed))
    latency = 1000 * streaming.latency
    print(f"algorithmic latency: {streaming.latency_parts()}")
    figures = [Figure("delay", "algorithmic latency, at most", latency, latency, latency, "ms")]
    for kind, speak in (("connected", connected), ("apart", apart)):
        noise = np.random.default_rng(seed)
        with speaker() as other:
            spoken = [speak(other, speaking, noise) for speaking in planned]
        found = together([follow(streaming, one, noise) for one in spoken])
        print(f"{kind}: {len(found.shown)} of {found.spoken} words recognised")
        for name, values in (("shown", found.shown), ("stable", found.stable)):
            figures += quantiles(f"delay, {kind}", name, values)
    return figures


def quantiles(task: str, name: str, seconds: Sequence[float]) -> list[Figure]:
    """Median and 95 % in milliseconds; the spread is that of all words."""
    values = 1000 * np.asarray(seconds)
    if not len(values):
        return []
    least, greatest = float(values.min()), float(values.max())
    return [
        Figure(task, f"word {name}, {what}", float(np.quantile(values, share)), least, greatest, "ms")
        for what, share in (("median", 0.5), ("95 %", 0.95))
    ]


def together(found: Sequence[Shown]) -> Shown:
    """The words of all utterances."""
    return Shown(
        shown=tuple(value for one in found for value in one.shown),
        stable=tuple(value for one in found for value in one.stable),
        spoken=sum(one.spoken for one in found),
    )


def follow(streaming: StreamingRecognizer, utterance: Timed, noise: np.random.Generator) -> Shown:
    """Pushes an utterance, and notes since when every word of the last caption has been there."""
    rate = streaming.sample_rate
    silence = FLOOR * noise.standard_normal(round(AFTER * rate), np.float32)
    samples = np.concatenate([utterance.samples, silence])
    session, size = streaming.start(), round(PUSH * rate)
    shown, stable = Since(), Since()
    for first in range(0, len(samples) - size + 1, size):
        session.push(samples[first : first + size])
        now = (first + size) / rate
        final = session.stable
        shown.see(final + session.tail, now)
        stable.see(final, now)
    ends = iter(end for _, end in utterance.words)
    delays: tuple[list[float], list[float]] = ([], [])
    place = 0
    for column in align_words(utterance.text, " ".join(shown.words)):
        end = next(ends) if column.reference is not None else None
        if column.op == "equal" and end is not None:
            delays[0].append(shown.times[place] - end)
            if place < len(stable.times):
                delays[1].append(stable.times[place] - end)
        place += column.hypothesis is not None
    return Shown(tuple(delays[0]), tuple(delays[1]), len(utterance.words))


class Since:
    """Since when each word of a caption has stood at its place, with those before it.

    Attributes:
        words: Of the caption.
        times: In seconds.
    """

    def __init__(self) -> None:
        self.words: list[str] = []
        self.times: list[float] = []

    def see(self, caption: str, now: float) -> None:
        """Looks at the caption of another moment."""
        words = caption.split()
        same = 0
        while same < min(len(words), len(self.words)) and words[same] == self.words[same]:
            same += 1
        self.times = self.times[:same] + [now] * (len(words) - same)
        self.words = words
