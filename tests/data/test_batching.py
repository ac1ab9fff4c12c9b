"""Batches: everything once an epoch, under the budget, in an order that the seed and the epoch fix."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from asr.data.batching import Batch, BatchSource, Position, Share, collate, pad, plan_epoch, prefetch
from asr.data.dataset import Example
from asr.data.manifest import read_manifest
from asr.errors import AudioError
from tests.helpers.corpora import write_short_corpus
from tests.helpers.runs import AUGMENT, dataset

DURATIONS = st.lists(st.floats(0.01, 40), min_size=1, max_size=80).map(np.array)
SEEDS = st.integers(0, 2**31)


def padded_seconds(batch: NDArray[np.int64], durations: NDArray[np.float64]) -> float:
    return float(durations[batch].max() * len(batch))


@given(DURATIONS, st.floats(1, 200), SEEDS, st.integers(0, 5))
def test_every_utterance_is_in_exactly_one_batch_under_the_budget(
    durations: NDArray[np.float64], budget: float, seed: int, epoch: int
) -> None:
    plan = plan_epoch(durations, budget, seed, epoch)
    assert sorted(np.concatenate(plan).tolist()) == list(range(len(durations)))
    for batch in plan:
        assert len(batch) == 1 or padded_seconds(batch, durations) <= budget


@given(DURATIONS, st.floats(1, 200), SEEDS)
def test_the_first_epoch_begins_with_the_worst_batch(
    durations: NDArray[np.float64], budget: float, seed: int
) -> None:
    plan = plan_epoch(durations, budget, seed, 0)
    assert padded_seconds(plan[0], durations) == max(padded_seconds(batch, durations) for batch in plan)


@given(DURATIONS, st.floats(1, 200), SEEDS, st.integers(0, 5))
def test_the_plan_depends_on_seed_and_epoch_alone(
    durations: NDArray[np.float64], budget: float, seed: int, epoch: int
) -> None:
    one, other = (plan_epoch(durations, budget, seed, epoch) for _ in range(2))
    assert [batch.tolist() for batch in one] == [batch.tolist() for batch in other]


def test_epochs_and_seeds_differ_in_order_and_in_company() -> None:
    durations = np.random.default_rng(0).uniform(1, 10, 200)
    plans = [plan_epoch(durations, 40, seed, epoch) for seed, epoch in ((0, 1), (0, 2), (1, 1))]
    companies = [{frozenset(batch.tolist()) for batch in plan} for plan in plans]
    assert companies[0] != companies[1]
    assert companies[0] != companies[2]


def test_utterances_of_a_batch_are_of_similar_length() -> None:
    durations = np.random.default_rng(0).uniform(1, 10, 500)
    plan = plan_epoch(durations, 60, 0, 1)
    waste = 1 - durations.sum() / sum(padded_seconds(batch, durations) for batch in plan)
    assert waste < 0.2


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), min_size=1, max_size=5))
def test_collating_keeps_lengths_and_puts_zeros_behind(sizes: list[tuple[int, int]]) -> None:
    random = np.random.default_rng(0)
    examples = [
        Example(str(i), random.standard_normal((t, 3)).astype(np.float32) + 9, random.integers(1, 5, u))
        for i, (t, u) in enumerate(sizes)
    ]
    batch = collate(examples)
    assert batch.features.shape == (len(sizes), max(t for t, _ in sizes), 3)
    assert batch.feature_lengths.tolist() == [t for t, _ in sizes]
    assert batch.token_lengths.tolist() == [u for _, u in sizes]
    for row, example in enumerate(examples):
        frames, tokens = len(example.features), len(example.tokens)
        np.testing.assert_array_equal(batch.features[row, :frames], example.features)
        np.testing.assert_array_equal(batch.tokens[row, :tokens], example.tokens)
        assert not batch.features[row, frames:].any()
        assert not batch.tokens[row, tokens:].any()


def test_padding_keeps_the_kind_of_number() -> None:
    assert pad([np.zeros(2, np.float32), np.zeros(1, np.float32)]).dtype == np.float32
    assert pad([np.zeros(0, np.int64)]).shape == (1, 0)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> BatchSource:
    data = write_short_corpus(tmp_path_factory.mktemp("data"))
    utterances = read_manifest(data / "train" / "manifest.jsonl")
    return BatchSource(dataset(utterances, AUGMENT, 3), 1.0, seed=3)


def described(batch: Batch) -> tuple[tuple[str, ...], bytes]:
    return batch.ids, batch.features.tobytes()


@settings(max_examples=10)
@given(epoch=st.integers(0, 3), start=st.integers(0, 9))
def test_resuming_at_a_position_gives_the_rest_of_the_epoch(
    source: BatchSource, epoch: int, start: int
) -> None:
    whole = [described(batch) for batch in source.epoch(Position(epoch))]
    assert len(whole) == source.batches_in(epoch)
    rest = [described(batch) for batch in source.epoch(Position(epoch, start))]
    assert rest == whole[start:]


def test_views_stand_side_by_side_and_count_as_seconds(tmp_path: Path) -> None:
    utterances = read_manifest(write_short_corpus(tmp_path) / "train" / "manifest.jsonl")
    doubled = BatchSource(dataset(utterances, AUGMENT, 3), 2.0, seed=3, views=2)
    single = BatchSource(dataset(utterances, AUGMENT, 3), 1.0, seed=3)
    for pairs, batch in zip(doubled.epoch(Position()), single.epoch(Position()), strict=True):
        assert pairs.ids[0::2] == pairs.ids[1::2] == batch.ids
        np.testing.assert_array_equal(pairs.features[0::2], batch.features)
    assert doubled.longest() == pytest.approx([2 * seconds for seconds in single.longest()])
    shared = [BatchSource(dataset(utterances), 2.0, 3, Share(part, 2), views=2) for part in (0, 1)]
    for batches in zip(*(source.epoch(Position()) for source in shared), strict=True):
        assert all(batch.ids[0::2] == batch.ids[1::2] for batch in batches)


def drawing() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("prefetch")]


def failing() -> Iterator[int]:
    yield 1
    yield 2
    raise AudioError("a.flac: broken; replace it")


def test_what_the_thread_raises_is_raised_to_the_one_who_draws() -> None:
    drawn = []
    with pytest.raises(AudioError, match=r"a\.flac: broken"):
        for item in prefetch(failing()):
            drawn.append(item)
    assert drawn == [1, 2]
    assert not drawing()


@given(st.integers(0, 20), st.integers(1, 5))
def test_prefetching_keeps_the_order_and_loses_nothing(count: int, ahead: int) -> None:
    assert list(prefetch(iter(range(count)), ahead)) == list(range(count))
    assert not drawing()


def test_the_thread_stops_when_nobody_draws_any_more() -> None:
    drawn: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(1000):
            drawn.append(number)
            yield number

    stream = prefetch(numbers(), ahead=2)
    assert next(stream) == 0
    assert drawing()
    stream.close()
    assert not drawing()
    assert len(drawn) <= 4


def test_items_are_prepared_while_others_are_used() -> None:
    prepared = threading.Event()

    def items() -> Iterator[int]:
        yield 0
        prepared.set()
        yield 1

    stream = prefetch(items())
    next(stream)
    assert prepared.wait(5)
    stream.close()


def test_a_missing_recording_stops_the_epoch_with_its_name(tmp_path: Path) -> None:
    data = write_short_corpus(tmp_path)
    utterances = read_manifest(data / "train" / "manifest.jsonl")
    utterances[0].audio.path.unlink()
    broken = BatchSource(dataset(utterances), 1.0, seed=0)
    with pytest.raises(AudioError, match=utterances[0].audio.path.name):
        list(broken.epoch(Position()))
    assert not drawing()
