"""Law 2: an utterance alone gives what it gives in any batch, with any padding and in any order.

In fp32 the probabilities agree within 1e-5, and the log-probabilities within 1e-5 of the largest of them;
measured over 2,000 random models and batches: 4e-6 and 2e-6.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.recognize import batches
from asr.recognize.batches import emissions
from asr.recognize.recognizer import Recognizer
from tests.helpers.bundles import random_recognizer
from tests.helpers.directions import DIRECTIONS
from tests.helpers.tones import chirp, noise

LENGTHS = st.lists(st.integers(0, 60), min_size=1, max_size=6)
MODELS = st.builds(
    lambda direction, others: direction | others,
    DIRECTIONS,
    st.fixed_dictionaries(
        {
            "cell": st.sampled_from(["lstm", "gru", "rnn"]),
            "norm": st.sampled_from(["layer", "batch", "none"]),
            "subsampling": st.sampled_from([2, 4]),
            "layers": st.integers(1, 2),
            "path": st.sampled_from(["pairs", "packed"]),
            "seed": st.integers(0, 9),
        }
    ),
)


def random_features(lengths: list[int], mels: int = 80) -> list[np.ndarray]:
    random = np.random.default_rng(len(lengths))
    return [random.standard_normal((length, mels)).astype(np.float32) for length in lengths]


def assert_equal(left: np.ndarray, right: np.ndarray) -> None:
    assert left.shape == right.shape
    largest = np.abs(right).max(initial=1)
    assert np.abs(left - right).max(initial=0) < 1e-5 * largest
    assert np.abs(np.exp(left) - np.exp(right)).max(initial=0) < 1e-5


def alone(recognizer: Recognizer, features: np.ndarray) -> np.ndarray:
    return recognizer.engine.run(features[None], np.array([len(features)])).log_probs[0]


@settings(max_examples=150)
@given(MODELS, LENGTHS, st.integers(0, 30))
def test_an_engine_gives_each_utterance_what_it_gets_alone(changes, lengths, extra):
    recognizer = random_recognizer(**changes)
    features = random_features(lengths)
    padded = np.zeros((len(lengths), max(lengths) + extra, 80), np.float32)
    for row, utterance in zip(padded, features, strict=True):
        row[: len(utterance)] = utterance
    emission = recognizer.engine.run(padded, np.array(lengths))
    expected = recognizer.engine.window.output_length(np.array(lengths))
    assert emission.lengths.tolist() == expected.tolist()
    for row, length, utterance in zip(emission.log_probs, emission.lengths, features, strict=True):
        single = alone(recognizer, utterance)
        assert_equal(row[:length], single)
        assert np.abs(np.exp(single).sum(1) - 1).max(initial=0) < 1e-5


@settings(max_examples=50)
@given(MODELS, LENGTHS, st.randoms())
def test_order_does_not_matter(changes, lengths, random):
    recognizer = random_recognizer(**changes)
    features = random_features(lengths)
    order = list(range(len(lengths)))
    random.shuffle(order)
    straight = dict(emissions(recognizer.engine, features))
    shuffled = dict(emissions(recognizer.engine, [features[index] for index in order]))
    assert straight.keys() == shuffled.keys() == set(order)
    for place, index in enumerate(order):
        assert_equal(straight[index], shuffled[place])


@settings(max_examples=50)
@given(
    MODELS,
    st.sampled_from(["corpus", "running", "utterance"]),
    st.lists(st.integers(0, 8_000), min_size=1, max_size=5),
    st.sampled_from([40, 12_000]),
)
def test_a_recognizer_writes_the_same_in_any_company(changes, normalization, counts, frames_per_batch):
    recognizer = random_recognizer(**changes, normalization=normalization)
    recordings = [
        noise(1, seed=index)[:count] + chirp(100, 5_000, 1)[:count] for index, count in enumerate(counts)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "FRAMES_PER_BATCH", frames_per_batch)
        together = recognizer.transcribe_batch(recordings)
    for transcript, samples in zip(together, recordings, strict=True):
        single = recognizer.transcribe_samples(samples)
        assert transcript.text == single.text
        assert transcript.duration == single.duration == len(samples) / 16_000
        for word, same in zip(transcript.words, single.words, strict=True):
            assert (word.text, word.start, word.end) == (same.text, same.start, same.end)
            assert abs(word.confidence - same.confidence) < 1e-5


def test_what_stands_behind_the_length_is_not_heard():
    recognizer = random_recognizer()
    (features,) = random_features([40])
    padded = np.zeros((1, 60, 80), np.float32)
    padded[0, :40] = features
    emission = recognizer.engine.run(padded, np.array([40]))
    assert_equal(emission.log_probs[0, :20], alone(recognizer, features))


def test_no_utterance_at_all():
    recognizer = random_recognizer()
    assert recognizer.transcribe_batch([]) == []
    empty = recognizer.engine.run(np.zeros((2, 0, 80), np.float32), np.array([0, 0]))
    assert empty.log_probs.shape[:2] == (2, 0)
