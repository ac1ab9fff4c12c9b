"""Decoders against each other, in interleaved rounds over the same utterances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from asr.text.error_rate import ErrorCounts
from benchmarks.common import Ratio, Timing, faster
from benchmarks.decoders.contestants import Contestant, Setting
from benchmarks.decoders.task import Task
from benchmarks.decoders.tuning import errors


@dataclass(frozen=True, slots=True)
class DecoderRow:
    """What one decoder did with one setting.

    Attributes:
        task: What was decoded.
        mode: `none`, `open` or `closed`.
        beam: Hypotheses kept at each frame.
        name: The decoder.
        alpha, beta: Its weights, tuned on other utterances.
        utterances: How many were decoded.
        milliseconds: CPU time per utterance, median of the rounds.
        errors: Of the words of all of them.
        wer: The same in per cent.
        ratio: How many times faster the project is; None in its own row.
    """

    task: str
    mode: str
    beam: int
    name: str
    alpha: float
    beta: float
    utterances: int
    milliseconds: float
    errors: ErrorCounts
    wer: float
    ratio: Ratio | None = None

    def __str__(self) -> str:
        """A line of the table."""
        counts = f"{self.errors.substitutions}/{self.errors.deletions}/{self.errors.insertions}"
        weights = f"{self.alpha:g} {self.beta:g}" if self.mode != "none" else ""
        return (
            f"{self.task:<16} {self.mode:<7}{self.beam:>4} {self.name:<24} {weights:<9}"
            f"{self.milliseconds:>9.2f} {self.wer:>7.2f} {counts:<12} {self.ratio or ''}"
        )


HEADING = (
    f"{'task':<16} {'LM':<7}{'beam':>4} {'by':<24} {'α β':<9}{'CPU ms':>9} {'WER %':>7} "
    f"{'sub/del/ins':<12} ours is faster by"
)


def compare(
    task: Task,
    contestants: Mapping[Contestant, Setting],
    utterances: Sequence[int],
    rounds: int,
    required: Mapping[str, float],
) -> list[DecoderRow]:
    """Lets decoders decode the same utterances, a part of them in each round; the first is the project's.

    The first utterance is decoded once before, which loads what has to be loaded.
    """
    parts = [utterances[number::rounds] for number in range(rounds)]
    seconds: dict[Contestant, list[float]] = {contestant: [] for contestant in contestants}
    counts = dict.fromkeys(contestants, ErrorCounts.zero())
    for contestant, setting in contestants.items():
        contestant.decode(task, setting, utterances[:1])
    for part in parts:
        for contestant, setting in contestants.items():
            outcome = contestant.decode(task, setting, part)
            seconds[contestant].append(outcome.seconds / len(part))
            counts[contestant] += errors(task, tuple(part), outcome.texts)
    timings = {contestant: Timing(contestant.name, tuple(times)) for contestant, times in seconds.items()}
    ours = next(iter(contestants))

    def ratio(peer: Contestant) -> Ratio:
        return faster(timings[ours], timings[peer], required.get(peer.name.split()[0]))

    return [
        DecoderRow(
            task=task.name,
            mode=setting.mode,
            beam=setting.beam,
            name=contestant.name,
            alpha=setting.alpha,
            beta=setting.beta,
            utterances=len(utterances),
            milliseconds=1000 * timings[contestant].median,
            errors=counts[contestant],
            wer=100 * counts[contestant].rate,
            ratio=None if contestant is ours else ratio(contestant),
        )
        for contestant, setting in contestants.items()
    ]


def summary(rows: Sequence[DecoderRow]) -> list[str]:
    """For every peer and mode: the median and the least ratio, and where it makes fewer errors."""
    ours = {(row.task, row.mode, row.beam): row for row in rows if row.ratio is None}
    lines = []
    for name in dict.fromkeys(row.name for row in rows if row.ratio is not None):
        for mode in dict.fromkeys(row.mode for row in rows if row.name == name):
            compared = [row for row in rows if (row.name, row.mode) == (name, mode)]
            ratios = [row.ratio.median for row in compared if row.ratio is not None]
            better = [
                f"{row.task} {row.beam}"
                for row in compared
                if row.errors.errors < ours[row.task, row.mode, row.beam].errors.errors
            ]
            lines.append(
                f"{name}, {mode}: median {median(ratios):.1f}x, least {min(ratios):.1f}x; "
                f"fewer errors than ours in {len(better)} of {len(compared)} rows {'; '.join(better)}"
            )
    return lines
