"""Sounds to try laws with: bursts that are built like speech, sounds in which nobody speaks, recordings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
SHORTEST, LONGEST = 0.02, 5.0
"""Seconds of a drawn sound."""
NON_SPEECH_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Sounds:
    """Where sounds are drawn from.

    Attributes:
        rate: Hz.
        recordings: Samples of each, of which stretches are drawn; without any, sounds are made.
    """

    rate: int
    recordings: Sequence[Samples] = ()

    def draw(self, random: np.random.Generator) -> Samples:
        """A sound of random length: a stretch of a recording in half of all cases, if there are any."""
        count = int(random.uniform(SHORTEST, LONGEST) * self.rate)
        if self.recordings and random.random() < 0.5:
            recording = self.recordings[int(random.integers(len(self.recordings)))]
            first = int(random.integers(max(len(recording) - count, 0) + 1))
            return recording[first : first + count]
        return bursts(count, self.rate, random)


def bursts(count: int, rate: int, random: np.random.Generator) -> Samples:
    """Tones with overtones that glide, hisses and pauses, a tenth of a second to a third each."""
    parts: list[Samples] = []
    while sum(map(len, parts)) < count:
        length = int(random.uniform(0.1, 0.33) * rate)
        kind, loudness = random.integers(3), 10 ** random.uniform(-2, -0.3)
        if kind == 0:
            pitch = np.linspace(random.uniform(90, 300), random.uniform(90, 300), length)
            phase = 2 * np.pi * np.cumsum(pitch) / rate
            part = sum(np.sin(n * phase) * random.uniform(0, 1) for n in range(1, 12)) * loudness / 4
        else:
            part = random.standard_normal(length) * loudness * (0.3 if kind == 1 else 0.001)
        parts.append(np.asarray(part, np.float32))
    samples = np.concatenate([np.zeros(0, np.float32), *parts])[:count]
    return np.clip(samples, -1, 1, out=samples)


def non_speech(rate: int, random: np.random.Generator) -> dict[str, Samples]:
    """Sounds in which nobody speaks, by name."""
    count = int(NON_SPEECH_SECONDS * rate)
    times = np.arange(count) / rate
    hz = float(random.uniform(60, 0.45 * rate))

    def tones(*frequencies: float) -> Samples:
        waves = [np.sin(2 * np.pi * one * times) for one in frequencies]
        return np.asarray(np.mean(waves, axis=0), np.float32)

    clicks = np.zeros(count, np.float32)
    clicks[:: int(rate / random.uniform(2, 40))] = 1
    made: dict[str, Callable[[], Samples]] = {
        "silence": lambda: np.zeros(count, np.float32),
        "white noise": lambda: np.asarray(0.2 * random.standard_normal(count), np.float32),
        "pink noise": lambda: _pink(count, random),
        "hum": lambda: tones(*(n * (50 if random.random() < 0.5 else 60) for n in (1, 2, 3, 4))),
        f"tone of {hz:.0f} Hz": lambda: tones(hz),
        "chord": lambda: tones(*(220 * 2 ** (random.integers(0, 25, 3) / 12))),
        "clicks": lambda: clicks,
    }
    return {name: np.asarray(0.5 * make(), np.float32) for name, make in made.items()}


def _pink(count: int, random: np.random.Generator) -> Samples:
    """Noise whose power falls by 3 dB an octave."""
    spectrum = np.fft.rfft(random.standard_normal(count)) / np.sqrt(np.maximum(np.arange(count // 2 + 1), 1))
    samples = np.fft.irfft(spectrum, count)
    return np.asarray(0.2 * samples / samples.std(), np.float32)
