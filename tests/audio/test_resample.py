"""Resampling: exact lengths and times, flat pass band, no aliases, the same bits for any blocks."""

from __future__ import annotations

import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.audio.resample import Resampler, ResamplerState, resample
from tests.helpers.tones import band_noise, noise, tone

COMMON = [8_000, 11_025, 14_400, 17_600, 22_050, 32_000, 44_100, 48_000, 96_000]
ODD = [12_345, 15_999, 44_056]


def level_db(samples):
    return 20 * np.log10(np.sqrt(np.mean(samples.astype(np.float64) ** 2)) + 1e-12)


def signal_to_error_db(expected, actual):
    error = actual.astype(np.float64) - expected
    return 10 * np.log10(np.sum(expected.astype(np.float64) ** 2) / np.sum(error**2))


def in_blocks(samples, resampler, sizes):
    state, parts, position = resampler.start(), [], 0
    for size in sizes:
        part, state = resampler.advance(state, samples[position : position + size])
        state = pickle.loads(pickle.dumps(state))  # a stream can be put aside and taken up elsewhere
        parts.append(part)
        position += size
    part, state = resampler.advance(state, samples[position:])
    return np.concatenate([*parts, part, resampler.finish(state)])


@pytest.mark.parametrize("rate", COMMON + ODD[:1])
@pytest.mark.parametrize("count", [0, 1, 2, 999, 5_000])
def test_length_is_the_rounded_up_share(rate, count):
    result = resample(noise(1)[:count], rate, 16_000)
    assert result.dtype == np.float32
    assert len(result) == -(-count * 16_000 // rate) == Resampler(rate, 16_000).output_length(count)


def test_equal_rates_change_nothing():
    samples = noise(0.1)
    assert resample(samples, 16_000, 16_000) is samples


@pytest.mark.parametrize("rate", COMMON + ODD)
def test_a_tone_keeps_its_frequency_phase_and_level(rate):
    hz = 0.4 * min(rate, 16_000)
    result = resample(tone(hz, 0.5, rate), rate, 16_000)
    expected = tone(hz, len(result) / 16_000)
    inner = slice(400, -400)
    assert signal_to_error_db(expected[inner], result[inner]) > 90


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_the_pass_band_is_flat_to_a_hundredth_of_a_decibel(rate):
    for share in (0.02, 0.3, 0.6, 0.8, 0.85, 0.9):
        hz = share * min(rate, 16_000) / 2
        result = resample(tone(hz, 0.5, rate), rate, 16_000)[400:-400]
        assert abs(level_db(result) - level_db(tone(hz, 0.5)[400:-400])) < 0.01, share


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000])
def test_nothing_above_half_the_new_rate_comes_back_as_an_alias(rate):
    for hz in (8_000, 8_050, 8_500, 9_500, 10_900):
        result = resample(tone(hz, 0.5, rate), rate, 16_000)[400:-400]
        assert level_db(result) - level_db(tone(hz, 0.5, rate)) < -90, hz


def test_upsampling_adds_no_images():
    result = resample(band_noise(50, 3_500, 1, 8_000), 8_000, 16_000)[1_000:-1_000]
    power = np.abs(np.fft.rfft(result * np.hanning(len(result)))) ** 2
    hz = np.fft.rfftfreq(len(result), 1 / 16_000)
    assert 10 * np.log10(power[hz > 4_300].max() / power[hz < 3_500].max()) < -90


def test_a_constant_stays_the_same_constant():
    result = resample(np.full(20_000, 0.5, np.float32), 44_100, 16_000)[400:-400]
    assert np.abs(result - 0.5).max() < 1e-6


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 44_056, 48_000])
def test_agrees_with_soxr_on_band_limited_noise(rate):
    soxr = pytest.importorskip("soxr")
    samples = band_noise(50, 0.42 * min(rate, 16_000), 1, rate)
    expected = soxr.resample(samples, rate, 16_000, quality="VHQ")
    result = resample(samples, rate, 16_000)
    inner = slice(1_000, min(len(result), len(expected)) - 1_000)
    assert signal_to_error_db(expected[inner], result[inner]) > 75  # soxr is 80 dB from the exact answer


@pytest.mark.parametrize("rate", [8_000, 14_400, 44_100, 48_000])
def test_agrees_with_the_exact_answer_on_band_limited_noise(rate):
    samples = band_noise(50, 0.44 * min(rate, 16_000), 1, rate)
    spectrum = np.zeros(8_001, np.complex128)
    known = np.fft.rfft(samples.astype(np.float64))[:8_001]
    spectrum[: len(known)] = known
    expected = np.fft.irfft(spectrum, 16_000) * (16_000 / rate)
    inner = slice(1_000, -1_000)
    assert signal_to_error_db(expected[inner], resample(samples, rate, 16_000)[inner]) > 105


@settings(max_examples=60)
@given(
    rate=st.sampled_from([8_000, 14_400, 44_100, 44_056, 48_000]),
    count=st.integers(0, 30_000),
    sizes=st.lists(st.integers(0, 9_000), max_size=12),
)
def test_blocks_of_any_sizes_give_the_same_bits(rate, count, sizes):
    samples = noise(2)[:count]
    whole = resample(samples, rate, 16_000)
    assert np.array_equal(whole, in_blocks(samples, Resampler(rate, 16_000), sizes))


def test_the_same_bits_whatever_stands_before_and_after():
    resampler = Resampler(44_100, 16_000)
    samples = noise(2, 44_100)
    whole = resample(samples, 44_100, 16_000)
    reach = resampler.lookahead
    first, last = 441 * 20, 441 * 120  # input 441 n is output 160 n
    part = resample(samples[first - 441 * 2 : last + reach], 44_100, 16_000)[160 * 2 : 160 * 102]
    assert np.abs(whole[160 * 20 : 160 * 120] - part).max() < 1e-6


def test_a_stream_waits_for_no_more_than_its_lookahead():
    resampler = Resampler(48_000, 16_000)
    part, state = resampler.advance(resampler.start(), noise(0.2, 48_000))
    assert len(part) == -(-(9_600 - resampler.lookahead) // 3)
    assert resampler.lookahead / 48_000 <= 0.004
    assert len(state.samples) <= 2 * resampler.lookahead
    assert isinstance(state, ResamplerState)


def test_memory_does_not_grow_with_the_recording():
    samples = noise(300, 8_000)
    tracemalloc.start()
    result = resample(samples, 8_000, 16_000)
    extra = tracemalloc.get_traced_memory()[1] - result.nbytes
    tracemalloc.stop()
    assert extra < 8e6


def test_rates_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        Resampler(0, 16_000)
