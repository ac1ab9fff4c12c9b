"""Sounds in which nobody speaks, for training: noise, hum, tones, glides, clicks, chords, silence.

A model that never heard them takes chords for vowels and what is left of a steady tone, once it is
normalised, for whatever it resembles.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asr.audio.augment import colored_noise

Sound = NDArray[np.float64]

PIECE_SECONDS = (0.1, 10.0)
"""How long a sound lasts until another pitch, rhythm or colour follows."""


def non_speech(seconds: float, sample_rate: int, random: np.random.Generator) -> NDArray[np.float32]:
    """A stretch of one kind of sound, faint to clipped, steady or changing, over a hiss or over nothing.

    Args:
        seconds: Its length.
        sample_rate: Hz.
        random: From `asr.audio.augment.generator`.

    Returns:
        Samples (seconds * sample_rate,) between -1 and 1.
    """
    count = round(seconds * sample_rate)
    kind = KINDS[random.integers(len(KINDS))]
    if random.random() < 0.5:
        sound = kind(np.arange(count) / sample_rate, sample_rate, random)
    else:
        sound = _changing(kind, count, sample_rate, random)
    peak = max(float(np.abs(sound).max(initial=0.0)), 1e-9)
    sound *= 10 ** (random.uniform(-60.0, 30.0) / 20) / peak
    if random.random() < 0.5:
        sound += colored_noise(count, 1.0, random) * 10 ** (random.uniform(-90.0, -40.0) / 20)
    return np.clip(sound, -1.0, 1.0).astype(np.float32)


def _changing(kind: Kind, count: int, sample_rate: int, random: np.random.Generator) -> Sound:
    """Sounds of one kind that follow one another, some after a silence: a melody, beeps, a storm."""
    sound, start = np.zeros(count), 0
    resting, longest = random.uniform(0.0, 0.5), random.uniform(*np.log(PIECE_SECONDS))
    while start < count:
        seconds = np.exp(random.uniform(np.log(PIECE_SECONDS[0]), longest))
        end = min(count, start + max(1, round(seconds * sample_rate)))
        if random.random() >= resting:
            sound[start:end] = kind(np.arange(end - start) / sample_rate, sample_rate, random)
        start = end
    return sound


def _noise(time: Sound, sample_rate: int, random: np.random.Generator) -> Sound:
    """From white to brown."""
    return colored_noise(len(time), random.uniform(0.0, 2.0), random).astype(np.float64)


def _hum(time: Sound, sample_rate: int, random: np.random.Generator) -> Sound:
    """Of the mains, with overtones."""
    base = random.choice([50.0, 60.0]) * random.uniform(0.98, 1.02)
    overtones = np.arange(1, 9)
    return _sines(base * overtones, random.uniform(0, 1, 8) / overtones, time, random)


def _tones(time: Sound, sample_rate: int, random: np.random.Generator) -> Sound:
    """One pitch in half of the draws, else two to four that have nothing to do with one another."""
    voices = max(1, int(random.integers(-2, 5)))
    pitches = np.exp(random.uniform(np.log(60.0), np.log(0.45 * sample_rate), voices))
    return _sines(pitches, np.ones(voices), time, random)


def _glide(time: Sound, sample_rate: int, random: np.random.Generator) -> Sound:
    """A pitch that rises or falls steadily."""
    first, last = random.uniform(60.0, 0.45 * sample_rate, 2)
    length = max(len(time) / sample_rate, 1e-3)
    sound: Sound = np.sin(2 * np.pi * (first + (last - first) * time / (2 * length)) * time)
    return sound


def _clicks(time: Sound, sample_rate: int, random: np.random.Generator) -> Sound:
    """Single samples, one to thirty a second, by chance or as a clock ticks."""
    a_second = random.uniform(1.0, 30.0)
    sound = np.zeros(len(time))
    if random.random() < 0.5:
        sound[:: round(sample_rate / a_second)] = 1.0
    else:
        struck = random.random(len(time)) < a_second / sample_rate
        sound[struck] = random.choice([-1.0, 1.0], int(struck.sum()))
    return sound


def _chord(time: Sound, sample_rate: int, random: np.random.Generator) -> Sound:
    """One to four voices with overtones, as of strings or an organ; some are struck again and again."""
    pitches = 55.0 * 2 ** (random.integers(0, 49, random.integers(1, 5)) / 12)
    falling, sound = random.uniform(0.3, 2.0), np.zeros(len(time))
    for pitch in pitches:
        overtones = np.arange(1, min(int(random.integers(2, 13)), int(sample_rate / 2 / pitch)))
        sound += _sines(pitch * overtones, overtones**-falling, time, random)
    if random.random() < 0.5:
        sound *= np.exp(-random.uniform(0, 8) * (time % random.uniform(0.2, 4.0)))
    return sound


def _silence(time: Sound, sample_rate: int, random: np.random.Generator) -> Sound:
    """Nothing at all."""
    return np.zeros(len(time))


def _sines(pitches: ArrayLike, shares: ArrayLike, time: Sound, random: np.random.Generator) -> Sound:
    """Sines of these pitches (Hz) and amplitudes, each beginning anywhere."""
    sound = np.zeros(len(time))
    for pitch, share in zip(np.asarray(pitches), np.asarray(shares), strict=True):
        sound += share * np.sin(2 * np.pi * pitch * time + random.uniform(0, 2 * np.pi))
    return sound


Kind = Callable[[Sound, int, np.random.Generator], Sound]

KINDS: tuple[Kind, ...] = (_noise, _hum, _tones, _glide, _clicks, _chord, _silence)
