"""Beam search keeps what it should, forgets what it may, and says where its tokens are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from asr.config import DecodingConfig
from asr.decode.beam import BeamDecoder
from asr.decode.ctc import Emission, Hypothesis
from asr.decode.search.tree import FRAMES, NODES
from asr.errors import EmissionError
from tests.helpers.beam import dictionary_search, emissions
from tests.helpers.reference import edit_distance

WIDE = DecodingConfig(beam_threshold=1e6, cutoff_top_n=100)


@given(st.integers(0, 2**32), st.integers(0, 40), st.integers(2, 12), st.integers(1, 30))
def test_a_narrow_beam_is_the_textbook_search_with_dictionaries(
    seed: int, frames: int, vocabulary: int, width: int
) -> None:
    log_probs = emissions(seed, frames, vocabulary)
    expected = dictionary_search(log_probs, width)
    found = BeamDecoder(replace(WIDE, beam_size=width), vocabulary).decode(log_probs, nbest=width)
    assert {hypothesis.tokens for hypothesis in found} == set(expected)
    for hypothesis in found:
        assert hypothesis.total == pytest.approx(expected[hypothesis.tokens], abs=1e-6)


def test_a_long_utterance_that_fills_its_tree_many_times_is_the_textbook_search() -> None:
    log_probs = emissions(3, 700, 30, sharpness=1.0)
    expected = dictionary_search(log_probs, 5)
    found = BeamDecoder(replace(WIDE, beam_size=5), 30).decode(log_probs, nbest=5)
    assert {hypothesis.tokens for hypothesis in found} == set(expected)
    assert found[0].total == pytest.approx(max(expected.values()), abs=1e-5)


def test_a_text_with_many_likely_paths_beats_the_best_path() -> None:
    # The best path writes nothing (0.36), but "a" has three paths: 0.24 + 0.24 + 0.16.
    log_probs = np.log(np.array([[0.6, 0.4], [0.6, 0.4]], np.float32))
    (best,) = BeamDecoder(WIDE, 2).decode(log_probs)
    assert best.tokens == (1,)
    assert best.total == pytest.approx(np.log(0.64))


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(1, 60))
def test_tokens_stand_in_order_inside_the_utterance_and_apart(seed: int, frames: int) -> None:
    for hypothesis in BeamDecoder(DecodingConfig(beam_size=8), 6).decode(emissions(seed, frames, 6), nbest=8):
        check_frames(hypothesis, frames)


def check_frames(hypothesis: Hypothesis, frames: int) -> None:
    tokens, firsts, lasts = hypothesis.tokens, hypothesis.first_frames, hypothesis.last_frames
    assert len(tokens) == len(firsts) == len(lasts) == len(hypothesis.log_probs)
    assert all(0 <= first <= last < frames for first, last in zip(firsts, lasts, strict=True))
    for number in range(1, len(tokens)):
        apart = 2 if tokens[number] == tokens[number - 1] else 1
        assert firsts[number] >= lasts[number - 1] + apart


def test_nothing_heard_is_nothing_written() -> None:
    decoder = BeamDecoder(DecodingConfig(), 5)
    assert decoder.decode(np.empty((0, 5), np.float32)) == (Hypothesis((), (), (), (), 0.0),)


def test_fewer_tokens_extend_where_the_limits_say_so() -> None:
    log_probs = emissions(5, 30, 8)
    found = {
        name: BeamDecoder(replace(WIDE, **limit), 8).decode(log_probs, nbest=100)
        for name, limit in {
            "all": {}, "one": {"cutoff_top_n": 1}, "half": {"cutoff_prob": 0.5},
            "near": {"beam_threshold": 0.5}, "skipped": {"blank_threshold": 1e-9},
        }.items()
    }  # fmt: skip
    best = log_probs[:, 1:].argmax(1) + 1
    assert {token for hypothesis in found["one"] for token in hypothesis.tokens} <= set(best.tolist())
    assert found["half"][0].total < found["all"][0].total
    assert 1 <= len(found["near"]) < len(found["all"])
    assert found["near"][0].total - found["near"][-1].total <= 0.5
    assert [hypothesis.tokens for hypothesis in found["skipped"]] == [()]


def test_an_endless_stream_takes_bounded_room_and_keeps_all_it_wrote() -> None:
    decoder = BeamDecoder(DecodingConfig(beam_size=10, commit_frames=100), 6)
    state = decoder.start()
    rooms = []
    for part in range(40):
        decoder.advance(state, emissions(part, 50, 6))
        rooms.append((len(state.search.nodes), sum(map(len, state.log_probs))))
    assert state.search.counts[FRAMES] == 2000
    assert max(nodes for nodes, _ in rooms) <= 10 * 250
    assert max(frames for _, frames in rooms) <= 250
    assert state.search.counts[NODES] <= 10 * 250
    (best,) = decoder.finish(state)
    check_frames(best, 2000)
    assert best.tokens[: len(state.final.tokens)] == state.final.tokens
    assert len(best.tokens) > 200


def test_committing_seldom_changes_a_text() -> None:
    log_probs = emissions(1, 900, 6, sharpness=6.0)
    once, often = (
        BeamDecoder(DecodingConfig(beam_size=50, commit_frames=frames), 6).decode(log_probs)[0]
        for frames in (2000, 100)
    )
    assert edit_distance(list(map(str, once.tokens)), list(map(str, often.tokens))) <= len(once.tokens) / 100
    assert often.total == pytest.approx(once.total, rel=0.05)


def test_threads_and_company_change_nothing() -> None:
    lengths = np.array([30, 0, 77, 12, 77])
    padded = np.stack([emissions(seed, 77, 9) for seed in range(5)])
    decoder = BeamDecoder(DecodingConfig(beam_size=12), 9)
    alone = [decoder.decode(row[:n], nbest=3) for row, n in zip(padded, lengths, strict=True)]
    for threads in (1, 3):
        assert decoder.decode_batch(Emission(padded, lengths), nbest=3, threads=threads) == alone


def test_two_interleaved_searches_are_two_separate_ones() -> None:
    decoder = BeamDecoder(DecodingConfig(beam_size=12), 9)
    utterances = [emissions(seed, 80, 9) for seed in (1, 2)]
    states = [decoder.start(), decoder.start()]
    for frame in range(80):
        for state, utterance in zip(states, utterances, strict=True):
            decoder.advance(state, utterance[frame : frame + 1])
    assert [decoder.finish(state) for state in states] == [decoder.decode(one) for one in utterances]


@pytest.mark.parametrize(
    ("log_probs", "problem"),
    [
        (np.full((4, 5), 0.2), "a value of 0.2, and log-probabilities are never above 0"),
        (np.array([[-1.0] * 5, [np.nan] * 5]), "the emission of frame 1 is not a number"),
        (np.array([[-1.0] * 5, [-np.inf] * 5]), "every token of frame 1 has probability 0"),
        (np.full((4, 6), -2.0), "6 tokens for a vocabulary of 5"),
        (np.zeros(5), "expected log-probabilities"),
    ],
)
def test_what_is_no_emission_is_refused_and_the_search_stays_as_it_was(
    log_probs: NDArray[np.float64], problem: str
) -> None:
    decoder = BeamDecoder(DecodingConfig(beam_size=5), 5)
    state = decoder.start()
    decoder.advance(state, emissions(1, 20, 5))
    before = decoder.finish(state)
    with pytest.raises(EmissionError, match=problem) as caught:
        decoder.advance(state, log_probs)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert decoder.finish(state) == before
