"""Memory that one training step frees is kept for the next, instead of being given back and asked for again.

The GNU C library maps every large block anew and unmaps it when it is freed. The kernel then clears each
page of each tensor at its first touch: over a hundred thousand page faults in a step of four bidirectional
layers, a fifth of its time. Where blocks come from the heap instead, and the heap is never trimmed, a step
finds the pages of the step before.

Steps are of many sizes, though, and leave gaps that no later block fits into: the heap of a training with
utterances of 1 to 35 seconds grew from 2 to 11 GB in two epochs. Giving the gaps back at every twentieth step
cost a sixth of the time, so it is done where memory becomes scarce.
"""

from __future__ import annotations

import ctypes
import platform

import torch

from asr.train.room import free_memory

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4  # as in malloc.h
_NEVER = -1
_GROWTH = 64 * 2**20


SCARCE = 3e9
"""Bytes that may still be taken, below which gaps are given back."""


def keep_freed_memory() -> bool:
    """Makes this process keep the memory that it frees; results do not depend on it.

    Returns:
        Whether it did; only with the GNU C library, so on most kinds of Linux. Elsewhere all stays as it is.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all(
        mallopt(option, value) == 1
        for option, value in ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, _NEVER), (_TOP_PAD, _GROWTH))
    )


def give_back_gaps() -> None:
    """Gives the pages between the blocks in use back to the system, if memory is scarce."""
    if platform.libc_ver()[0] == "glibc" and free_memory(torch.device("cpu"), 1) < SCARCE:
        ctypes.CDLL(None).malloc_trim(0)
