"""Words: where they begin and end, and how sure the model is of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from asr.audio.mel import framing
from asr.config import FeatureConfig, ModelConfig, TokenizerConfig
from asr.decode.ctc import Hypothesis, greedy
from asr.decode.words import to_segment
from asr.model.lengths import emission_window
from asr.text.tokenizer import BLANK, Tokenizer, tokenizer_from_vocabulary
from asr.text.units import SPACE
from asr.window import Window

RATE = 16_000
LETTERS = tokenizer_from_vocabulary(TokenizerConfig(), (BLANK, "a", "b", SPACE))
WORDS = tokenizer_from_vocabulary(TokenizerConfig(kind="words"), (BLANK, "no", "yes"))


def window(**changes: int) -> Window:
    model = ModelConfig(bidirectional="lookahead" not in changes, **changes)
    return framing(FeatureConfig()).then(emission_window(model))


def said(tokens: list[int], frames: list[tuple[int, int]], probabilities: list[float]) -> Hypothesis:
    first, last = zip(*frames, strict=True)
    return Hypothesis(tuple(tokens), first, last, tuple(map(math.log, probabilities)), 0.0)


def test_times_and_confidence_of_a_known_hypothesis() -> None:
    hypothesis = said([1, 2, 3, 2], [(4, 5), (6, 6), (9, 9), (20, 22)], [0.5, 0.5, 0.9, 0.8])
    segment = to_segment(hypothesis, LETTERS, window(subsampling=2), RATE, 10.0)
    first, second = segment.words
    # Frame i of 20 ms lies around 12.5 ms + i · 20 ms: 25 ms windows, 10 ms apart, every second one.
    assert (first.text, second.text) == ("ab", "b")
    assert first.start == pytest.approx(0.0125 + 4 * 0.02 - 0.01, abs=1e-4)
    assert first.end == pytest.approx(0.0125 + 6 * 0.02 + 0.01, abs=1e-4)
    assert second.start == pytest.approx(0.0125 + 20 * 0.02 - 0.01, abs=1e-4)
    assert second.end == pytest.approx(0.0125 + 22 * 0.02 + 0.01, abs=1e-4)
    assert first.confidence == pytest.approx(0.5)
    assert second.confidence == pytest.approx(0.8)
    assert (segment.text, segment.start, segment.end) == ("ab b", 0.0, 10.0)


def test_four_times_subsampling_has_frames_of_40_ms() -> None:
    segment = to_segment(said([2], [(3, 3)], [1.0]), WORDS, window(subsampling=4), RATE, 1.0)
    assert segment.words[0].start == pytest.approx(0.0125 + 3 * 0.04 - 0.02, abs=1e-4)
    assert segment.words[0].end - segment.words[0].start == pytest.approx(0.04)


def test_confidence_is_the_geometric_mean() -> None:
    hypothesis = said([1, 1, 2], [(0, 0), (2, 2), (3, 3)], [0.9, 0.3, 0.2])
    (word,) = to_segment(hypothesis, LETTERS, window(), RATE, 1.0).words
    assert word.confidence == pytest.approx((0.9 * 0.3 * 0.2) ** (1 / 3))


def test_no_word_reaches_beyond_the_recording() -> None:
    (word,) = to_segment(said([1], [(0, 49)], [0.9]), LETTERS, window(), RATE, 0.5).words
    assert 0.0 <= word.start < word.end == 0.5


def test_nothing_said_is_an_empty_segment() -> None:
    segment = to_segment(Hypothesis((), (), (), (), 0.0), LETTERS, window(), RATE, 1.5)
    assert (segment.words, segment.text, segment.end) == ((), "", 1.5)


@given(
    arrays(np.float32, st.tuples(st.integers(0, 30), st.just(4)), elements=st.floats(-30, 30, width=32)),
    st.sampled_from([2, 4]),
    st.integers(0, 3),
    st.booleans(),
)
def test_words_follow_each_other_inside_the_recording(
    scores: np.ndarray, subsampling: int, lookahead: int, whole_words: bool
) -> None:
    scores = scores[:, :3] if whole_words else scores
    tokenizer: Tokenizer = WORDS if whole_words else LETTERS
    log_probs = scores - np.logaddexp.reduce(scores.astype(np.float64), axis=1, keepdims=True)
    hypothesis = greedy(log_probs.astype(np.float32))
    frames = window(subsampling=subsampling, lookahead=lookahead)
    duration = frames.needed(len(scores)) / RATE
    segment = to_segment(hypothesis, tokenizer, frames, RATE, duration)
    edges = [edge for word in segment.words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= duration for edge in edges)
    assert " ".join(word.text for word in segment.words) == segment.text
    for word, span in zip(segment.words, tokenizer.words(hypothesis.tokens), strict=True):
        posteriors = np.exp(hypothesis.log_probs[span.first : span.last])
        assert 0 <= word.confidence <= 1 + 1e-6
        mean = posteriors.prod() ** (1 / len(posteriors))
        assert word.confidence == pytest.approx(mean, rel=1e-4, abs=1e-9)
