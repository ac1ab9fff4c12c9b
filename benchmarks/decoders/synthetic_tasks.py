"""The synthetic tasks: sentences of books and everyday English, spoken by nobody, in 400 frames each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from string import ascii_lowercase

import numpy as np

from asr.text.units import Units
from benchmarks.decoders.pieces import MARK, learn_pieces
from benchmarks.decoders.synthetic import Noise, place_letters, place_tokens, speak
from benchmarks.decoders.task import SPACE, Spoken, Task, write_task
from benchmarks.decoders.texts import Texts

FRAMES = 400
LETTERS = (*ascii_lowercase, "'", SPACE)
SUBWORDS = 1024
WORDS_TO_LEARN_FROM = 10_000
CHARACTER_NOISE = Noise(shared=0.16, own=0.1, width=0.26, quiet=0.04, long=0.3)
SUBWORD_NOISE = Noise(shared=0.1, own=0.085, width=0.18, quiet=0.03, long=0.0)
Spell = Callable[[str], Sequence[str]]


def character_task(texts: Texts, counts: Counter[str], model: Path, folder: Path, tuning: int) -> Task:
    """29 characters, sentences of about 15 words."""
    units = Units(("", *LETTERS), separator=1 + LETTERS.index(SPACE))

    def spell(sentence: str) -> Sequence[str]:
        return tuple(sentence.replace(" ", SPACE))

    spoken = _halves(_speak(texts.short, units, spell, CHARACTER_NOISE), tuning)
    return write_task("29 characters", folder, units, spoken, model, {word: tuple(word) for word in counts})


def subword_task(texts: Texts, counts: Counter[str], model: Path, folder: Path, tuning: int) -> Task:
    """1,024 subwords, sentences of about 40 words."""
    pieces = learn_pieces(Counter(dict(counts.most_common(WORDS_TO_LEARN_FROM))), SUBWORDS - 1)
    units = Units(("", *pieces.texts), mark=MARK)

    def spell(sentence: str) -> Sequence[str]:
        return [piece for word in sentence.split() for piece in pieces.spell(word)]

    spoken = _halves(_speak(texts.long, units, spell, SUBWORD_NOISE), tuning)
    spellings = {word: pieces.spell(word) for word in counts}
    return write_task("1,024 subwords", folder, units, spoken, model, spellings)


def _speak(sentences: Sequence[str], units: Units, spell: Spell, noise: Noise) -> Spoken:
    random = np.random.default_rng(0)
    points = place_tokens(units.texts, place_letters(LETTERS, random), random)
    ids = {text: index for index, text in enumerate(units.texts)}
    emissions = [
        speak([ids[text] for text in spell(sentence)], FRAMES, points, noise, random)
        for sentence in sentences
    ]
    return Spoken(tuple(emissions), tuple(sentences))


def _halves(spoken: Spoken, tuning: int) -> tuple[Spoken, Spoken]:
    first, second = slice(tuning), slice(tuning, None)
    return (
        Spoken(spoken.emissions[first], spoken.texts[first]),
        Spoken(spoken.emissions[second], spoken.texts[second]),
    )
