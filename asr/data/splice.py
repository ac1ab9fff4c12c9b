"""New utterances from old ones: words make room for other words of the same speaker.

A network that hears the same few hours again and again learns their sentences by heart. Where it is known
when each word was spoken, sentences that nobody said can be put together from words that somebody did
(aligned data augmentation, Lam et al., 2021).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

EXCHANGED = 0.4
"""Share of the words that another one takes the place of."""
LEFT_OUT = 0.05
"""Share of the words that nothing takes the place of."""
FADE = 80
"""Samples over which a word fades in and out where it is cut; 5 ms at 16 kHz."""
_RAMP = np.linspace(0, 1, FADE, dtype=np.float32)
MARGIN = 0.25
"""Seconds before the first word of an utterance and after its last one that are taken along."""


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word and where it is: in samples `start` to `end` of the utterance with this index."""

    utterance: int
    text: str
    start: int
    end: int


def cut_words(
    utterance: int, samples: Samples, sample_rate: int, words: Sequence[tuple[str, float, float]]
) -> list[SpokenWord]:
    """Says where to cut an utterance into words: where it is quietest between two of them.

    Args:
        utterance: Its index.
        samples: What is heard (n,).
        sample_rate: Hz.
        words: Text, first and last moment of each word, in seconds, as an alignment has them.

    Returns:
        The words, one behind the other; none if one of them would be too short to fade in and out.
    """
    if not words or not len(samples):
        return []
    energy = np.convolve(samples.astype(np.float64) ** 2, np.ones(max(sample_rate // 50, 1)), "same")
    times = [(round(start * sample_rate), round(end * sample_rate)) for _, start, end in words]
    margin = round(MARGIN * sample_rate)
    edges = [max(times[0][0] - margin, 0)]
    for (_, end), (start, _) in pairwise(times):
        inset = max(start - end, 0) // 5
        low = min(max(end + inset, edges[-1]), len(samples) - 1)
        edges.append(low + int(np.argmin(energy[low : max(start - inset, low + 1)])))
    edges.append(min(times[-1][1] + margin, len(samples)))
    if min(end - start for start, end in pairwise(edges)) < 2 * FADE:
        return []
    return [
        SpokenWord(utterance, text, start, end)
        for (text, _, _), (start, end) in zip(words, pairwise(edges), strict=True)
    ]


class WordBank:
    """All words of a corpus by speaker.

    Args:
        words: Of each utterance, in order; utterances without any are left as they are.
        speakers: Of each utterance; one that names none exchanges words with itself alone.
        encode: Spells a text as token ids.
    """

    def __init__(
        self,
        words: Sequence[Sequence[SpokenWord]],
        speakers: Sequence[str],
        encode: Callable[[str], Sequence[int]],
    ) -> None:
        self._words = words
        self._voices = [speaker or f"utterance {index}" for index, speaker in enumerate(speakers)]
        self._encode = encode
        self._of: dict[str, list[SpokenWord]] = defaultdict(list)
        for voice, spoken in zip(self._voices, words, strict=True):
            self._of[voice] += spoken

    def splice(
        self, index: int, samples: Callable[[int], Samples], random: np.random.Generator
    ) -> tuple[Samples, NDArray[np.int64]] | None:
        """Puts an utterance together anew.

        Args:
            index: Of the utterance.
            samples: Gives the samples of any utterance.
            random: Draws the words.

        Returns:
            Samples (m,) and the tokens (U,) of what they say; None if its words are not known.
        """
        mine = self._words[index]
        if not mine:
            return None
        others = self._of[self._voices[index]]
        chosen = []
        for word in mine:
            draw = random.random()
            if draw < EXCHANGED:
                chosen.append(others[random.integers(len(others))])
            elif draw >= EXCHANGED + LEFT_OUT:
                chosen.append(word)
        chosen = chosen or [others[random.integers(len(others))]]
        tokens = np.array(self._encode(" ".join(word.text for word in chosen)), np.int64)
        return _joined(chosen, samples), tokens


def _joined(words: Sequence[SpokenWord], samples: Callable[[int], Samples]) -> Samples:
    """The samples of words one after the other; where two were not said so, they fade."""
    parts = []
    for number, word in enumerate(words):
        part = samples(word.utterance)[word.start : word.end].copy()
        if number == 0 or not _follows(words[number - 1], word):
            part[:FADE] *= _RAMP
        if number == len(words) - 1 or not _follows(word, words[number + 1]):
            part[-FADE:] *= _RAMP[::-1]
        parts.append(part)
    return np.concatenate(parts)


def _follows(word: SpokenWord, following: SpokenWord) -> bool:
    return word.utterance == following.utterance and word.end == following.start
