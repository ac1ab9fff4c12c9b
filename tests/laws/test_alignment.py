"""Law 9: an alignment writes the text, moves forward, stays inside the audio, and no path is better."""

from __future__ import annotations

from itertools import groupby, pairwise, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from asr.decode.align import Alignment, align
from asr.errors import TextError
from asr.recognize.align import AlignedText, align_samples
from asr.recognize.recognizer import Recognizer
from tests.helpers.bundles import TEXTS, random_recognizer
from tests.helpers.tones import chirp, noise

EIGHTHS = st.sampled_from([-np.inf, -0.125, -0.25, -0.375, -1.0])
"""Their sums are exact, so equal paths are found equal; and many are."""
SOUND = chirp(100, 5_000, 2) + noise(2)


def states(path: tuple[int, ...]) -> tuple[int, ...]:
    """How far on a path is at each frame: on token u (from 1) 2u - 1, on the blank behind it 2u."""
    places, written, before = [], 0, 0
    for token in path:
        written += token not in (0, before)
        places.append(2 * written - (token != 0))
        before = token
    return tuple(places)


def found_states(alignment: Alignment, frames: int) -> tuple[int, ...]:
    known = alignment.hypothesis
    return tuple(
        2 * sum(first <= t for first in known.first_frames)
        - any(first <= t <= last for first, last in zip(known.first_frames, known.last_frames, strict=True))
        for t in range(frames)
    )


@given(
    arrays(np.float32, st.tuples(st.integers(0, 6), st.just(3)), elements=EIGHTHS),
    st.lists(st.integers(1, 2), max_size=4),
)
def test_of_all_paths_it_is_the_best_and_of_equal_ones_the_furthest(
    log_probs: NDArray[np.float32], tokens: list[int]
) -> None:
    assume((log_probs > -np.inf).any(1).all())
    paths = [
        path
        for path in product(range(3), repeat=len(log_probs))
        if [token for token, _ in groupby(path) if token] == tokens
    ]
    totals = {
        path: sum(float(row[token]) for row, token in zip(log_probs, path, strict=True)) for path in paths
    }
    best = max(totals.values(), default=-np.inf)
    if best == -np.inf:
        with pytest.raises(TextError):
            align(log_probs, tokens)
        return
    alignment = align(log_probs, tokens)
    assert alignment.hypothesis.total == best
    expected = max((states(path) for path in paths if totals[path] == best), key=lambda places: places[::-1])
    assert found_states(alignment, len(log_probs)) == expected


@given(
    arrays(np.float32, st.tuples(st.integers(0, 60), st.just(4)), elements=st.floats(-50, 0, width=32)),
    st.lists(st.integers(1, 3), max_size=30),
)
def test_it_is_monotone_and_inside_the_audio(log_probs: NDArray[np.float32], tokens: list[int]) -> None:
    repeats = sum(a == b for a, b in pairwise(tokens))
    assume(len(tokens) + repeats <= len(log_probs))
    alignment = align(log_probs, tokens)
    known = alignment.hypothesis
    edges = [edge for span in zip(known.first_frames, known.last_frames, strict=True) for edge in span]
    assert edges == sorted(edges)
    assert all(0 <= edge < len(log_probs) for edge in edges)
    path = np.zeros(len(log_probs), int)
    for token, first, last in zip(tokens, known.first_frames, known.last_frames, strict=True):
        path[first : last + 1] = token
    assert [token for token, _ in groupby(path) if token] == tokens
    heard = log_probs[np.arange(len(path)), path].astype(float)
    assert known.total == pytest.approx(heard.sum())
    for mean, peak, match, first, last in zip(
        alignment.means,
        known.log_probs,
        alignment.matches,
        known.first_frames,
        known.last_frames,
        strict=True,
    ):
        assert mean == pytest.approx(heard[first : last + 1].mean())
        assert peak == heard[first : last + 1].max()
        assert match == pytest.approx(mean - log_probs[first : last + 1].max(1).mean(dtype=float))


@pytest.fixture(scope="module", params=[("characters", 2), ("characters", 4), ("words", 2)], ids=str)
def recognizer(request: pytest.FixtureRequest) -> Recognizer:
    kind, subsampling = request.param
    return random_recognizer(kind=kind, subsampling=subsampling)


@settings(max_examples=15)
@given(
    text=st.lists(st.sampled_from(" ".join(TEXTS).split()), min_size=1, max_size=8), seconds=st.floats(0, 2)
)
def test_words_are_in_order_and_inside_the_recording(
    recognizer: Recognizer, text: list[str], seconds: float
) -> None:
    samples = SOUND[: round(seconds * 16_000)]
    (aligned,) = align_samples(recognizer, [samples], [" ".join(text)])
    if isinstance(aligned, TextError):
        assert "too long for the recording" in str(aligned)
        return
    assert isinstance(aligned, AlignedText)
    assert [word.text for word in aligned.transcript.words] == text
    for words in (aligned.transcript.words, aligned.tokens):
        edges = [edge for word in words for edge in (word.start, word.end)]
        assert edges == sorted(edges)
        assert all(0 <= edge <= len(samples) / 16_000 for edge in edges)
        assert all(word.start < word.end and 0 < word.confidence <= 1 for word in words)
    assert all(match <= 0 for match in aligned.matches)
