"""A back-off automaton as records: what is read together stands together, in the order of compiled code.

Reading a symbol in a state follows its arc and is given the arc's score. Where there is none, the state's own
score is given and the symbol is read in the state that backing off leads to.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Records = NDArray[np.void]

ARC = np.dtype(
    [
        ("key", np.int64),  # ``state << 24 | symbol``, as in `asr.lm.hashing`; -1 in an empty place
        ("following", np.int32),  # the state, or node, that the arc leads to
        ("score", np.float32),  # what it gains, in nats
    ],
    align=True,
)
STATE = np.dtype(
    [
        ("following", np.int32),  # where backing off leads: a smaller number, but for the root
        ("score", np.float32),  # what it gains
    ],
    align=True,
)


def records(count: int, dtype: np.dtype[np.void], /, **fields: Any) -> Records:
    """So many records; fields that are not named are 0. They cannot be written to."""
    made = np.zeros(count, dtype)
    for name, values in fields.items():
        made[name] = values
    return read_only(made, dtype)


def arc_records(keys: NDArray[np.int64], following: NDArray[Any], scores: Any = 0.0) -> Records:
    """A hash table of P places: ARC (P,)."""
    return records(len(keys), ARC, key=keys, following=following, score=scores)


def state_records(following: NDArray[Any], scores: NDArray[Any]) -> Records:
    """Where backing off leads from C states, and what it gains: STATE (C,)."""
    return records(len(following), STATE, following=following, score=scores)


def read_only(array: NDArray[Any], kind: DTypeLike) -> NDArray[Any]:
    """The array in the one form that compiled code has been made for."""
    view = np.require(array, kind, ["C", "A"]).view()
    view.flags.writeable = False
    return view
