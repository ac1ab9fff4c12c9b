"""Forced alignment: where in a recording each token of a known text is spoken.

Of all CTC paths that write exactly these tokens, the most probable one says which frames belong to which
token. `asr.decode.align_kernel` derives how it is found, in time S · U and in memory S · U or, where that
is much, U · √S: an hour of speech and its 50,000 characters need 0.2 GB.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asr.decode.ctc import BLANK, Emission, Hypothesis
from asr.errors import EmissionError, TextError
from asr.model.lengths import required_frames

ROUNDING = 1e-3
"""Values so little above 0 are still taken for log-probabilities."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """The best path of a known text.

    Attributes:
        hypothesis: The tokens (U,), the first and last frame of each, its log-probability at its best
            frame, and as `total` the log-probability of the whole path, blanks included.
        means: Mean log-probability of each token over its frames (U,).
        matches: The same, less the mean of whatever is most probable at those frames (U,): 0 where greedy
            decoding writes the token too, and the lower, the less it fits.
    """

    hypothesis: Hypothesis
    means: tuple[float, ...]
    matches: tuple[float, ...]


def align(log_probs: NDArray[np.float32], tokens: ArrayLike) -> Alignment:
    """Finds the most probable CTC path that writes exactly these tokens.

    Of equally probable paths it is the one that is further on in the text at the last frame where they
    differ, the blank after a token being further on than the token.

    Args:
        log_probs: Natural-log probabilities (S, V), taken in single precision and added up in double;
            S may be 0, and probabilities may be 0 (-inf).
        tokens: Token ids (U,), none of them blank; where there are none, all frames are blank.

    Raises:
        EmissionError: If log_probs are no matrix, or hold values that are not numbers or above 0.
        TextError: If there is no such token, if S is less than U and one more for each repeated token,
            or if every path has probability 0.
    """
    from asr.decode.align_kernel import best_path  # numba takes some tenths of a second to import

    log_probs = checked_log_probs(log_probs)
    ids = _checked_tokens(tokens, *log_probs.shape)
    path = best_path(log_probs, ids)
    if path.total[0] == -np.inf:
        raise TextError(
            f"every path that writes these {len(ids)} tokens has probability 0; "
            "check that text and recording belong together"
        )
    frames = np.flatnonzero(path.tokens)
    spoken = path.tokens[frames] - 1
    starts, counts = np.searchsorted(spoken, np.arange(len(ids))), np.bincount(spoken, minlength=len(ids))
    heard = log_probs[frames, ids[spoken]].astype(np.float64)
    behind = heard - log_probs[frames].max(1)
    hypothesis = Hypothesis(
        tokens=tuple(ids.tolist()),
        first_frames=tuple(path.first.tolist()),
        last_frames=tuple(path.last.tolist()),
        log_probs=tuple(path.peaks.tolist()),
        total=float(path.total[0]),
    )
    means, matches = (np.add.reduceat(values, starts) / counts for values in (heard, behind))
    return Alignment(hypothesis, tuple(means.tolist()), tuple(matches.tolist()))


def align_batch(emission: Emission, tokens: Sequence[ArrayLike], *, threads: int = 1) -> list[Alignment]:
    """Aligns several utterances; each gets the alignment that it would get alone.

    Args:
        emission: Log-probabilities (N, S, V) and lengths (N,); what lies behind a length is not looked at.
        tokens: Token ids (U,) of each utterance.
        threads: How many utterances are aligned at the same time.

    Raises:
        EmissionError, TextError: As `align`, with the number of the utterance in front, counted from 0.
    """
    if not len(tokens) == len(emission.lengths) == len(emission.log_probs):
        raise TextError(
            f"{len(tokens)} texts, {len(emission.log_probs)} emissions and {len(emission.lengths)} lengths; "
            "give one of each for every utterance"
        )

    def one(index: int) -> Alignment:
        length = int(emission.lengths[index])
        row = emission.log_probs[index]
        try:
            if not 0 <= length <= len(row):
                raise EmissionError(f"the length is {length}, but there are {len(row)} frames; correct it")
            return align(row[:length], tokens[index])
        except (EmissionError, TextError) as error:
            raise type(error)(f"utterance {index}: {error}") from None

    begun = [one(index) for index in range(min(len(tokens), 1))]  # compiles, where that has not been done
    with ThreadPoolExecutor(threads) as pool:
        return [*begun, *pool.map(one, range(1, len(tokens)))]


def checked_log_probs(log_probs: NDArray[np.float32], vocabulary: int | None = None) -> NDArray[np.float32]:
    """Takes log-probabilities (S, V) in single precision, if that is what they are.

    Args:
        log_probs: The emission of an utterance or of a part of it.
        vocabulary: What V must be; None where any will do.

    Raises:
        EmissionError: If they are no matrix, V is another one, a value is not a number or above 0, or
            all tokens of a frame have probability 0.
    """
    shape = log_probs.shape
    if len(shape) != 2 or not shape[1]:
        raise EmissionError(f"expected log-probabilities (S, V), got the shape {shape}; give a matrix")
    if vocabulary is not None and shape[1] != vocabulary:
        raise EmissionError(
            f"an emission of {shape[1]} tokens for a vocabulary of {vocabulary}; take both from one model"
        )
    highest = float(log_probs.max(initial=-np.inf))
    if np.isnan(highest):
        frame = int(np.isnan(log_probs).any(1).argmax())
        raise EmissionError(f"the emission of frame {frame} is not a number; check the model and its input")
    if highest > ROUNDING:
        raise EmissionError(
            f"the emission has a value of {highest:g}, and log-probabilities are never above 0; "
            "give natural-log probabilities, such as log_softmax returns"
        )
    if log_probs.min(initial=0) == -np.inf and (silent := log_probs.max(1) == -np.inf).any():
        frame = int(silent.argmax())
        raise EmissionError(f"every token of frame {frame} has probability 0; check the model and its input")
    return log_probs.astype(np.float32, copy=False)


def _checked_tokens(tokens: ArrayLike, frames: int, vocabulary: int) -> NDArray[np.int64]:
    """The tokens as an array, if they can be written in so many frames."""
    ids = np.asarray(tokens)
    if ids.ndim != 1 or (len(ids) and ids.dtype.kind not in "iu"):
        raise TextError(
            f"expected token ids (U,), got {ids.dtype} of the shape {ids.shape}; give a list of ids"
        )
    ids = ids.astype(np.int64)
    foreign = (ids <= BLANK) | (ids >= vocabulary)
    if foreign.any():
        place = int(foreign.argmax())
        reason = "stands for blank" if ids[place] == BLANK else f"is none of 1 … {vocabulary - 1}"
        raise TextError(f"token {ids[place]} at position {place} {reason}; use the tokenizer of the model")
    needed = required_frames(ids)
    if needed > frames:
        raise TextError(
            f"{len(ids)} tokens and {needed - len(ids)} repeats need {needed} emission frames, and there are "
            f"{frames}; check that text and recording belong together"
        )
    return ids
