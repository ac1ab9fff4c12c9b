"""When words are spoken in a stream that is never cut: times as in a recording, with bounded memory.

`asr.decode.pauses` fits the words of a recording to its pauses. What is quiet is known half a minute later
at the latest, see `asr.audio.activity`; a word is fitted as soon as that is known around it, and then it
is done. What remains to be fitted at the end is little.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from asr.audio.activity import PART, long_enough, quiet_part, stretches
from asr.decode.pauses import LONGEST_TAIL, fit, in_seconds, shortest_pause
from asr.transcript import Word
from asr.window import Window

KEPT = 1.0
"""Seconds before the first word that waits of which pauses are kept."""

Levels = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class WordTimes:
    """Words on the way to their times.

    Attributes:
        levels: Of the frames (T,) since the beginning of the part that was judged last.
        judged: Frames of which it is known whether they are quiet.
        quiet: The quiet stretches among these that are still needed (R, 2).
        waiting: Words with the times of their tokens.
        earliest: When the last token of the word before them ended, in seconds.
        done: Words with their times.
    """

    levels: Levels = field(default_factory=lambda: np.zeros(0))
    judged: int = 0
    quiet: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    waiting: tuple[Word, ...] = ()
    earliest: float = 0.0
    done: tuple[Word, ...] = ()

    def heard(self, levels: Levels) -> WordTimes:
        """After more frames, of these levels (T,)."""
        after = replace(self, levels=np.concatenate([self.levels, levels]))
        while len(after.levels) >= after._before + PART:
            part = after.levels[: after._before + PART]
            after = replace(
                after,
                levels=after.levels[after._before :],
                judged=after.judged + PART,
                quiet=after._joined(stretches(quiet_part(part))),
            )
        return after

    @property
    def _before(self) -> int:
        """How many of the levels were judged."""
        return PART if self.judged else 0

    def _joined(self, new: NDArray[np.int64]) -> NDArray[np.int64]:
        """The quiet stretches with those of the next part; one may go on in the other."""
        new = new + self.judged
        if len(new) and len(self.quiet) and self.quiet[-1, 1] == new[0, 0]:
            new[0, 0] = self.quiet[-1, 0]
            return np.concatenate([self.quiet[:-1], new])
        return np.concatenate([self.quiet, new])

    def with_words(self, words: tuple[Word, ...]) -> WordTimes:
        """With more words, whose times are those of their tokens."""
        return replace(self, waiting=self.waiting + words)

    def fitted(self, framing: Window, sample_rate: int, since: float) -> WordTimes:
        """Fits the words around which it is known where it is quiet.

        Args:
            framing: The Window from samples to frames.
            sample_rate: Hz.
            since: Seconds; no word that will be added begins before that.
        """
        shortest = shortest_pause(framing, sample_rate)
        known, _ = in_seconds(np.array([self.judged - shortest - 1, 0]), framing, sample_rate)
        ready = 0
        for word, following in zip(self.waiting, self.waiting[1:], strict=False):
            if max(following.start, word.end + LONGEST_TAIL) > known:
                break
            ready += 1
        pauses = in_seconds(long_enough(self.quiet, shortest, -1), framing, sample_rate)
        found = fit(self.waiting[: ready + 1], pauses, np.inf, self.earliest)
        rest = self.waiting[ready:]
        needed = min([word.start for word in rest[:1]] + [since]) - KEPT
        return replace(
            self,
            quiet=self.quiet[in_seconds(self.quiet, framing, sample_rate)[:, 1] >= needed],
            waiting=rest,
            earliest=self.waiting[ready - 1].end if ready else self.earliest,
            done=self.done + found[:ready],
        )

    def finish(self, framing: Window, sample_rate: int, end: float) -> tuple[Word, ...]:
        """All words with their times, where the recording ends at `end` seconds."""
        quiet, frames = self.quiet, self.judged + len(self.levels) - self._before
        if frames > self.judged:
            quiet = self._joined(stretches(quiet_part(self.levels)))
        shortest = shortest_pause(framing, sample_rate)
        pauses = in_seconds(long_enough(quiet, shortest, frames), framing, sample_rate)
        return self.done + fit(self.waiting, pauses, end, self.earliest)
