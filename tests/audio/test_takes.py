"""A take is judged by its samples: what is wrong with it, and only that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from asr.audio.io import AudioSource, load_audio
from asr.audio.takes import SILENT_DB, judge_take, level_db, longest_run
from tests.helpers.tones import noise, silence, tone

RATE = 16_000


def take(
    level: float = 0.2, hiss: float = 3e-4, before: float = 0.3, after: float = 0.3
) -> NDArray[np.float32]:
    """A word of a second between silences, in a hiss."""
    samples = np.concatenate([silence(before), tone(300.0, 1.0, amplitude=level), silence(after)])
    return samples + noise(len(samples) / RATE, amplitude=hiss)[: len(samples)]


def problems(samples: NDArray[np.float32]) -> str:
    return "; ".join(judge_take(samples, RATE).problems)


def test_a_good_take_has_its_levels_and_no_problem() -> None:
    found = judge_take(take(), RATE)
    assert found.problems == ()
    assert found.seconds == pytest.approx(1.6)
    assert found.speech_db == pytest.approx(20 * np.log10(0.2 / np.sqrt(2)), abs=1)
    assert found.noise_db < -60


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (take(level=0.005, hiss=1e-5), "too quiet"),
        (take(level=0.05, hiss=0.02), "background is loud"),
        (np.clip(take(level=1.5), -1, 1).astype(np.float32), "clipped"),
        (take(before=0.0), "begins in the middle"),
        (take(after=0.0), "ends in the middle"),
        (silence(1.0), "nothing was heard"),
        (noise(1.0, amplitude=0.1), "nothing was heard"),
        (take()[: RATE // 10], "very short"),
        (np.zeros(0, np.float32), "very short"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_else(samples: NDArray[np.float32], said: str) -> None:
    assert said in problems(samples)
    assert problems(samples).count(":") == 1


def test_an_offset_of_a_cheap_sound_card_is_not_heard_as_noise() -> None:
    assert problems(take() + np.float32(0.1)) == ""


@given(st.lists(st.booleans(), max_size=40))
def test_the_longest_run_is_that_of_a_slow_count(marks: list[bool]) -> None:
    text = "".join("x" if mark else " " for mark in marks)
    assert longest_run(np.array(marks, bool)) == max(map(len, [*text.split(), ""]))


def test_silence_has_a_level_too() -> None:
    assert level_db(np.zeros(0, np.float32)) == level_db(silence(0.1)) == SILENT_DB
    assert level_db(tone(1000.0, 1.0, amplitude=1.0)) == pytest.approx(-3.0, abs=0.1)


@pytest.mark.data
def test_real_recordings_from_a_studio_pass(data_folder: Path) -> None:
    files = sorted((data_folder / "an4/train/an4_clstk/fash").glob("*.flac"))
    assert files
    for path in files:
        samples = load_audio(AudioSource(path))
        assert not {"clipped", "nothing"} & set(problems(samples).replace(":", " ").split()), path
