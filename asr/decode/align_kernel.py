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
from functools import lru_cache

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from asr.compiled import compiled

BLANK = 0
MOVES_AT_ONCE = 2**26
"""Bytes of moves that are kept without a second pass: 2 minutes of speech, more or less."""

STAY, FROM_BLANK, FROM_TOKEN = 0, 1, 2
BLANK_FROM_TOKEN = 4
"""Added to the move of token[u] where blank[u] was reached from it, and not from itself."""

Reals = NDArray[np.float64]
Moves = NDArray[np.uint8]


def best_path(log_probs: NDArray[np.float32], tokens: NDArray[np.int64]) -> tuple[NDArray[np.int64], float]:
    """Finds the best path that writes the tokens; of equal ones see `asr.decode.align.align`.

    Args:
        log_probs: Natural-log probabilities (S, V).
        tokens: Token ids (U,); S must suffice for them.

    Returns:
        The path (S,): 0 on a blank, u on the u-th token, counted from 1. And its log-probability.
    """
    frames, states = len(log_probs), len(tokens) + 1
    whole = frames * states <= MOVES_AT_ONCE
    block = max(frames if whole else math.ceil(4 * math.sqrt(frames)), 1)
    kept = np.empty((-(-frames // block), 2, states))
    moves = np.empty((block, states), np.uint8)
    path, total = np.empty(frames, np.int64), np.empty(1)
    _kernel()(_read_only(log_probs, np.float32), _read_only(tokens, np.int64), kept, moves, path, total)
    return path, float(total[0])


def _read_only(array: NDArray[np.generic], kind: type[np.generic]) -> NDArray[np.generic]:
    """The same values as the one type that the kernel is compiled for."""
    view = np.require(array, kind, ["C", "A"]).view()
    view.flags.writeable = False
    return view


@lru_cache(maxsize=1)
def _kernel() -> Callable[..., None]:
    signature = types.void(
        types.Array(types.float32, 2, "C", readonly=True),
        types.Array(types.int64, 1, "C", readonly=True),
        types.float64[:, :, ::1],
        types.uint8[:, ::1],
        types.int64[::1],
        types.float64[::1],
    )
    return compiled(_best_path, signature, "alignment kernel")


def _best_path(
    log_probs: NDArray[np.float32],
    tokens: NDArray[np.int64],
    kept: Reals,
    moves: Moves,
    path: NDArray[np.int64],
    total: Reals,
) -> None:
    """Fills `path` and `total`; `kept` (blocks, 2, U + 1) and `moves` (frames of a block, U + 1) are room."""
    blocks, block, last = len(kept), len(moves), len(tokens)
    repeat = np.zeros(last + 1)  # what going from token u-1 to token u costs
    for u in range(2, last + 1):
        if tokens[u - 1] == tokens[u - 2]:
            repeat[u] = -np.inf
    now, scratch = np.full((2, last + 1), -np.inf), np.full((2, last + 1), -np.inf)
    now[0, 0] = 0.0  # nothing is written: as if a blank had gone before
    for b in range(blocks):
        kept[b] = now
        _advance(log_probs[b * block : (b + 1) * block], tokens, repeat, (now, scratch), moves)
    u = last
    on_token = now[1, u] > now[0, u]
    total[0] = now[1, u] if on_token else now[0, u]
    for b in range(blocks - 1, -1, -1):
        part = log_probs[b * block : (b + 1) * block]
        if b < blocks - 1:  # of the last block the moves are there
            _advance(part, tokens, repeat, (kept[b], scratch), moves)
        for t in range(len(part) - 1, -1, -1):
            path[b * block + t] = u if on_token else 0
            move = moves[t, u]
            if on_token:
                on_token = (move & 3) != FROM_BLANK
                u -= (move & 3) != STAY
            else:
                on_token = (move & BLANK_FROM_TOKEN) != 0


@njit(nogil=True)
def _advance(
    log_probs: NDArray[np.float32],
    tokens: NDArray[np.int64],
    repeat: Reals,
    scores: tuple[Reals, Reals],
    moves: Moves,
) -> None:
    """Lets frames (B, V) pass; the first of `scores`, rows blank and token, is what was and what becomes."""
    states = len(tokens) + 1
    now, then = scores
    heard = np.zeros(states)
    for t in range(len(log_probs)):
        silent = log_probs[t, BLANK]
        for u in range(1, states):
            heard[u] = log_probs[t, tokens[u - 1]]
        _frame(silent, heard, repeat, (now[0], now[1], then[0], then[1]), moves[t])
        now, then = then, now
    if len(log_probs) % 2:
        then[:] = now


@njit(nogil=True)
def _frame(
    silent: float, heard: Reals, repeat: Reals, rows: tuple[Reals, Reals, Reals, Reals], moves: Moves
) -> None:
    """One frame; `heard` (U + 1) are the log-probabilities of the tokens. Without branches, so it is fast."""
    blank, token, new_blank, new_token = rows
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
