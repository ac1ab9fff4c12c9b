"""Decoders with ctcdecode's interface take and return what ctcdecode takes and returns."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from asr.config import DecodingConfig
from asr.decode.beam import BeamDecoder
from asr.decode.ctcdecode import search as ctcdecode_search
from asr.decode.ctcdecode_compat import CTCBeamDecoder, DecoderState, OnlineCTCBeamDecoder
from asr.errors import AsrError, ConfigError, EmissionError
from tests.helpers.beam import emissions

LABELS = list("_ abc")
WIDTH = 12


def batch(seed: int, utterances: int, frames: int, labels: int = len(LABELS)) -> NDArray[np.float32]:
    """Log-probabilities (B, T, V)."""
    rows = emissions(seed, utterances * frames, labels)
    return rows.reshape(utterances, frames, labels)


def equal(one: Any, other: Any) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_batch_gives_arrays_of_ctcdecodes_shapes_and_types() -> None:
    decoder = CTCBeamDecoder(LABELS, beam_width=WIDTH, log_probs_input=True)
    results, scores, timesteps, lengths = decoder.decode(batch(0, 3, 40))
    assert (results.shape, results.dtype) == ((3, WIDTH, 40), np.int32)
    assert (scores.shape, scores.dtype) == ((3, WIDTH), np.float32)
    assert (timesteps.shape, timesteps.dtype) == ((3, WIDTH, 40), np.int32)
    assert (lengths.shape, lengths.dtype) == ((3, WIDTH), np.int32)
    assert (scores > 0).all() and (np.diff(scores) >= 0).all()
    beyond = np.arange(40) >= lengths[..., None]
    assert not results[beyond].any() and results[~beyond].all()
    assert not timesteps[beyond].any()
    assert (np.diff(timesteps) > 0)[~beyond[..., 1:]].all() and timesteps.max() < 40
    assert (decoder.character_based(), decoder.max_order(), decoder.dict_size()) == (None, None, None)
    decoder.reset_params(1.0, 1.0)
    assert equal(decoder.decode(batch(0, 3, 40)), (results, scores, timesteps, lengths))


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(0, 4), st.lists(st.integers(0, 30), min_size=1, max_size=4))
def test_results_are_those_of_the_beam_search_wherever_blank_is(seed, blank: int, lengths) -> None:
    log_probs = batch(seed, len(lengths), 30)
    log_probs[np.arange(30) >= np.array(lengths)[:, None]] = np.nan  # not looked at
    labels = LABELS[1:]
    labels.insert(blank, LABELS[0])
    moved = np.insert(log_probs[..., 1:], blank, log_probs[..., 0], axis=2)
    decoder = CTCBeamDecoder(labels, beam_width=WIDTH, blank_id=blank, log_probs_input=True)
    results, scores, timesteps, out_lens = decoder.decode(moved, np.array(lengths, np.int32))
    config = DecodingConfig(beam_size=WIDTH, beam_threshold=np.inf)
    for index, (rows, length) in enumerate(zip(log_probs, lengths, strict=True)):
        expected = BeamDecoder(config, len(LABELS)).decode(rows[:length], nbest=WIDTH)
        assert scores[index, : len(expected)] == pytest.approx([-one.total for one in expected], rel=1e-6)
        assert np.isinf(scores[index, len(expected) :]).all()
        assert not out_lens[index, len(expected) :].any()
        for place, hypothesis in enumerate(expected):
            size = out_lens[index, place]
            written = [labels[label] for label in results[index, place, :size]]
            assert written == [LABELS[token] for token in hypothesis.tokens]
            at = timesteps[index, place, :size]
            heard = zip(hypothesis.first_frames, hypothesis.last_frames, strict=True)
            assert all(first <= frame <= last for frame, (first, last) in zip(at, heard, strict=True))
            assert rows[at, list(hypothesis.tokens)].tolist() == pytest.approx(hypothesis.log_probs)


def test_probabilities_are_what_it_takes_unless_told_otherwise() -> None:
    log_probs = batch(1, 2, 20)
    as_logs = CTCBeamDecoder(LABELS, log_probs_input=True).decode(log_probs)
    results, scores, *_ = CTCBeamDecoder(LABELS).decode(np.exp(log_probs))
    assert np.array_equal(results[:, :5], as_logs[0][:, :5])
    assert scores == pytest.approx(as_logs[1], abs=1e-4)


def test_how_many_threads_there_are_changes_nothing() -> None:
    log_probs = batch(2, 6, 30)
    one, four = (
        CTCBeamDecoder(LABELS, num_processes=threads, log_probs_input=True).decode(log_probs)
        for threads in (1, 4)
    )
    assert equal(one, four)


def test_tensors_come_back_where_a_tensor_went_in() -> None:
    probs = torch.tensor(np.exp(batch(3, 2, 20)), requires_grad=True)
    decoder = CTCBeamDecoder(LABELS, beam_width=WIDTH)
    found = decoder.decode(probs, torch.tensor([20, 7]))
    assert [one.dtype for one in found] == [torch.int32, torch.float32, torch.int32, torch.int32]
    assert equal(found, decoder.decode(probs.detach().numpy().astype(np.float64), [20, 7]))
    assert decoder.decode(probs.bfloat16())[0].shape == (2, WIDTH, 20)
    assert isinstance(decoder.decode(probs.tolist())[0], np.ndarray)


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(0, 60), st.integers(4, 40), st.data())
def test_a_stream_is_one_utterance_however_it_comes(seed: int, frames: int, commit: int, data) -> None:
    log_probs = batch(seed, 2, frames)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            ctcdecode_search, "DecodingConfig", lambda **made: DecodingConfig(**made, commit_frames=commit)
        )
        offline = CTCBeamDecoder(LABELS, beam_width=WIDTH, log_probs_input=True)
        online = OnlineCTCBeamDecoder(LABELS, beam_width=WIDTH, log_probs_input=True)
    states, at = [DecoderState(online) for _ in range(2)], 0
    while at < frames:
        chunk = log_probs[:, at : at + data.draw(st.integers(0, 40))]
        nothing = online.decode(chunk, states, [False, False])
        assert nothing[0].shape == (2, WIDTH, 0) and not nothing[3].any() and np.isinf(nothing[1]).all()
        at += chunk.shape[1]
    results, scores, timesteps, lengths = online.decode(log_probs[:, :0], states, [True, True])
    assert results.shape == timesteps.shape == (2, WIDTH, lengths.max())
    if frames:
        expected = offline.decode(log_probs)
        assert equal((scores, lengths), (expected[1], expected[3]))
        assert equal((results, timesteps), (one[..., : lengths.max()] for one in (expected[0], expected[2])))


def test_streams_end_one_by_one_and_their_chunks_differ_in_length() -> None:
    log_probs = batch(5, 2, 40)
    online = OnlineCTCBeamDecoder(LABELS, beam_width=WIDTH, log_probs_input=True)
    states = [DecoderState(online) for _ in range(2)]
    online.decode(log_probs[:, :25], states, [False, False], seq_lens=[25, 10])
    results, scores, _, lengths = online.decode(torch.tensor(log_probs[:, 25:]), states, [True, False])
    assert isinstance(results, torch.Tensor)
    assert lengths[0].all() and not lengths[1].any() and scores[1].isinf().all()
    whole = CTCBeamDecoder(LABELS, beam_width=WIDTH, log_probs_input=True).decode(log_probs[:1])
    assert np.array_equal(scores[:1], whole[1])


@pytest.mark.parametrize(
    ("probs", "is_log", "problem"),
    [
        (batch(0, 2, 9), False, r"utterance 0: a value of -\S+ where probabilities are due; .*input=True"),
        (np.exp(batch(0, 2, 9)), True, r"utterance 0: a value of 0\.\d+ where natural-log .*input=False"),
        (np.exp(batch(0, 2, 9)) * 3, False, "utterance 0: a value of 2.*never above 1; apply softmax"),
        (np.full((1, 9, 5), np.nan), False, "utterance 0: the emission of frame 0 is not a number"),
        (np.full((1, 9, 5), np.nan), True, "utterance 0: the emission of frame 0 is not a number"),
        (np.full((1, 9, 5), -np.inf), True, "utterance 0: every token of frame 0 has probability 0"),
        (np.zeros((1, 9, 5)), False, "utterance 0: every token of frame 0 has probability 0"),
        (batch(0, 1, 9)[..., :4], True, "4 columns and 5 labels"),
        (batch(0, 1, 9)[0], True, r"got float32 of the shape \(9, 5\); give a batch"),
        (np.full((1, 1, 5), "a"), True, "expected numbers"),
        ([[[0.5]], [[0.5], [0.5]]], False, "rows of different lengths"),
        (np.zeros((2, 0, 5)), True, r"no frames: the shape is \(2, 0, 5\)"),
    ],
)  # fmt: skip
def test_input_that_cannot_be_decoded_is_one_line(probs: Any, is_log: bool, problem: str) -> None:
    decoder = CTCBeamDecoder(LABELS, log_probs_input=is_log)
    check_line(EmissionError, problem, lambda: decoder.decode(probs))


@pytest.mark.parametrize(
    ("lengths", "problem"),
    [([9], "expected 2 whole numbers"), ([9, 2.5], "whole numbers"), ([9, 10], r"seq_lens\[1\] is 10, and "
     "there are 9 frames"), ([-1, 9], r"seq_lens\[0\] is -1")],
)  # fmt: skip
def test_lengths_that_do_not_fit_are_one_line(lengths: Any, problem: str) -> None:
    decoder = CTCBeamDecoder(LABELS, log_probs_input=True)
    check_line(EmissionError, problem, lambda: decoder.decode(batch(0, 2, 9), lengths))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"beam_width": 0}, "beam_width is 0"),
        ({"cutoff_top_n": 0}, "cutoff_top_n is 0"),
        ({"num_processes": 0}, "num_processes is 0"),
        ({"cutoff_prob": 0.0}, "cutoff_prob is 0"),
        ({"blank_id": 5}, "blank_id is 5, and there are 5 labels"),
        ({"labels": []}, "there are 0 labels"),
    ],
)
@pytest.mark.parametrize("kind", [CTCBeamDecoder, OnlineCTCBeamDecoder])
def test_options_out_of_range_are_one_line(kind: Any, options: dict[str, Any], problem: str) -> None:
    check_line(ConfigError, problem, lambda: kind(**{"labels": LABELS, **options}))


def test_states_that_do_not_fit_are_one_line() -> None:
    one, other = (OnlineCTCBeamDecoder(LABELS, log_probs_input=True) for _ in range(2))
    chunks, mine, foreign = batch(0, 2, 9), DecoderState(one), DecoderState(other)
    check_line(EmissionError, "2 chunks, 1 states", lambda: one.decode(chunks, [mine], [True, True]))
    check_line(EmissionError, "2 states and 1 ends", lambda: one.decode(chunks, [mine, foreign], [True]))
    check_line(EmissionError, "of its own", lambda: one.decode(chunks, [mine, mine], [True, True]))
    check_line(EmissionError, "another decoder", lambda: one.decode(chunks, [mine, foreign], [True, True]))


def check_line(kind: type[AsrError], problem: str, call: Any) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert re.search(problem, str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


@pytest.mark.parametrize("blank", [0, 4])
def test_ctcdecode_itself_finds_the_same(blank: int) -> None:
    theirs = pytest.importorskip("ctcdecode")
    labels = list(" abc")
    labels.insert(blank, "_")
    probs = torch.tensor(np.exp(batch(7, 8, 30)))
    options = {"beam_width": 50, "blank_id": blank}
    lengths = torch.arange(16, 32, 2, dtype=torch.int32)
    results, scores, _, sizes = CTCBeamDecoder(labels, **options).decode(probs, lengths)
    expected = theirs.CTCBeamDecoder(labels, **options).decode(probs, lengths)
    assert scores[:, :5].numpy() == pytest.approx(expected[1][:, :5].numpy(), abs=1e-3)
    assert equal(sizes[:, :5], expected[3][:, :5])
    for index in range(8):
        for place in range(5):
            size = int(sizes[index, place])
            assert equal(results[index, place, :size], expected[0][index, place, :size])
