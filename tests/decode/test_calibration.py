"""Calibrated confidences: right as often as they say, in order, and never out of 0 … 1."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.decode.calibration import Calibration, fit_calibration, log_odds, reliability, word_confidence

IDENTITY = Calibration(0.0, 1.0)
log_probs = st.floats(-200, 0)
calibrations = st.builds(Calibration, st.floats(-20, 20), st.floats(0, 20))


def draw(count: int, offset: float, slope: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Words whose log-probabilities have this calibration: log-probabilities, and which are right."""
    random = np.random.default_rng(seed)
    probabilities = np.log(random.beta(3, 0.6, count))
    share = 1 / (1 + np.exp(-(offset + slope * log_odds(probabilities))))
    return probabilities, random.random(count) < share


def confidences(calibration: Calibration, words: np.ndarray) -> np.ndarray:
    return np.array([calibration.confidence(value) for value in words])


@given(st.lists(log_probs, min_size=1, max_size=9), calibrations)
def test_a_confidence_lies_between_0_and_1(word: list[float], calibration: Calibration) -> None:
    assert 0 <= word_confidence(word, calibration) <= 1
    assert 0 <= word_confidence(word, None) <= 1


@given(log_probs, log_probs, calibrations)
def test_a_surer_word_never_gets_less(one: float, other: float, calibration: Calibration) -> None:
    low, high = sorted((one, other))
    assert calibration.confidence(low) <= calibration.confidence(high)


@given(st.lists(st.floats(-3, -1e-6), min_size=1, max_size=6))
def test_offset_0_and_slope_1_give_the_product_and_none_the_geometric_mean(word: list[float]) -> None:
    assert word_confidence(word, IDENTITY) == pytest.approx(math.exp(sum(word)), rel=1e-6)
    assert word_confidence(word, None) == pytest.approx(math.exp(sum(word) / len(word)))


def test_certainty_and_impossibility_have_finite_odds() -> None:
    odds = log_odds([0.0, 1e-4, -math.inf, math.log(0.75)])
    assert np.isfinite(odds).all()
    assert odds[3] == pytest.approx(math.log(3))
    assert word_confidence([0.0, 0.0], IDENTITY) == pytest.approx(1)
    assert word_confidence([-math.inf], IDENTITY) == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize(("offset", "slope"), [(0.0, 1.0), (-0.6, 0.8), (1.0, 0.4), (-1.5, 1.6)])
def test_a_fit_finds_the_calibration_that_words_have(offset: float, slope: float) -> None:
    fitted = fit_calibration(*draw(40_000, offset, slope))
    assert fitted.offset == pytest.approx(offset, abs=0.1)
    assert fitted.slope == pytest.approx(slope, abs=0.1)


def test_other_words_are_right_as_often_as_calibrated_confidences_say() -> None:
    fitted = fit_calibration(*draw(20_000, -1.0, 0.6))
    words, right = draw(20_000, -1.0, 0.6, seed=1)
    before = reliability(np.exp(words), right).error
    after = reliability(confidences(fitted, words), right)
    assert after.error < 0.01 < 0.1 < before
    assert sum(after.counts) == 20_000
    assert np.allclose(after.confidences, after.accuracies, atol=0.05)


def test_a_fit_is_the_best_there_is() -> None:
    words, right = draw(300, -0.5, 0.7)
    fitted = fit_calibration(words, right)
    count = right.sum()
    targets = np.where(right, (count + 1) / (count + 2), 1 / (len(right) - count + 2))

    def loss(offset: float, slope: float) -> float:
        given = offset + slope * log_odds(words)
        return float(np.sum(np.logaddexp(0, given) - targets * given))

    best = loss(fitted.offset, fitted.slope)
    for change in (1e-3, -1e-3):
        assert loss(fitted.offset + change, fitted.slope) > best < loss(fitted.offset, fitted.slope + change)


def test_words_that_are_all_right_leave_a_doubt() -> None:
    fitted = fit_calibration([-0.1, -0.2, -1.0, -0.01], [True] * 4)
    assert confidences(fitted, np.array([-0.1, -3.0])) == pytest.approx(5 / 6, abs=1e-6)


def test_words_that_are_told_apart_perfectly_give_a_finite_fit() -> None:
    fitted = fit_calibration([-0.01] * 20 + [-3.0] * 20, [True] * 20 + [False] * 20)
    assert 0.9 < fitted.confidence(-0.01) < 1
    assert 0 < fitted.confidence(-3.0) < 0.1


def test_where_surer_words_are_wrong_more_often_all_get_the_same() -> None:
    fitted = fit_calibration([-0.01, -0.01, -2.0, -2.0], [False, False, True, True])
    assert fitted.slope == 0
    assert fitted.confidence(-5.0) == pytest.approx(0.5)


@pytest.mark.parametrize(("words", "right"), [([], []), ([-1.0], [True, False]), ([[-1.0]], [[True]])])
def test_a_fit_needs_words_and_as_many_judgements(words: list[float], right: list[bool]) -> None:
    with pytest.raises(ValueError, match="as many words as judgements"):
        fit_calibration(words, right)


def test_the_error_of_a_known_case() -> None:
    # Bins 0.9 … 1: means 0.95 against 1/2; 0.5 … 0.6: 0.5 against 1. Weights 2 and 1.
    found = reliability([0.92, 0.98, 0.5], [True, False, True])
    assert found.counts == (1, 2)
    assert found.confidences == pytest.approx((0.5, 0.95))
    assert found.accuracies == (1.0, 0.5)
    assert found.error == pytest.approx((0.5 + 2 * 0.45) / 3)


def test_full_confidence_falls_into_the_last_bin_and_no_words_have_no_error() -> None:
    assert reliability([1.0, 0.0], [True, False]).error == 0
    assert math.isnan(reliability([], []).error)
