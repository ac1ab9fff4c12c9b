"""The compiled part of `asr.decode.align`: the best CTC path that writes given tokens (Viterbi, 1967).

A path that has written the first u tokens either stands on token u or on the blank behind it. `token[u]`
and `blank[u]` are the log-probabilities of the best such paths so far; a frame with log-probabilities p
changes them to

    blank'[u] = p[0]        + max(blank[u], token[u])
    token'[u] = p[tokens[u]] + max(token[u], blank[u-1], token[u-1] unless tokens u-1 and u are the same),

since CTC merges repeats (Graves et al., 2006). There is no token 0, so token[0] is always -inf.

Which maximum was taken is a byte per frame and u, its move, and following the moves from the end gives
the path. Moves of a whole recording may not fit into memory (an hour: 9 GB), so the frames are cut into
blocks of equal length: the first pass keeps no more than the log-probabilities at the start of each block,
the second goes from the last block to the first, finds the moves of each again, and follows them. With B
frames in a block and S in all that is B + 16 S / B bytes for each u, least where B is 4 √S.

Importing this module imports numba, so it is imported at the first alignment and not before.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import typeof, types
from numpy.typing import NDArray

from asr.compiled import compiled, once, part
from asr.lm.arcs import read_only

BLANK = 0
MOVES_AT_ONCE = 2**26
"""Bytes of moves that are kept without a second pass: 2 minutes of speech, more or less."""

STAY, FROM_BLANK, FROM_TOKEN = 0, 1, 2
BLANK_FROM_TOKEN = 4
"""Added to the move of token[u] where blank[u] was reached from it, and not from itself."""

REPEAT, HEARD = 4, 5
"""Rows of scores: what going from a token to the next one costs, and the tokens at a frame."""

Reals = NDArray[np.float64]
Moves = NDArray[np.uint8]


class Path(NamedTuple):
    """The best path that writes some tokens.

    Attributes:
        total: Its log-probability (1,).
        tokens: 0 on a blank, u on the u-th token, counted from 1 (S,).
        first, last: The frames where each token begins and ends (U,).
        peaks: The log-probability of each token at its best frame (U,).
    """

    total: Reals
    tokens: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    peaks: NDArray[np.float32]


def best_path(log_probs: NDArray[np.float32], tokens: NDArray[np.int64]) -> Path:
    """Finds the best path that writes the tokens; of equal ones see `asr.decode.align.align`.

    Args:
        log_probs: Natural-log probabilities (S, V).
        tokens: Token ids (U,); S must suffice for them.
    """
    frames, states = len(log_probs), len(tokens) + 1
    whole = frames * states <= MOVES_AT_ONCE
    block = max(frames if whole else math.ceil(4 * math.sqrt(frames)), 1)
    kept = np.empty((-(-frames // block), 2, states))
    moves = np.empty((block, states), np.uint8)
    rows = np.full((6, states), -np.inf)
    rows[REPEAT] = 0
    rows[REPEAT, 2:][tokens[1:] == tokens[:-1]] = -np.inf
    rows[0, 0] = 0.0  # nothing is written: as if a blank had gone before
    path = _no_path(frames, len(tokens))
    _kernel()(read_only(log_probs, np.float32), read_only(tokens, np.int64), rows, kept, moves, path)
    return path


def _no_path(frames: int, tokens: int) -> Path:
    first, last = np.zeros((2, tokens), np.int64)
    return Path(np.zeros(1), np.zeros(frames, np.int64), first, last, np.zeros(tokens, np.float32))


@once
def _kernel() -> Callable[..., None]:
    signature = types.void(
        types.Array(types.float32, 2, "C", readonly=True),
        types.Array(types.int64, 1, "C", readonly=True),
        types.float64[:, ::1],
        types.float64[:, :, ::1],
        types.uint8[:, ::1],
        typeof(_no_path(1, 1)),  # type: ignore[no-untyped-call]
    )
    return compiled(_best_path, signature, "alignment kernel", makes_arrays=False)


def _best_path(
    log_probs: NDArray[np.float32],
    tokens: NDArray[np.int64],
    rows: Reals,
    kept: NDArray[np.float64],
    moves: Moves,
    path: Path,
) -> None:
    """Fills `path`.

    Args:
        log_probs: Natural-log probabilities (S, V).
        tokens: Token ids (U,).
        rows: Scores of blanks and tokens, now and one frame later, and the rows REPEAT and HEARD (6, U + 1).
        kept: Room for the scores before each block (blocks, 2, U + 1).
        moves: Room for the moves of a block (frames of a block, U + 1).
        path: What is to be found.
    """
    blocks, block, u = len(kept), len(moves), len(tokens)
    for b in range(blocks):
        _copy(rows, kept[b])
        _advance(log_probs[b * block : (b + 1) * block], tokens, rows, moves)
    on_token = rows[1, u] > rows[0, u]
    path.total[0] = rows[1, u] if on_token else rows[0, u]
    for b in range(blocks - 1, -1, -1):
        part = log_probs[b * block : (b + 1) * block]
        if b < blocks - 1:  # of the last block the moves are there
            _copy(kept[b], rows)
            _advance(part, tokens, rows, moves)
        for t in range(len(part) - 1, -1, -1):
            path.tokens[b * block + t] = u if on_token else 0
            move = moves[t, u]
            if on_token:
                on_token = (move & 3) != FROM_BLANK
                u -= (move & 3) != STAY
            else:
                on_token = (move & BLANK_FROM_TOKEN) != 0
    if path.total[0] > -math.inf:
        _find_runs(log_probs, tokens, path)


@part
def _find_runs(log_probs: NDArray[np.float32], tokens: NDArray[np.int64], path: Path) -> None:
    before = 0
    for t in range(len(path.tokens)):
        if not path.tokens[t]:
            continue
        u = path.tokens[t] - 1
        heard = log_probs[t, tokens[u]]
        if u + 1 != before:
            path.first[u], path.peaks[u] = t, heard
        path.last[u], path.peaks[u], before = t, max(path.peaks[u], heard), u + 1


@part
def _copy(origin: Reals, target: Reals) -> None:
    """Copies the first two rows."""
    for row in range(2):
        for u in range(origin.shape[1]):
            target[row, u] = origin[row, u]


@part
def _advance(log_probs: NDArray[np.float32], tokens: NDArray[np.int64], rows: Reals, moves: Moves) -> None:
    """Lets frames (B, V) pass; the first two of `rows` are what was and what becomes."""
    now = 0
    for t in range(len(log_probs)):
        for u in range(len(tokens)):
            rows[HEARD, u + 1] = log_probs[t, tokens[u]]
        _frame(log_probs[t, BLANK], now, rows, moves[t])
        now = 2 - now
    if now:
        _copy(rows[2:4], rows)


@part
def _frame(silent: float, now: int, rows: Reals, moves: Moves) -> None:
    """One frame, from rows `now` and the next to the other two. Without branches, so it is fast."""
    blank, token, new_blank, new_token = rows[now], rows[now + 1], rows[2 - now], rows[3 - now]
    repeat, heard = rows[REPEAT], rows[HEARD]
    new_blank[0] = blank[0] + silent
    moves[0] = STAY
    for u in range(1, len(heard)):
        stay, skip = token[u], token[u - 1] + repeat[u]
        best = blank[u - 1] if blank[u - 1] > stay else stay
        move = np.uint8(FROM_BLANK) if blank[u - 1] > stay else np.uint8(STAY)
        move = np.uint8(FROM_TOKEN) if skip > best else move
        new_token[u] = (skip if skip > best else best) + heard[u]
        ended = np.uint8(BLANK_FROM_TOKEN) if stay > blank[u] else np.uint8(STAY)
        new_blank[u] = (stay if stay > blank[u] else blank[u]) + silent
        moves[u] = move + ended
