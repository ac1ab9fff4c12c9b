"""Tiny corpora made of tones: every word is a pitch, so a tiny model learns to read them in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from asr.audio.io import AudioSource
from asr.data.manifest import Utterance, write_manifest
from tests.helpers.tones import noise, silence, tone

RATE = 16_000
PITCHES = {"do": 350.0, "re": 900.0, "mi": 2000.0, "fa": 4200.0}
SPEAKERS = ("ann", "bob", "cem")
SPLITS = {"train": 8, "dev": 3, "test": 3}


def spoken(text: str, seed: int = 0, word_seconds: float = 0.24, voice: float = 1.0) -> NDArray[np.float32]:
    """How a text of these words sounds: tones with pauses, a little off pitch, in faint noise.

    A voice is a factor of all pitches.
    """
    random = np.random.default_rng(seed)
    parts = [silence(0.06)]
    for word in text.split():
        pitch = voice * PITCHES[word] * random.uniform(0.97, 1.03)
        parts += [tone(pitch, word_seconds, amplitude=random.uniform(0.2, 0.6)), silence(0.06)]
    samples = np.concatenate(parts)
    return samples + noise(len(samples) / RATE, seed=seed, amplitude=0.002)[: len(samples)]


def random_texts(count: int, seed: int = 0, longest: int = 4) -> list[str]:
    """Texts of one to `longest` words; the first one has them all."""
    random = np.random.default_rng(seed)
    words = list(PITCHES)
    texts = [" ".join(words)]
    texts += [" ".join(random.choice(words, random.integers(1, longest + 1))) for _ in range(count - 1)]
    return texts[:count]


def write_split(
    data: Path,
    split: str,
    texts: Sequence[str],
    seed: int = 0,
    word_seconds: float = 0.24,
    voice: float = 1.0,
) -> list[Utterance]:
    """Writes the folder ``data/split``: a FLAC file for each text, and manifest.jsonl."""
    folder = data / split
    folder.mkdir(parents=True, exist_ok=True)
    utterances = []
    for index, text in enumerate(texts):
        samples = spoken(text, 1000 * seed + index, word_seconds, voice)
        path = folder / f"{split}-{index:02d}.flac"
        soundfile.write(path, samples, RATE, subtype="PCM_16")
        utterances.append(
            Utterance(
                id=path.stem,
                audio=AudioSource(path),
                duration=len(samples) / RATE,
                text=text,
                speaker=SPEAKERS[index % len(SPEAKERS)],
            )
        )
    write_manifest(folder / "manifest.jsonl", utterances)
    return utterances


def write_corpus(data: Path, sizes: Mapping[str, int] | None = None, seed: int = 0) -> Path:
    """Writes a corpus with these numbers of utterances per split, by default `SPLITS`."""
    for number, (split, count) in enumerate((sizes or SPLITS).items()):
        write_split(data, split, random_texts(count, seed=10 * seed + number), seed=10 * seed + number)
    return data


def write_short_corpus(data: Path) -> Path:
    """Writes a corpus of half a second an utterance, for tests that train many times."""
    write_split(data, "train", ["do re", "mi", "fa do", "re", "mi fa", "do"], word_seconds=0.14)
    write_split(data, "dev", ["fa mi", "re do"], seed=1, word_seconds=0.14)
    write_split(data, "test", ["mi re"], seed=2, word_seconds=0.14)
    return data
