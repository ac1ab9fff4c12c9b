"""How well a model tells when words are spoken, on speech of eSpeak NG, which tells it too.

    python -m benchmarks.word_times --model runs/demo/bundle [--split test] [--utterances 150] [--json FILE]

The model must have seen such speech: `make demo` trains it (`runs/demo/bundle`). Digit strings are spoken
anew, by the voices of a split of recipes/digits and with another seed than the corpus, so by default no voice
was heard in training. Two kinds:

connected   strings as in training; a word begins with its first phoneme and ends with its last one
apart       words spoken one by one and put together with silences of 0.1 to 0.4 seconds

Beginnings and ends of the words that were recognised are compared with those; the rows `frames` tell what the
emission frames of the tokens alone would say (asr/decode/pauses.py).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import Figure, command, figure  # isort: skip

import numpy as np
from numpy.typing import NDArray

from asr.audio.mel import framing
from asr.config import DecodingConfig
from asr.decode.ctc import greedy
from asr.decode.words import to_segment
from asr.errors import AsrError
from asr.recognize.batches import emissions
from asr.recognize.recognizer import Recognizer, load
from asr.text.error_rate import align_words
from asr.transcript import Word
from recipes.digits.generate import (
    SAMPLE_RATE,
    VARIANTS,
    Speaker,
    Speaking,
    Spoken,
    plan,
    speaker,
    with_margins,
)

SILENCES = (0.1, 0.4)  # seconds
REQUIRED = 0.06  # seconds
UNKNOWN = "the program espeak-ng does not tell when words are spoken; pip install espeakng-loader"

Recognize = Callable[[Sequence[NDArray[np.float32]]], list[tuple[Word, ...]]]


@dataclass(frozen=True, slots=True, eq=False)
class Timed:
    """An utterance: its samples (n,) at 16 kHz, its words, and begin and end of each in seconds."""

    samples: NDArray[np.float32]
    text: str
    words: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Differences:
    """Recognised less true times, in seconds (N,), of the words that were recognised; `spoken` counts all."""

    starts: NDArray[np.float64]
    ends: NDArray[np.float64]
    spoken: int


def connected(other: Speaker, speaking: Speaking, noise: np.random.Generator) -> Timed:
    """A string as the corpus has it. Raises AsrError if it is not known when words are spoken."""
    return _timed(speaking.text, with_margins(other.say(speaking), noise))


def apart(other: Speaker, speaking: Speaking, noise: np.random.Generator) -> Timed:
    """A string whose words are spoken one by one. Raises AsrError as `connected`."""
    samples: list[NDArray[np.float32]] = []
    words: list[tuple[float, float]] = []
    for word in speaking.text.split():
        alone = other.say(Speaking(word, speaking.voice, speaking.speed, speaking.pitch))
        ((begin, end),) = _timed(word, alone).words
        first = sum(map(len, samples)) / SAMPLE_RATE
        words.append((first, first + end - begin))
        samples.append(alone.samples[round(begin * SAMPLE_RATE) : round(end * SAMPLE_RATE)])
        samples.append(np.zeros(int(SAMPLE_RATE * noise.uniform(*SILENCES)), np.float32))
    return _timed(speaking.text, with_margins(Spoken(np.concatenate(samples[:-1]), tuple(words)), noise))


def _timed(text: str, spoken: Spoken) -> Timed:
    if spoken.words is None:
        raise AsrError(UNKNOWN)
    if len(spoken.words) != len(text.split()):
        raise AsrError(
            f"eSpeak NG tells of {len(spoken.words)} words in {text!r}; install espeakng-loader anew"
        )
    return Timed(spoken.samples, text, spoken.words)


def compare(utterances: Sequence[Timed], heard: Sequence[Sequence[Word]]) -> Differences:
    """Compares the times of all words that were recognised."""
    starts, ends = [], []
    for utterance, words in zip(utterances, heard, strict=True):
        truth, found = iter(utterance.words), iter(words)
        for column in align_words(utterance.text, " ".join(word.text for word in words)):
            place = next(truth) if column.reference is not None else None
            word = next(found) if column.hypothesis is not None else None
            if column.op == "equal" and place and word:
                starts.append(word.start - place[0])
                ends.append(word.end - place[1])
    return Differences(np.array(starts), np.array(ends), sum(len(one.words) for one in utterances))


def by_frames(recognizer: Recognizer) -> Recognize:
    """The times of the tokens of the best path."""
    bundle = recognizer.bundle
    rate, window = bundle.features.sample_rate, framing(bundle.features).then(recognizer.engine.window)

    def recognize(recordings: Sequence[NDArray[np.float32]]) -> list[tuple[Word, ...]]:
        features = [recognizer.features(samples) for samples in recordings]
        words: dict[int, tuple[Word, ...]] = {}
        for index, log_probs in emissions(recognizer.engine, features):
            duration = len(recordings[index]) / rate
            words[index] = to_segment(greedy(log_probs), bundle.tokenizer, window, rate, duration).words
        return [words[index] for index in range(len(recordings))]

    return recognize


def by_transcript(recognizer: Recognizer) -> Recognize:
    """The times that a user gets."""
    return lambda recordings: [one.words for one in recognizer.transcribe_batch(recordings)]


def summary(task: str, found: Differences) -> list[Figure]:
    """Median of the absolute differences with the middle 80 % of all, and the signed median."""
    print(f"{task}: {len(found.starts)} of {found.spoken} words recognised")
    if not len(found.starts):
        raise AsrError("no word was recognised; name a model that knows spoken digits with --model")
    both = np.concatenate([found.starts, found.ends])
    figures = []
    for name, values in (("starts", found.starts), ("ends", found.ends), ("starts and ends", both)):
        low, middle, high = np.quantile(1000 * np.abs(values), [0.1, 0.5, 0.9])
        figures.append(Figure(task, name, float(middle), float(low), float(high), "ms"))
    signed = [float(np.median(1000 * values)) for values in (found.starts, found.ends)]
    names = ("starts, signed median", "ends, signed median")
    return figures + [figure(task, name, [value], "ms") for name, value in zip(names, signed, strict=True)]


def measure(arguments: argparse.Namespace) -> list[Figure]:
    """Speaks, recognises and compares."""
    model = arguments.model
    ways: dict[str, Recognize] = {
        "frames": by_frames(load(model)),
        "greedy": by_transcript(load(model)),
        "beam": by_transcript(load(model, decoding=DecodingConfig(beam_size=arguments.beam_size))),
    }
    planned = list(plan(arguments.split, arguments.utterances, arguments.seed))
    figures: list[Figure] = []
    for kind, speak in (("connected", connected), ("apart", apart)):
        noise = np.random.default_rng(arguments.seed)
        with speaker() as other:
            utterances = [speak(other, speaking, noise) for speaking in planned]
        for way, recognize in ways.items():
            heard = recognize([one.samples for one in utterances])
            figures += summary(f"{kind}, {way}", compare(utterances, heard))
    print(f"absolute differences: median (middle 80 %); required {1000 * REQUIRED:g} ms")
    return figures


def main() -> int:
    """Measures, prints a table, and writes JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="a model of spoken digits")
    parser.add_argument("--split", choices=sorted(VARIANTS), default="test", help="whose voices speak")
    parser.add_argument("--utterances", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--beam-size", type=int, default=50)
    return command("word times", parser, measure)


if __name__ == "__main__":
    raise SystemExit(main())
