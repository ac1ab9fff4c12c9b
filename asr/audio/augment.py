"""Augmentation: the same utterance sounds a little different in every epoch.

Everything is drawn from a generator seeded by (seed, epoch, utterance), so the number of workers,
their order and an interruption change nothing.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from asr.audio.fourier import fast_length, samples_of, white_spectrum
from asr.audio.mel import hz_to_mel, mel_to_hz
from asr.audio.resample import resample
from asr.config import AugmentConfig, FeatureConfig

Samples = NDArray[np.float32]

ECHO_AFTER = 0.002
"""Seconds after the direct sound at which the first echo comes."""

DIRECT_TO_ECHOES_DB = (0.0, 15.0)


def generator(seed: int, epoch: int, utterance: str) -> np.random.Generator:
    """The random generator of one utterance in one epoch."""
    name = int.from_bytes(hashlib.sha256(utterance.encode()).digest()[:8])
    return np.random.default_rng([seed, epoch, name])


def augment_samples(
    samples: Samples, sample_rate: int, config: AugmentConfig, random: np.random.Generator
) -> Samples:
    """Changes speed and level, adds a room and noise, each as far as `config` asks for it.

    Args:
        samples: Audio (n,).
        sample_rate: Hz.
        config: Ranges to draw from.
        random: From `generator`.

    Returns:
        Samples (m,); m is n divided by the drawn speed.
    """
    speed = config.speeds[random.integers(len(config.speeds))]
    samples = change_speed(samples, sample_rate, speed)
    samples = samples * np.float32(10 ** (random.uniform(*config.gain_db) / 20))
    if config.reverb and random.random() < config.reverb:
        samples = in_a_room(samples, sample_rate, random.uniform(*config.reverb_seconds), random)
    if random.random() < config.noise:
        samples = add_noise(samples, random.uniform(*config.noise_snr_db), random)
    return samples


def change_speed(samples: Samples, sample_rate: int, speed: float) -> Samples:
    """Plays faster (`speed` above 1) or slower, pitch included, as a tape does (Ko et al., 2015)."""
    return resample(samples, round(sample_rate * speed), sample_rate)


def in_a_room(samples: Samples, sample_rate: int, seconds: float, random: np.random.Generator) -> Samples:
    """Adds the sound of a room: echoes as dense as noise, fading exponentially (Polack, 1988).

    Args:
        samples: Audio (n,).
        sample_rate: Hz.
        seconds: In which the echoes decay by 60 dB.
        random: Draws the echoes, and how loud they are against the direct sound.

    Returns:
        Samples (n,) as loud as before; the echoes after the end are left out.
    """
    count = round(seconds * sample_rate)
    echoes = random.standard_normal(count) * 10 ** (-3 * np.arange(count) / max(count, 1))
    echoes[: round(ECHO_AFTER * sample_rate)] = 0.0
    power = float((echoes**2).sum())
    level = 10 ** (-random.uniform(*DIRECT_TO_ECHOES_DB) / 20) / np.sqrt(max(power, 1e-12))
    size = fast_length(len(samples) + count)
    spectrum = np.fft.rfft(samples, size)
    heard = samples + level * np.fft.irfft(spectrum * np.fft.rfft(echoes, size), size)[: len(samples)]
    loudness = np.sqrt(np.mean(samples**2) / max(float(np.mean(heard**2)), 1e-12)) if len(samples) else 1.0
    return np.asarray(heard * loudness, np.float32)


def add_noise(samples: Samples, snr_db: float, random: np.random.Generator) -> Samples:
    """Adds noise of a random colour, from white to brown, at a signal-to-noise ratio in decibels."""
    noise = colored_noise(len(samples), random.uniform(0.0, 2.0), random)
    power = float(np.mean(samples**2)) if len(samples) else 0.0
    return samples + noise * np.float32(np.sqrt(power) * 10 ** (-snr_db / 20))


def colored_noise(count: int, exponent: float, random: np.random.Generator) -> Samples:
    """Noise of unit power whose spectrum falls as 1 / frequency ** exponent (0 white, 1 pink, 2 brown)."""
    if not count:
        return np.empty(0, np.float32)
    spectrum = white_spectrum(count, random)
    spectrum[1:] *= np.arange(1, len(spectrum)) ** (-exponent / 2)
    spectrum[0] = 0.0
    noise = samples_of(spectrum, count)
    return noise / np.float32(max(float(noise.std()), 1e-12))


def warp_frequencies(
    features: NDArray[np.float32], config: FeatureConfig, factor: float
) -> NDArray[np.float32]:
    """Moves formants as a vocal tract of another length would (VTLP, Jaitly and Hinton, 2013).

    Below 0.6 of the Nyquist frequency, or where that would be moved beyond it, the new spectrum at f
    is the old one at `factor` * f; above, the rest of the axis is stretched to fit.

    Args:
        features: Log-mel features (T, F), before normalisation.
        config: How they were computed.
        factor: Above 1 for a longer vocal tract, whose formants are lower.

    Returns:
        New features (T, F), interpolated linearly between bands.
    """
    nyquist = config.sample_rate / 2
    top = hz_to_mel(nyquist)
    hz = mel_to_hz(top * np.arange(1, config.mels + 1) / (config.mels + 1))
    knee = 0.6 * nyquist * min(1.0, 1.0 / factor)
    rest = nyquist - (nyquist - knee * factor) / (nyquist - knee) * (nyquist - hz)
    source = hz_to_mel(np.where(hz <= knee, factor * hz, rest)) / top * (config.mels + 1) - 1
    return _between_bands(features, np.clip(source, 0, config.mels - 1))


def _between_bands(features: NDArray[np.float32], bands: NDArray[np.float64]) -> NDArray[np.float32]:
    """Features (T, F) at fractional band numbers (G,), as (T, G)."""
    low = np.floor(bands).astype(np.int64)
    high = np.minimum(low + 1, features.shape[1] - 1)
    share = (bands - low).astype(np.float32)
    return features[:, low] * (1 - share) + features[:, high] * share


def spec_augment(
    features: NDArray[np.float32], config: AugmentConfig, random: np.random.Generator
) -> NDArray[np.float32]:
    """Hides stretches of time and of frequency (SpecAugment, Park et al., 2019, without warping).

    Args:
        features: Normalised features (T, F); hidden values become 0, their mean.
        config: Number and widths of the masks.
        random: From `generator`.

    Returns:
        A changed copy (T, F).
    """
    features = features.copy()
    frames, bands = features.shape
    widest = min(config.time_mask_frames, int(config.time_mask_fraction * frames))
    for _ in range(config.time_masks):
        width = int(random.integers(widest + 1))
        start = int(random.integers(frames - width + 1))
        features[start : start + width] = 0.0
    for _ in range(config.mel_masks):
        width = int(random.integers(min(config.mel_mask_bins, bands) + 1))
        start = int(random.integers(bands - width + 1))
        features[:, start : start + width] = 0.0
    return features
