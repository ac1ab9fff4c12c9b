"""Utterances in streams: what is joined, how long it is, and that nothing is lost."""

from __future__ import annotations

import numpy as np
import pytest

from asr.audio.augment import generator
from asr.config import AugmentConfig
from asr.data.batching import BatchSource
from asr.data.dataset import Dataset, Recordings, Texts
from asr.data.manifest import Utterance, read_manifest
from asr.data.stream import Stretch, Stretches, with_pauses
from tests.helpers.corpora import write_short_corpus
from tests.helpers.runs import FEATURES, as_they_are

ALWAYS = AugmentConfig(stream=1.0, stream_pause=0.5)


@pytest.fixture(scope="module")
def utterances(tmp_path_factory: pytest.TempPathFactory) -> list[Utterance]:
    data = write_short_corpus(tmp_path_factory.mktemp("data"))
    return read_manifest(data / "train" / "manifest.jsonl")


def in_streams(utterances: list[Utterance], separator: int = 9, augment: AugmentConfig = ALWAYS) -> Dataset:
    texts = Texts([[number + 1] * 2 for number in range(len(utterances))], separator)
    return Dataset(Recordings(utterances, FEATURES.sample_rate), texts, FEATURES, as_they_are(), augment)


def test_without_streams_an_utterance_is_alone(utterances: list[Utterance]) -> None:
    stretches = Stretches(utterances, AugmentConfig(), 0)
    assert [stretches.stretch(n, 0) for n in range(3)] == [Stretch((n,), (0.0, 0.0)) for n in range(3)]


def test_some_have_a_neighbour_and_all_have_pauses(utterances: list[Utterance]) -> None:
    stretches = Stretches(utterances, ALWAYS, 0)
    found = [stretches.stretch(n, epoch) for n in range(len(utterances)) for epoch in range(50)]
    sizes = [len(one.utterances) for one in found]
    assert {1, 2} == set(sizes)
    assert 0.3 < sizes.count(2) / len(sizes) < 0.5
    assert all(len(one.pauses) == len(one.utterances) + 1 for one in found)
    assert all(0 <= pause <= 0.5 for one in found for pause in one.pauses)
    before = [
        one.utterances[0] != n for n in range(3) for one in (stretches.stretch(n, e) for e in range(50))
    ]
    assert any(before) and not all(before)


def test_examples_are_as_long_as_told(utterances: list[Utterance]) -> None:
    dataset = in_streams(utterances)
    for epoch in range(3):
        told = dataset.seconds(epoch)
        for index in range(len(dataset)):
            frames = len(dataset.example(index, epoch).features)
            assert abs(frames * 0.01 - told[index]) < 0.05
    assert BatchSource(dataset, 10.0, 0).batches_in(0) > 0


def test_tokens_are_those_of_all_that_is_heard(utterances: list[Utterance]) -> None:
    dataset, stretches = in_streams(utterances), Stretches(utterances, ALWAYS, 0)
    seen = set()
    for epoch in range(20):
        one = stretches.stretch(0, epoch)
        spelled = [[number + 1] * 2 for number in one.utterances]
        expected = spelled[0] if len(spelled) == 1 else [*spelled[0], 9, *spelled[1]]
        assert dataset.example(0, epoch).tokens.tolist() == expected
        seen.add(len(one.utterances))
    assert seen == {1, 2}
    plain = in_streams(utterances, separator=-1)
    assert all(9 not in plain.example(0, epoch).tokens for epoch in range(20))


@pytest.mark.parametrize("seed", range(12))
def test_samples_stand_unchanged_between_pauses(seed: int) -> None:
    random = np.random.default_rng(seed)
    spoken = [random.standard_normal(count).astype(np.float32) for count in (4000, 6000)]
    pauses = (0.1, 0.2, 0.3)
    joined = with_pauses(spoken, pauses, 8000, generator(seed, 0, "a"))
    assert joined.dtype == np.float32
    assert len(joined) == 800 + 4000 + 1600 + 6000 + 2400
    assert np.array_equal(joined[800:4800], spoken[0])
    assert np.array_equal(joined[6400:12400], spoken[1])
    assert np.abs(joined[:800]).max() < 6 * spoken[0].std()
