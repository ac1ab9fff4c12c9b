"""The arrays that go into and come out of decoders with ctcdecode's interface.

Anything that numpy can read goes in. A torch tensor may be on any device and of any type of floating-point
numbers; it is recognised without importing torch, for whoever has a tensor has imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.decode.align import ROUNDING, checked_log_probs
from asr.decode.ctc import Hypothesis
from asr.decode.search.state import Written
from asr.errors import EmissionError

Emissions = NDArray[np.float32]
Ints = NDArray[np.int32]
Outputs = tuple[Any, Any, Any, Any]
"""beam_results, beam_scores, timesteps, out_lens: numpy arrays, or torch tensors."""


@dataclass(frozen=True, slots=True, eq=False)
class Beam:
    """A result: its labels (U,), negative total, and the frame where each label is most probable (U,)."""

    labels: Ints
    score: float
    timesteps: Ints


def to_numpy(values: Any) -> NDArray[Any]:
    """The numbers of an array, a list or a torch tensor."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        values = (values.float() if values.is_floating_point() else values).numpy()
    try:
        return np.asarray(values)
    except ValueError:
        raise EmissionError("rows of different lengths; pad them, and say how long they are") from None


def like(values: Any, outputs: Sequence[NDArray[Any]]) -> Outputs:
    """The outputs as torch tensors if `values` is one."""
    torch = sys.modules.get("torch")
    first, second, third, fourth = outputs
    if torch is not None and isinstance(values, torch.Tensor):
        return tuple(map(torch.from_numpy, outputs))
    return first, second, third, fourth


def read_emissions(probs: Any, seq_lens: Any, order: Ints, is_log: bool) -> list[Emissions]:
    """Takes a batch apart.

    Args:
        probs: Probabilities, or their natural logarithms (B, T, V).
        seq_lens: Frames of each utterance (B,); None where all have T. Others are not looked at.
        order: The column of each token (V,).
        is_log: Whether they are logarithms.

    Returns:
        The natural-log probabilities (S, V) of each utterance, with columns in that order.

    Raises:
        EmissionError: If the shape is another one, or a value is not what it should be.
    """
    batch = to_numpy(probs)
    if batch.ndim != 3 or batch.dtype.kind not in "fiu":
        raise EmissionError(
            f"expected numbers (utterances, frames, labels), got {batch.dtype} of the shape {batch.shape}; "
            "give a batch, such as probs[None] for one utterance"
        )
    if batch.shape[2] != len(order):
        raise EmissionError(
            f"{batch.shape[2]} columns and {len(order)} labels; give a label for each column, blank included"
        )
    lengths = _lengths(seq_lens, *batch.shape[:2])
    utterances = []
    for index, (rows, length) in enumerate(zip(batch, lengths, strict=True)):
        try:
            utterances.append(_log_probs(rows[:length][:, order], is_log))
        except EmissionError as error:
            raise EmissionError(f"utterance {index}: {error}") from None
    return utterances


def _lengths(seq_lens: Any, count: int, frames: int) -> list[int]:
    if seq_lens is None:
        return [frames] * count
    lengths = to_numpy(seq_lens)
    if lengths.shape != (count,) or (lengths.astype(np.int64) != lengths).any():
        raise EmissionError(
            f"seq_lens: expected {count} whole numbers, got {lengths.dtype} of the shape {lengths.shape}; "
            "give the frames of each utterance"
        )
    if len(wrong := np.flatnonzero((lengths < 0) | (lengths > frames))):
        raise EmissionError(
            f"seq_lens[{wrong[0]}] is {lengths[wrong[0]]:g}, and there are {frames} frames; "
            "count emission frames"
        )
    return [int(length) for length in lengths]


def _log_probs(rows: NDArray[Any], is_log: bool) -> Emissions:
    rows = rows.astype(np.float32, copy=False)
    lowest, highest = rows.min(initial=0), rows.max(initial=0)
    if is_log and highest > ROUNDING:
        raise EmissionError(
            f"a value of {highest:g} where natural-log probabilities are due; set log_probs_input=False for "
            "probabilities, or apply log_softmax"
        )
    if not is_log and not (lowest >= 0 or np.isnan(lowest)):
        raise EmissionError(
            f"a value of {lowest:g} where probabilities are due; set log_probs_input=True for natural-log "
            "probabilities, or apply softmax"
        )
    if not is_log and highest > 1 + ROUNDING:
        raise EmissionError(f"a value of {highest:g}, and probabilities are never above 1; apply softmax")
    if not is_log:
        with np.errstate(divide="ignore"):
            rows = np.log(rows)
    return checked_log_probs(rows)


def beam_of(hypothesis: Hypothesis, timesteps: Ints, order: Ints) -> Beam:
    """A hypothesis as ctcdecode returns it."""
    tokens = np.array(hypothesis.tokens, np.int64)
    return Beam(order[tokens], -hypothesis.total, timesteps)


def peaks(text: Hypothesis | Written, first: int, log_probs: Emissions, frame: int) -> Ints:
    """The frame where each token is most probable, of those at which the best path writes it.

    Args:
        text: The tokens.
        first: The first token to look at.
        log_probs: Frames (S, V).
        frame: Number of the first of them.
    """
    tokens = np.array(text.tokens[first:], np.int64)
    at = np.array(text.first_frames[first:], np.int64) - frame
    last = np.array(text.last_frames[first:], np.int64) - frame
    best, found = log_probs[at, tokens], at
    while (at < last).any():
        at = np.minimum(at + 1, last)
        found = np.where(log_probs[at, tokens] > best, at, found)
        best = np.maximum(best, log_probs[at, tokens])
    return (found + frame).astype(np.int32)


def pack(batch: Sequence[Sequence[Beam]], width: int, length: int) -> tuple[NDArray[Any], ...]:
    """Beams as arrays.

    Args:
        batch: The beams of each utterance, best first.
        width: Beams K; where there are fewer, their length is 0 and their score infinite.
        length: Room for the labels of one.

    Returns:
        Labels int32 (B, K, length), zeros behind the end; negative totals float32 (B, K); frames int32
        (B, K, length), likewise; lengths int32 (B, K).
    """
    labels = np.zeros((len(batch), width, length), np.int32)
    timesteps = np.zeros_like(labels)
    scores = np.full((len(batch), width), np.inf, np.float32)
    lengths = np.zeros((len(batch), width), np.int32)
    for index, beams in enumerate(batch):
        for place, beam in enumerate(beams):
            size = len(beam.labels)
            labels[index, place, :size], timesteps[index, place, :size] = beam.labels, beam.timesteps
            scores[index, place], lengths[index, place] = beam.score, size
    return labels, scores, timesteps, lengths
