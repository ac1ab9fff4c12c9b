"""Forced alignment: the best path, item by item as a plain trellis and torchaudio find it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tracemalloc
from unittest import mock

import numpy as np
import pytest
import torch
import torchaudio
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from asr.decode import align_kernel
from asr.decode.align import Alignment, align, align_batch, checked_log_probs
from asr.decode.ctc import Emission, greedy
from asr.errors import EmissionError, TextError
from asr.model.lengths import required_frames

Case = tuple[NDArray[np.float32], list[int]]


def random_log_probs(seed: int, frames: int, vocabulary: int, spread: float = 2.0) -> NDArray[np.float32]:
    scores = np.random.default_rng(seed).normal(0, spread, (frames, vocabulary))
    return (scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)).astype(np.float32)


@st.composite
def cases(draw: st.DrawFn, longest: int = 40) -> Case:
    """Random emissions, in which no two paths are equal, and tokens that fit into them."""
    vocabulary = draw(st.integers(2, 6))
    tokens = draw(st.lists(st.integers(1, vocabulary - 1), max_size=longest // 2))
    frames = required_frames(np.array(tokens, np.int64)) + draw(st.integers(0, longest))
    seed, spread = draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from([0.1, 2.0, 10.0]))
    return random_log_probs(seed, frames, vocabulary, spread), tokens


def path_of(alignment: Alignment, frames: int) -> list[int]:
    """The token at each frame, 0 for blank."""
    path = [0] * frames
    known = alignment.hypothesis
    for token, first, last in zip(known.tokens, known.first_frames, known.last_frames, strict=True):
        path[first : last + 1] = [token] * (last + 1 - first)
    return path


def trellis(log_probs: NDArray[np.float32], tokens: list[int]) -> tuple[list[int], float]:
    """Viterbi over blank, token, blank, token … blank in plain numpy: the path and its total."""
    labels = np.zeros(2 * len(tokens) + 1, np.int64)
    labels[1::2] = tokens
    skips = np.zeros(len(labels), bool)
    skips[3::2] = labels[3::2] != labels[1:-2:2]
    scores, moves = np.full(len(labels), -np.inf), []
    scores[0] = 0.0
    for row in log_probs.astype(np.float64):
        options = np.full((3, len(labels)), -np.inf)
        options[0], options[1, 1:] = scores, scores[:-1]
        options[2, 2:] = np.where(skips[2:], scores[:-2], -np.inf)
        moves.append(options.argmax(0))
        scores = options.max(0) + row[labels]
    state = max(range(len(labels))[-2:], key=lambda end: (scores[end], end))
    total, path = float(scores[state]), []
    for move in reversed(moves):
        path.append(int(labels[state]))
        state -= int(move[state])
    return path[::-1], total


@given(cases())
def test_the_path_is_that_of_the_plain_trellis(case: Case) -> None:
    log_probs, tokens = case
    found = align(log_probs, tokens)
    assert (path_of(found, len(log_probs)), found.hypothesis.total) == trellis(log_probs, tokens)
    assert found.hypothesis.tokens == tuple(tokens)


@given(cases().filter(lambda case: bool(case[1])))  # torchaudio refuses an empty text
def test_the_path_is_that_of_torchaudio(case: Case) -> None:
    log_probs, tokens = case
    ours = align(log_probs, tokens)
    doubles = torch.from_numpy(log_probs.astype(np.float64))[None]
    path, scores = torchaudio.functional.forced_align(doubles, torch.tensor([tokens]))
    assert path_of(ours, len(log_probs)) == path[0].tolist()
    assert ours.hypothesis.total == pytest.approx(float(scores.sum()), abs=1e-9)
    merged = [span for span in torchaudio.functional.merge_tokens(path[0], scores[0]) if span.token]
    assert ours.means == pytest.approx([span.score for span in merged], abs=1e-9)


@given(cases())
def test_blocks_change_nothing(case: Case) -> None:
    whole = align(*case)
    with mock.patch.object(align_kernel, "MOVES_AT_ONCE", 0):
        assert align(*case) == whole


def test_memory_grows_with_the_square_root_of_the_frames() -> None:
    frames, count = 20_000, 5_000
    log_probs = random_log_probs(0, frames, 8)
    tokens = np.random.default_rng(1).integers(1, 8, count)
    align(log_probs, tokens)
    tracemalloc.start()
    align(log_probs, tokens)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    sys.stdout.write(
        f"{frames} frames, {count} tokens: {peak / 2**20:.0f} MiB, in one pass {frames * count >> 20}\n"
    )
    assert peak < 2 * 8 * count * frames**0.5


@given(cases())
def test_what_greedy_decoding_wrote_fits_perfectly(case: Case) -> None:
    written = greedy(case[0])
    found = align(case[0], written.tokens)
    assert found.hypothesis.first_frames == written.first_frames
    assert found.hypothesis.last_frames == written.last_frames
    assert found.hypothesis.log_probs == pytest.approx(written.log_probs)
    assert found.hypothesis.total == pytest.approx(written.total)
    assert set(found.matches) <= {0.0}


def test_peak_mean_and_match_of_a_known_path() -> None:
    probabilities = np.array([[0.1, 0.6, 0.3], [0.1, 0.8, 0.1], [0.5, 0.1, 0.4], [0.7, 0.1, 0.2]])
    found = align(np.log(probabilities), [1, 2])
    assert (found.hypothesis.first_frames, found.hypothesis.last_frames) == ((0, 2), (1, 2))
    assert np.exp(found.hypothesis.log_probs) == pytest.approx([0.8, 0.4])
    assert found.means == pytest.approx([np.log(0.6 * 0.8) / 2, np.log(0.4)])
    assert found.matches == pytest.approx([0.0, np.log(0.4 / 0.5)])
    assert found.hypothesis.total == pytest.approx(np.log(0.6 * 0.8 * 0.4 * 0.7))


def test_nothing_said_is_all_blank() -> None:
    log_probs = random_log_probs(0, 7, 3)
    found = align(log_probs, [])
    assert found.hypothesis.total == pytest.approx(float(log_probs[:, 0].sum(dtype=np.float64)))
    assert (found.hypothesis.tokens, found.means, found.matches) == ((), (), ())
    assert align(log_probs[:0], []).hypothesis.total == 0.0


@given(st.lists(cases(), max_size=4), st.sampled_from([1, 3]))
def test_a_batch_is_each_utterance_alone(several: list[Case], threads: int) -> None:
    lengths = np.array([len(log_probs) for log_probs, _ in several], np.int64)
    padded = np.full((len(several), lengths.max(initial=0), 6), np.nan, np.float32)
    for row, (log_probs, _) in zip(padded, several, strict=True):
        row[: len(log_probs)] = -np.inf
        row[: len(log_probs), : log_probs.shape[1]] = log_probs
    emission = Emission(padded, lengths)
    together = align_batch(emission, [tokens for _, tokens in several], threads=threads)
    assert together == [align(*case) for case in several]


@pytest.mark.parametrize(
    ("log_probs", "tokens", "error", "message"),
    [
        (np.full((4, 3), 1 / 3), [1], EmissionError, "has a value of 0.333333, and log-probabilities"),
        (np.full((4, 3), np.inf), [1], EmissionError, "a value of inf"),
        (np.array([[-1.0, -1.0], [-1.0, np.nan]]), [1], EmissionError, "of frame 1 is not a number"),
        (np.zeros(4), [1], EmissionError, "expected log-probabilities (S, V), got the shape (4,)"),
        (np.zeros((4, 0)), [], EmissionError, "got the shape (4, 0)"),
        (np.zeros((4, 3)), [1, 0], TextError, "token 0 at position 1 stands for blank"),
        (np.zeros((4, 3)), [3], TextError, "token 3 at position 0 is none of 1 … 2; use the tokenizer"),
        (np.zeros((4, 3)), [-1], TextError, "token -1 at position 0 is none of"),
        (np.zeros((4, 3)), [1.5], TextError, "expected token ids (U,), got float64"),
        (np.zeros((4, 3)), [[1]], TextError, "expected token ids (U,), got int64 of the shape (1, 1)"),
        (
            np.zeros((4, 3)),
            [1, 1, 2, 2],
            TextError,
            "4 tokens and 2 repeats need 6 emission frames, and there are 4",
        ),
        (np.zeros((0, 3)), [1], TextError, "there are 0; check that"),
        (np.full((4, 3), -np.inf), [1], EmissionError, "every token of frame 0 has probability 0"),
        (np.array([[-1.0, -np.inf, -1.0]] * 4), [1], TextError, "has probability 0; check that"),
    ],
)
def test_what_cannot_be_aligned_is_one_line(
    log_probs: NDArray[np.float64], tokens: list[int], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        align(log_probs.astype(np.float32), tokens)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert ";" in str(caught.value), "the message names no remedy"
    if log_probs.ndim == 2 and log_probs.size:
        lengths = np.array([1, len(log_probs)])
        both = np.stack([np.full_like(log_probs, -1), log_probs]).astype(np.float32)
        with pytest.raises(error, match=r"^utterance 1: "):
            align_batch(Emission(both, lengths), [[], tokens])


def test_lengths_and_vocabularies_must_fit() -> None:
    emission = Emission(np.full((1, 4, 3), -1, np.float32), np.array([5]))
    with pytest.raises(EmissionError, match="utterance 0: the length is 5, but there are 4 frames"):
        align_batch(emission, [[1]])
    with pytest.raises(TextError, match="0 texts, 1 emissions and 1 lengths"):
        align_batch(emission, [])
    with pytest.raises(EmissionError, match="an emission of 3 tokens for a vocabulary of 4"):
        checked_log_probs(emission.log_probs[0], 4)


def test_rounding_errors_above_0_are_no_mistake() -> None:
    assert align(np.full((2, 2), 1e-6, np.float32), [1]).hypothesis.total == pytest.approx(2e-6)


@pytest.mark.slow
def test_an_hour_of_speech_takes_seconds_and_little_memory() -> None:
    frames, count = 180_000, 50_000
    log_probs = random_log_probs(0, frames, 32)
    tokens = np.random.default_rng(1).integers(1, 32, count)
    tracemalloc.start()
    start = time.process_time()
    align(log_probs, tokens)
    seconds = time.process_time() - start
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    sys.stdout.write(f"an hour: {seconds:.0f} s, {peak / 1e6:.0f} MB\n")
    assert seconds < 5 * 25
    assert peak < 2e9


@pytest.mark.slow
def test_compiling_is_announced_once_and_takes_some_seconds(tmp_path: object) -> None:
    code = (
        "import logging, time, numpy as np\n"
        "logging.basicConfig(level=logging.INFO, format='%(message)s')\n"
        "from asr.decode.align import align_batch\n"
        "from asr.decode.ctc import Emission\n"
        "start = time.process_time()\n"
        "align_batch(Emission(np.full((4, 9, 3), -1, 'f4'), np.full(4, 9)), [[1]] * 4, threads=4)\n"
        "print(time.process_time() - start)\n"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    seconds, notes = [], []
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
        seconds.append(float(done.stdout))
        notes.append(done.stderr)
    sys.stdout.write(f"first alignment {seconds[0]:.1f} s, in a second process {seconds[1]:.1f} s\n")
    assert notes == ["compiling the alignment kernel, once per installation\n", ""]
    assert seconds[0] < 5 * 15
