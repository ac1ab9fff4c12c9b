"""Where nobody speaks nothing may be written: noise, hum, tones, chords and clicks, faint and loud.

    python -m benchmarks.non_speech [--model FOLDER] [--minutes 10] [--json FILE]

Every sound lasts --minutes and changes every ten seconds: other noise, another pitch, another rhythm. It is
heard at its own loudness, 30 dB louder (clipped, as a microphone would) and 30 dB fainter, once as
`asr transcribe` hears it and once as ten-second recordings of their own, which nothing cuts. Every word is
one too many. Babble, which is several people of --manifest at once, is speech: what is written there is told,
and promised nothing.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.common import Figure, command, figure  # isort: skip

import numpy as np

from asr.audio.augment import colored_noise
from asr.audio.cutting import Cutting
from asr.bundle import load_bundle
from asr.data.manifest import read_manifest
from asr.models import OFFLINE, shipped
from asr.recognize.endpoint import Endpointing
from asr.recognize.long import parts
from asr.recognize.recognizer import Recognizer, load
from asr.recognize.streaming import StreamingRecognizer
from benchmarks.streams.material import Samples, spoken

PIECE = 10.0
"""Seconds until a sound changes."""
GAINS_DB = (-30.0, 0.0, 30.0)
VOICES = 6
"""How many people speak at once in babble."""

Sound = Callable[[int, int, np.random.Generator], Samples]


def silence(count: int, rate: int, random: np.random.Generator) -> Samples:
    """Nothing at all."""
    return np.zeros(count, np.float32)


def white(count: int, rate: int, random: np.random.Generator) -> Samples:
    """White noise."""
    return 0.1 * colored_noise(count, 0.0, random)


def pink(count: int, rate: int, random: np.random.Generator) -> Samples:
    """Noise that falls by 3 dB an octave."""
    return 0.1 * colored_noise(count, 1.0, random)


def hum(count: int, rate: int, random: np.random.Generator) -> Samples:
    """The hum of the mains, of 50 or 60 Hz, with overtones."""
    base = random.choice([50.0, 60.0])
    return _sines([base * k for k in range(1, 7)], [1 / k for k in range(1, 7)], count, rate)


def tone(count: int, rate: int, random: np.random.Generator) -> Samples:
    """One pitch."""
    return _sines([np.exp(random.uniform(np.log(60), np.log(7000)))], [1.0], count, rate)


def chord(count: int, rate: int, random: np.random.Generator) -> Samples:
    """A major or minor triad somewhere on the piano, with overtones."""
    root = 55.0 * 2 ** (random.integers(36) / 12)
    third = 1.25 if random.random() < 0.5 else 1.2
    pitches = [root * part * k for part in (1.0, third, 1.5) for k in (1, 2, 3)]
    return _sines(pitches, [1 / k for _ in range(3) for k in (1, 2, 3)], count, rate)


def clicks(count: int, rate: int, random: np.random.Generator) -> Samples:
    """Single samples at regular distances, from 1 to 30 a second."""
    samples = np.zeros(count, np.float32)
    samples[:: max(1, round(rate / random.uniform(1, 30)))] = 0.9
    return samples


SOUNDS: tuple[Sound, ...] = (silence, white, pink, hum, tone, chord, clicks)


def _sines(pitches: Sequence[float], shares: Sequence[float], count: int, rate: int) -> Samples:
    time = np.arange(count) / rate
    parts = [share * np.sin(2 * np.pi * hz * time) for hz, share in zip(pitches, shares, strict=True)]
    return (0.5 * np.sum(parts, axis=0) / sum(shares)).astype(np.float32)


def pieces(sound: Sound, minutes: float, rate: int, seed: int) -> list[Samples]:
    """A sound in ten-second pieces."""
    random = np.random.default_rng(seed)
    return [sound(round(PIECE * rate), rate, random) for _ in range(round(60 * minutes / PIECE))]


def babble(manifest: Path, minutes: float, recognizer: Recognizer, seed: int) -> list[Samples]:
    """Several people at once, equally loud, in ten-second pieces."""
    random, rate = np.random.default_rng(seed), recognizer.bundle.features.sample_rate
    utterances = list(read_manifest(manifest))
    chosen = [utterances[place] for place in random.permutation(len(utterances))[:300]]
    voices = [one.samples / max(float(one.samples.std()), 1e-6) for one in spoken(chosen, recognizer.bundle)]
    count = round(60 * minutes * rate)
    mixed = np.zeros(count, np.float32)
    for _ in range(VOICES):
        order = random.permutation(len(voices))
        line = np.concatenate([voices[place] for place in order])
        mixed += np.resize(line, count)
    return np.split(0.05 * mixed, range(round(PIECE * rate), count, round(PIECE * rate)))


def words_as_transcribed(recognizer: Recognizer, heard: Sequence[Samples]) -> int:
    """Words of one recording of all pieces, heard as `asr transcribe` hears it."""
    segments = (segment for part in parts(recognizer, iter(heard), Cutting()) for segment in part.segments)
    return sum(len(segment.words) for segment in segments)


def words_alone(recognizer: Recognizer, heard: Sequence[Samples]) -> int:
    """Words of the pieces as recordings of their own."""
    return sum(len(one.words) for one in recognizer.transcribe_batch(list(heard)))


def words_of_stream(recognizer: Recognizer, heard: Sequence[Samples]) -> int:
    """Words of one stream of all pieces, with endpoints."""
    session = StreamingRecognizer(recognizer, endpointing=Endpointing()).start()
    words = 0
    for piece in heard:
        for block in np.array_split(piece, 20):
            session.push(block)
            words += sum(len(segment.words) for segment in session.take())
    return words + sum(len(segment.words) for segment in session.finish().segments)


def measure(arguments: argparse.Namespace) -> list[Figure]:
    """Listens to all sounds."""
    folder = arguments.model or shipped(OFFLINE)
    recognizer = load(folder, engine=arguments.engine)
    rate = recognizer.bundle.features.sample_rate
    ways = {"transcribed": words_as_transcribed, "ten seconds each": words_alone}
    if not load_bundle(folder, weights=False).model.bidirectional:
        ways["stream"] = words_of_stream
    return list(_figures(arguments, recognizer, rate, ways))


def _figures(
    arguments: argparse.Namespace,
    recognizer: Recognizer,
    rate: int,
    ways: dict[str, Callable[[Recognizer, Sequence[Samples]], int]],
) -> Iterator[Figure]:
    for number, sound in enumerate(SOUNDS):
        made = pieces(sound, arguments.minutes, rate, number)
        for gain in GAINS_DB:
            louder = [np.clip(np.float32(10 ** (gain / 20)) * piece, -1, 1) for piece in made]
            for way, count in ways.items():
                task = f"{sound.__name__}, {gain:+.0f} dB"
                yield figure(task, way, [float(count(recognizer, louder))], "words, 0 required")
    if arguments.manifest:
        heard = babble(arguments.manifest, arguments.minutes, recognizer, len(SOUNDS))
        for way, count in ways.items():
            found = count(recognizer, heard) * 60 / arguments.minutes
            yield figure(f"babble of {VOICES}", way, [found], "words an hour")


def main() -> int:
    """Measures, prints a table, and writes JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add, data = parser.add_argument, os.environ.get("ASR_DATA")
    manifest = Path(data) / "librispeech" / "test-clean-b.jsonl" if data else None
    add("--model", type=Path, help="model folder (default: the English one that comes along)")
    add("--engine", default="auto")
    add("--minutes", type=float, default=10.0, help="of every sound at every loudness")
    add("--manifest", type=Path, default=manifest, help="who babbles (default: LibriSpeech in ASR_DATA)")
    return command("non_speech", parser, measure)


if __name__ == "__main__":
    raise SystemExit(main())
