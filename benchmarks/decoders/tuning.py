"""Finds alpha and beta, the weights of language model and words, for each decoder, on other utterances."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from asr.text.error_rate import ErrorCounts, word_errors
from benchmarks.decoders.contestants import Contestant, Setting
from benchmarks.decoders.task import Task

STEPS = ((0.2, 1.0), (0.1, 0.5))
"""Of alpha and beta: coarse ones first."""


def errors(task: Task, utterances: tuple[int, ...], texts: tuple[str, ...]) -> ErrorCounts:
    """Word errors in the texts of some utterances."""
    pairs = zip(utterances, texts, strict=True)
    return sum(
        (word_errors(task.spoken.texts[index], text) for index, text in pairs), start=ErrorCounts.zero()
    )


def tune(contestant: Contestant, task: Task, start: Setting) -> Setting:
    """Climbs from a setting to neighbours with fewer word errors, until there are none.

    Ties stay where they are. Neighbours are one step of alpha or of beta away, coarse steps before fine
    ones; it is the same for every decoder.
    """
    utterances = tuple(range(task.tuning))

    @cache
    def count(setting: Setting) -> int:
        return errors(task, utterances, contestant.decode(task, setting, utterances).texts).errors

    best = start
    for alpha, beta in STEPS:
        better = True
        while better:
            moves = ((alpha, 0.0), (-alpha, 0.0), (0.0, beta), (0.0, -beta))
            options = [_moved(best, *move) for move in moves if best.alpha + move[0] > 0]
            choice = min(options, key=count)
            better = count(choice) < count(best)
            best = choice if better else best
    return best


def _moved(setting: Setting, alpha: float, beta: float) -> Setting:
    return replace(setting, alpha=round(setting.alpha + alpha, 3), beta=round(setting.beta + beta, 3))
