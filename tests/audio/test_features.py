"""Log-mel features: equal to two other libraries, framed as the Window says, floored in silence."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch
import torchaudio
from hypothesis import given
from hypothesis import strategies as st

from asr.audio.features import advance_log_mel, log_mel, log_mels
from asr.audio.mel import framing, mel_filters
from asr.config import FeatureConfig
from tests.helpers.tones import chirp, chord, clicks, hum, noise, pink_noise, silence

CONFIG = FeatureConfig()
PAD = (CONFIG.fft - CONFIG.window) // 2
"""Others cut frames of 512 samples whose outer 56 are weighted zero; with 56 zeros on either side of the
recording they are our frames of 400."""

SIGNALS = {
    "white": noise(2),
    "pink": pink_noise(2),
    "chirp": chirp(50, 7_900, 2),
    "chord": chord([200, 700, 1_900], 2),
    "clicks": clicks(5, 2),
    "hum": hum(2),
}


def librosa_log_mel(samples: np.ndarray) -> np.ndarray:
    mel = librosa.feature.melspectrogram(
        y=np.pad(samples, PAD),
        sr=CONFIG.sample_rate,
        n_fft=CONFIG.fft,
        win_length=CONFIG.window,
        hop_length=CONFIG.hop,
        n_mels=CONFIG.mels,
        center=False,
        power=2.0,
    )
    return np.log(np.maximum(mel, CONFIG.floor)).T


def torchaudio_log_mel(samples: np.ndarray) -> np.ndarray:
    transform = torchaudio.transforms.MelSpectrogram(
        sample_rate=CONFIG.sample_rate,
        n_fft=CONFIG.fft,
        win_length=CONFIG.window,
        hop_length=CONFIG.hop,
        n_mels=CONFIG.mels,
        center=False,
        mel_scale="slaney",
        norm="slaney",
    )
    mel = transform(torch.from_numpy(np.pad(samples, PAD)))
    return mel.clamp(min=CONFIG.floor).log().numpy().T


# Measured: librosa 2e-6 on noise and 2e-5 on tones; torchaudio, which computes its filters in fp32,
# 4e-5 and 3e-4. Bands 60 dB below the loudest hold rounding of the transform: 4e-3 there.
@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize(
    ("peer", "loud", "quiet"), [(librosa_log_mel, 1e-4, 2e-2), (torchaudio_log_mel, 1e-3, 2e-2)]
)
def test_equals_librosa_to_1e_4_and_torchaudio_to_1e_3(name, peer, loud, quiet):
    ours, theirs = log_mel(SIGNALS[name], CONFIG), peer(SIGNALS[name])
    assert ours.shape == theirs.shape
    assert ours.dtype == np.float32
    difference = np.abs(ours - theirs)
    assert difference[theirs > theirs.max() - np.log(1e6)].max() < loud
    assert difference.max() < quiet


def test_filters_are_librosas_to_1e_8():
    theirs = librosa.filters.mel(sr=CONFIG.sample_rate, n_fft=CONFIG.fft, n_mels=CONFIG.mels)
    assert np.abs(mel_filters(CONFIG) - theirs.T).max() < 1e-8


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("mels", [23, 40, 128])
def test_filters_of_other_sizes_are_librosas_too(rate, mels):
    config = FeatureConfig(sample_rate=rate, fft=2_048, mels=mels)
    theirs = librosa.filters.mel(sr=rate, n_fft=2_048, n_mels=mels)
    assert np.abs(mel_filters(config) - theirs.T).max() < 1e-8


@given(st.integers(0, 2_000) | st.integers(40_000, 42_000))
def test_length_follows_the_framing(count):
    assert log_mel(np.zeros(count, np.float32), CONFIG).shape == (framing(CONFIG).output_length(count), 80)


def test_a_second_has_98_frames_and_less_than_a_frame_none():
    assert len(log_mel(noise(1), CONFIG)) == 98
    assert log_mel(noise(1)[:399], CONFIG).shape == (0, 80)
    assert log_mel(noise(1)[:400], CONFIG).shape == (1, 80)


@pytest.mark.parametrize("floor", [1e-10, 1e-8, 1e-5])
def test_silence_is_the_logarithm_of_the_floor(floor):
    features = log_mel(silence(0.5), FeatureConfig(floor=floor))
    assert np.array_equal(features, np.full_like(features, np.log(np.float32(floor))))


def test_twice_the_amplitude_is_four_times_the_energy():
    louder = log_mel(2 * SIGNALS["white"], CONFIG) - log_mel(SIGNALS["white"], CONFIG)
    assert np.abs(louder - np.log(4)).max() < 1e-5


LONG = noise(9)


def test_a_stream_keeps_less_than_a_frame_and_gives_frames_as_soon_as_they_are_whole():
    pending = np.empty(0, np.float32)
    frames = 0
    for count, start in enumerate(range(0, 4_000, 10), start=1):
        features, pending = advance_log_mel(pending, LONG[start : start + 10], CONFIG)
        frames += len(features)
        assert len(pending) < CONFIG.window
        assert frames == framing(CONFIG).output_length(10 * count)


def test_the_samples_are_not_changed():
    samples = noise(0.5)
    kept = samples.copy()
    log_mel(samples, CONFIG)
    assert np.array_equal(samples, kept)


@given(st.lists(st.integers(0, 12_000), min_size=1, max_size=6))
def test_recordings_side_by_side_are_bit_equal_to_each_alone(counts):
    recordings = [SIGNALS["white"][:count] for count in counts]
    for together, samples in zip(log_mels(recordings, CONFIG), recordings, strict=True):
        assert np.array_equal(together, log_mel(samples, CONFIG))
