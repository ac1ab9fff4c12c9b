"""Law 10: ONNX Runtime computes what torch computes, whole utterances and streams in any chunks.

In fp32 the probabilities agree within 1e-5, and the log-probabilities within 1e-5 of the largest of them. A
model of three units can magnify rounding beyond that, as its norms divide by the deviation of three nearly
equal values: there the engines are equally far from the same model in float64.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.bundle import Bundle
from asr.model.acoustic import AcousticModel
from asr.recognize.engine import AcousticState, Engine
from asr.recognize.onnx_engine import OnnxEngine
from asr.recognize.torch_engine import TorchEngine
from tests.helpers.directions import DIRECTIONS
from tests.helpers.engines import both, exported_model

MELS = 24
LENGTHS = st.lists(st.integers(0, 60), min_size=1, max_size=5)
CHUNKS = st.lists(st.integers(0, 40), max_size=6)
KINDS = {
    "cell": st.sampled_from(["lstm", "gru", "rnn"]),
    "norm": st.sampled_from(["layer", "batch", "none"]),
    "subsampling": st.sampled_from([2, 4]),
    "layers": st.integers(1, 2),
    "hidden": st.sampled_from([8, 13]),
    "channels": st.sampled_from([4, 8]),
    "seed": st.integers(0, 9),
    "mels": st.just(MELS),
}
MODELS = st.builds(lambda direction, others: direction | others, DIRECTIONS, st.fixed_dictionaries(KINDS))
STREAMS = st.fixed_dictionaries(
    KINDS | {"bidirectional": st.just(False), "lookahead": st.sampled_from([0, 1, 5])}
)


def random_features(lengths: Sequence[int]) -> list[np.ndarray]:
    random = np.random.default_rng(len(lengths))
    return [random.standard_normal((length, MELS)).astype(np.float32) for length in lengths]


def assert_close(left: np.ndarray, right: np.ndarray) -> None:
    assert left.shape == right.shape
    assert left.dtype == right.dtype == np.float32
    assert np.abs(left - right).max(initial=0) < 1e-5 * np.abs(right).max(initial=1)


def assert_equal(left: np.ndarray, right: np.ndarray) -> None:
    assert_close(left, right)
    assert np.abs(np.exp(left) - np.exp(right)).max(initial=0) < 1e-5


def alone(engine: Engine, features: np.ndarray) -> np.ndarray:
    return engine.run(features[None], np.array([len(features)])).log_probs[0]


def exact(bundle: Bundle, features: np.ndarray) -> np.ndarray:
    model = AcousticModel(bundle.model, MELS, len(bundle.vocabulary)).double().eval()
    model.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in bundle.weights.items()})
    with torch.inference_mode():
        log_probs, _ = model(torch.from_numpy(features[None]).double(), torch.tensor([len(features)]))
    return log_probs[0].numpy()


def streamed(engine: Engine, features: np.ndarray, chunks: Sequence[int]) -> np.ndarray:
    state, parts, start = engine.start(), [], 0
    for length in chunks:
        ((log_probs, state),) = engine.step([state], [features[start : start + length]])
        parts.append(log_probs)
        start += length
    ((log_probs, _),) = engine.step([state], [features[start:]], ending=True)
    return np.concatenate([*parts, log_probs])


@settings(max_examples=60)
@given(MODELS, LENGTHS, st.integers(0, 30))
def test_whole_utterances_equal_those_of_torch(changes, lengths, extra):
    torch, onnx = both(**changes)
    assert (onnx.window, onnx.streams) == (torch.window, torch.streams)
    padded = np.full((len(lengths), max(lengths) + extra, MELS), np.nan, np.float32)  # nobody reads it
    for row, utterance in zip(padded, random_features(lengths), strict=True):
        row[: len(utterance)] = utterance
    expected, found = (engine.run(padded, np.array(lengths)) for engine in (torch, onnx))
    assert found.lengths.tolist() == expected.lengths.tolist()
    assert found.log_probs.shape == expected.log_probs.shape
    for left, right, length in zip(found.log_probs, expected.log_probs, found.lengths, strict=True):
        assert_equal(left[:length], right[:length])


def test_where_a_model_magnifies_rounding_both_engines_are_as_near_to_float64():
    bundle = exported_model(
        cell="rnn", seed=6, layers=2, hidden=3, channels=1, bidirectional=False, lookahead=2, mels=MELS
    )
    streams = [
        np.random.default_rng(seed).standard_normal((34, MELS)).astype(np.float32) for seed in range(5)
    ]
    truths = [exact(bundle, features) for features in streams]
    ours, theirs = (
        max(np.abs(alone(engine, f) - truth).max() for f, truth in zip(streams, truths, strict=True))
        for engine in (OnnxEngine(bundle), TorchEngine.from_bundle(bundle))
    )
    assert theirs > 1e-5 * max(np.abs(truth).max() for truth in truths)
    assert ours < 5 * theirs


@settings(max_examples=30)
@given(MODELS, LENGTHS)
def test_an_utterance_gets_in_a_batch_what_it_gets_alone(changes, lengths):
    _, onnx = both(**changes)
    features = random_features(lengths)
    padded = np.zeros((len(lengths), max(lengths), MELS), np.float32)
    for row, utterance in zip(padded, features, strict=True):
        row[: len(utterance)] = utterance
    emission = onnx.run(padded, np.array(lengths))
    for row, length, utterance in zip(emission.log_probs, emission.lengths, features, strict=True):
        assert_equal(row[:length], alone(onnx, utterance))


@settings(max_examples=60)
@given(STREAMS, CHUNKS, st.integers(0, 20))
def test_a_stream_in_any_chunks_equals_the_whole(changes, chunks, rest):
    torch, onnx = both(**changes)
    (features,) = random_features([sum(chunks) + rest])
    found = streamed(onnx, features, chunks)
    assert_equal(found, alone(onnx, features))
    assert_equal(found, streamed(torch, features, chunks))


def assert_same_state(left: AcousticState, right: AcousticState) -> None:
    for ours, theirs in zip(left.convolutions, right.convolutions, strict=True):
        assert_close(ours, theirs)
    for ours, theirs in zip(left.recurrent, right.recurrent, strict=True):
        for part, other in zip(ours, theirs, strict=True):
            assert_close(part, other)
    assert_close(left.lookahead, right.lookahead)


@settings(max_examples=30)
@given(STREAMS, CHUNKS)
def test_another_engine_can_go_on_with_a_stream(changes, chunks):
    torch, onnx = both(**changes)
    (features,) = random_features([sum(chunks) + 20])
    assert_same_state(onnx.start(), torch.start())
    ours = theirs = onnx.start()
    start = 0
    for index, length in enumerate(chunks):
        first, second = (torch, onnx) if index % 2 else (onnx, torch)
        frames = features[start : start + length]
        ((left, ours),) = first.step([ours], [frames])
        ((right, theirs),) = second.step([theirs], [frames])
        assert_equal(left, right)
        assert_same_state(ours, theirs)
        start += length


@settings(max_examples=30)
@given(STREAMS, st.lists(CHUNKS, min_size=2, max_size=4), st.booleans())
def test_streams_that_go_on_together_do_not_know_of_each_other(changes, streams, ending):
    _, onnx = both(**changes)
    rounds = max(len(chunks) for chunks in streams)
    features = random_features([sum(chunks) for chunks in streams])
    states = [onnx.start() for _ in streams]
    parts: list[list[np.ndarray]] = [[] for _ in streams]
    places = [0] * len(streams)
    for index in range(rounds):
        lengths = [chunks[index] if index < len(chunks) else 0 for chunks in streams]
        given_ = [f[at : at + n] for f, at, n in zip(features, places, lengths, strict=True)]
        for row, (log_probs, state) in enumerate(onnx.step(states, given_)):
            parts[row].append(log_probs)
            states[row] = state
            places[row] += lengths[row]
    none = [np.zeros((0, MELS), np.float32)] * len(streams)
    for row, (log_probs, _) in enumerate(onnx.step(states, none, ending=ending)):
        parts[row].append(log_probs)
    for row, utterance in enumerate(features):
        found = np.concatenate(parts[row])
        assert_equal(found, alone(onnx, utterance)[: len(found)])
        assert not ending or len(found) == onnx.window.output_length(len(utterance))


def test_eight_bits_hear_nearly_the_same():
    changes = {"bidirectional": False, "lookahead": 3, "layers": 2, "hidden": 64, "channels": 8, "mels": MELS}
    bundle = exported_model(**changes)
    exact, small = OnnxEngine(bundle), OnnxEngine(bundle, "onnx-int8")
    (features,) = random_features([200])
    expected, found = alone(exact, features), alone(small, features)
    assert 1e-5 < np.abs(np.exp(found) - np.exp(expected)).max() < 0.1
    in_steps = streamed(small, features, [16] * 12)
    assert np.abs(np.exp(in_steps) - np.exp(expected)).max() < 0.1


def test_company_changes_nothing_in_eight_bits():
    changes = {"bidirectional": False, "lookahead": 3, "layers": 2, "hidden": 64, "channels": 8, "mels": MELS}
    bundle = exported_model(**changes)
    engine = OnnxEngine(bundle, "onnx-int8")
    several = random_features([200, 3, 90, 200])
    several[1] *= 30
    lengths = np.array([len(one) for one in several])
    batch = np.zeros((len(several), lengths.max(), MELS), np.float32)
    for row, features in zip(batch, several, strict=True):
        row[: len(features)] = features
    emission = engine.run(batch, lengths)
    for row, length, features in zip(emission.log_probs, emission.lengths, several, strict=True):
        assert np.array_equal(row[:length], alone(engine, features))
    assert engine.run(batch[:, :0], np.zeros(len(several), np.int64)).log_probs.shape[:2] == (4, 0)
    states = [engine.start() for _ in several]
    for row, (log_probs, state) in enumerate(engine.step(states, [one[:64] for one in several])):
        ((own, after),) = engine.step([states[row]], [several[row][:64]])
        assert np.array_equal(log_probs, own)
        assert_same_state(state, after)


def test_a_step_leaves_the_state_it_was_given_alone():
    _, onnx = both(bidirectional=False, lookahead=2, mels=MELS)
    (features,) = random_features([32])
    state = onnx.start()
    ((first, after),) = onnx.step([state], [features])
    ((again, same),) = onnx.step([state], [features])
    assert np.array_equal(first, again)
    assert_same_state(after, same)
    assert_same_state(state, onnx.start())
