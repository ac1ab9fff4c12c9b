"""Pictures show what is in the sound: where it is loud, which bands it has, for any length."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from asr.config import FeatureConfig
from asr.report.pictures import COLUMNS, ROW, Row, Stretch, draw, features_png, palette, waveform
from asr.report.png import data_uri, png
from tests.helpers.recordings import encoded, saved
from tests.helpers.tones import silence, tone

CONFIG = FeatureConfig()


def points(path: str) -> np.ndarray:
    assert re.fullmatch(r"M[-\d. eL]+Z", path)
    return np.array([[float(one) for one in point.split()] for point in path[1:-1].split("L")])


@settings(max_examples=40)
@given(st.integers(1, 5_000), st.integers(0, 9))
def test_a_waveform_holds_the_least_and_the_greatest_value(count: int, seed: int) -> None:
    samples = np.random.default_rng(seed).uniform(-1.2, 1.2, count).astype(np.float32)
    outline = points(waveform(samples))
    columns = min(count, COLUMNS)
    assert len(outline) == 2 * columns
    upper, lower = outline[:columns], outline[: columns - 1 : -1]
    assert np.array_equal(upper[:, 0], lower[:, 0]) and (np.diff(upper[:, 0]) > 0).all()
    assert (upper[:, 1] <= lower[:, 1]).all()
    assert upper[0, 0] > 0 and upper[-1, 0] < 1000
    assert np.abs(outline[:, 1]).max() == pytest.approx(min(1, np.abs(samples).max()) ** 0.5, abs=0.006)


def test_no_sound_is_no_waveform() -> None:
    assert waveform(np.zeros(0, np.float32)) == ""


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 9))
def test_a_png_holds_its_pixels(height: int, width: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    colours = random.integers(0, 256, (7, 3), np.uint8)
    pixels = random.integers(0, 7, (height, width), np.uint8)
    image = Image.open(io.BytesIO(png(pixels, colours)))
    image.load()
    assert np.array_equal(np.asarray(image.convert("RGB")), colours[pixels])


def drawn(folder: Path, samples: np.ndarray) -> list[Row]:
    source = saved(folder, encoded(samples))
    return list(draw(Stretch(source, 0.0, len(samples) / 16_000), CONFIG))


def test_a_tone_is_a_line_at_its_height(tmp_path: Path) -> None:
    heights = []
    for hz in (300, 3_000):
        (row,) = drawn(tmp_path, tone(hz, 1))
        image = np.asarray(Image.open(io.BytesIO(row.features)))
        assert image.shape == (CONFIG.mels, 98)
        heights.append(int(image.mean(axis=1).argmax()))
    assert heights[0] > CONFIG.mels / 2 > heights[1]  # the lowest band is the lowest row


def test_silence_is_dark_and_no_frame_is_no_picture(tmp_path: Path) -> None:
    (row,) = drawn(tmp_path, silence(0.5))
    assert not np.asarray(Image.open(io.BytesIO(row.features))).any()
    assert row.peak == 0
    (row,) = drawn(tmp_path, tone(440, 0.01))
    assert row.features == b""
    assert features_png(np.zeros((0, CONFIG.mels), np.float32), CONFIG) == b""


@pytest.mark.parametrize("seconds", [0.5, 12.0, 12.5, 60.0])
def test_rows_follow_one_another(tmp_path: Path, seconds: float) -> None:
    rows = drawn(tmp_path, tone(440, seconds))
    assert len(rows) == np.ceil(seconds / ROW)
    assert rows[0].start == 0
    assert rows[-1].end == seconds
    assert [row.end for row in rows[:-1]] == [row.start for row in rows[1:]]
    assert [row.peak for row in rows] == pytest.approx([0.5**0.5] * len(rows), abs=0.01)


def test_a_stretch_is_seen_alone(tmp_path: Path) -> None:
    source = saved(tmp_path, encoded(np.concatenate([silence(1), tone(440, 1), silence(1)])))
    quiet, loud = (next(draw(Stretch(source, start, 0.9), CONFIG)) for start in (0.0, 1.05))
    assert (quiet.peak, loud.peak) == (0, pytest.approx(0.5**0.5, abs=0.01))


def test_colours_grow_brighter() -> None:
    luminance = palette() @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) > 0).all()
    assert data_uri(b"ab", "image/png") == "data:image/png;base64,YWI="
