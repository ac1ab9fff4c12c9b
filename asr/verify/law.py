"""A law, how it is tried, and what came of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

State = Literal["held", "broken", "skipped", "reported"]
BOUND = 1e-5
"""How far probabilities in fp32 may differ, and log-probabilities in shares of the largest of them."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a law.

    Attributes:
        law: Its name.
        state: `held` or `broken`; `skipped` where it does not apply; `reported` where there is no bound.
        text: By how much, and how often it was tried; or why not.
    """

    law: str
    state: State
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """What one trial has found.

    Attributes:
        difference: By how much two things differ that should be the same.
        where: In what, for people.
    """

    difference: float
    where: str = ""


@dataclass(frozen=True, slots=True)
class Law:
    """A law that is tried with chance.

    Attributes:
        name: What should hold.
        trial: Tries it once.
        bound: How large the difference may be; None where it is only told.
        unit: What the difference counts, in the singular; empty for one of probabilities.
    """

    name: str
    trial: Callable[[np.random.Generator], Found]
    bound: float | None = BOUND
    unit: str = ""


def examine(law: Law, seconds: float, seed: int = 0) -> Verdict:
    """Tries a law again and again, once at least, until the time is over or it is broken."""
    random = np.random.default_rng(seed)
    end = time.monotonic() + seconds
    worst, trials = Found(-1.0), 0
    while not trials or time.monotonic() < end:
        found = law.trial(random)
        trials += 1
        if found.difference > worst.difference or math.isnan(found.difference):
            worst = found
        if law.bound is not None and not worst.difference <= law.bound:
            return Verdict(law.name, "broken", f"{_amount(law, worst)}, trial {trials}")
    tries = f"{trials} trial{'' if trials == 1 else 's'}"
    state: State = "reported" if law.bound is None else "held"
    return Verdict(law.name, state, f"{_amount(law, worst)} at most in {tries}")


def difference(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """How far log-probabilities (S, V) are from others: infinite if they are of another shape.

    The larger of two: the largest difference of probabilities, and that of log-probabilities in shares of
    the largest of these.
    """
    if found.shape != expected.shape:
        return math.inf
    logs = np.abs(found - expected).max(initial=0) / np.abs(expected).max(initial=1)
    return float(max(logs, np.abs(np.exp(found) - np.exp(expected)).max(initial=0)))


def _amount(law: Law, found: Found) -> str:
    where = f" ({found.where})" if found.where and found.difference else ""
    if not law.unit:
        return f"differs by {found.difference:.2g}{where}"
    return f"{found.difference:g} {law.unit}{'' if found.difference == 1 else 's'}{where}"
