"""Small random searches of every kind: units, words, models, hotwords, and what is heard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
from hypothesis import strategies as st

from asr.lm.automaton import Automaton
from asr.lm.construction import automaton_from, load_language_model
from asr.lm.kneser_ney import Estimation, estimate
from asr.lm.ngrams import BEGIN, END, UNKNOWN, Level, NgramModel
from tests.helpers.beam import Emissions, emissions
from tests.helpers.objective import Spelling, World

Kind = Literal["characters", "subwords", "phones"]
Vocabulary = Literal["tokens", "open", "closed", "grammar"]
SPACE = MARK = "▁"
UNITS: dict[Kind, tuple[tuple[str, ...], ...]] = {
    "characters": (
        ("", SPACE, "a", "b"),
        ("", "a", "b", SPACE),
        ("", "a", SPACE),
        ("", "b", "a", SPACE, "c"),
    ),
    "subwords": (
        ("", "▁a", "a", "▁ab", "b"),
        ("", "▁", "a", "b", "ab"),
        ("", "▁", "▁a", "a"),
        ("", "a", "▁", "▁a", "aa"),
        ("", "▁ab", "▁a", "b", "▁"),
    ),
    "phones": (("", "P"), ("", "P", "T"), ("", "P", "T", "K"), ("", "P", "T", "K", "S")),
}
LETTERS = ("a", "b", "c", "ab", "aa", "ba", "abb", "aab")
NAMES = ("one", "won", "two", "a", "ab")
"""Words that are not spelled as they are pronounced."""


def worlds(kind: Kind, vocabulary: Vocabulary) -> st.SearchStrategy[World]:
    """Searches of one kind; hypothesis draws the seed alone, which is many times as fast."""
    return st.integers(0, 2**32).map(lambda seed: world_of(Random(seed), kind, vocabulary))


@st.composite
def heard(draw: st.DrawFn, world: World, frames: int = 5) -> Emissions:
    """Emissions of these tokens, some with impossible ones."""
    random = Random(draw(st.integers(0, 2**32)))
    count = draw(st.sampled_from([*range(1, frames + 1), *range(frames - 1)]))
    log_probs = emissions(random.getrandbits(32), count, len(world.texts), random.choice([0.5, 2.0]))
    if count and random.random() < 0.3:
        log_probs[random.randrange(count), random.randrange(len(world.texts))] = -np.inf
    return log_probs


def world_of(random: Random, kind: Kind, vocabulary: Vocabulary) -> World:
    """A search of one kind: with words given as they are written or by a lexicon, with and without models."""
    texts = random.choice(UNITS[kind])
    world = World(
        texts=texts,
        separator=texts.index(SPACE) if kind == "characters" else -1,
        mark=MARK if kind == "subwords" else "",
        vocabulary=vocabulary,
        alpha=random.choice([0.0, 0.5, 1.0, 2.0]),
        token_alpha=random.choice([0.0, 0.3, 1.0]),
        beta=0.0 if vocabulary in ("grammar", "tokens") else random.choice([-1.0, 0.0, 1.0, 2.5]),
        unknown_score=random.choice([-10.0, -1.0, 0.0]),
        unknown_letter=random.choice([0.0, 0.0, -0.5, -2.0]),
    )
    if random.random() < (0.7 if vocabulary == "tokens" else 0.15):
        world = replace(world, token_model=model_of(random, texts[1:]))
    if vocabulary == "tokens":
        return with_hotwords(random, world, words_of(random, world)) if world.bounded else world
    world = with_words(random, world)
    names = list(dict.fromkeys([*world.words, *(spelling.word for spelling in world.spellings)]))
    if vocabulary == "grammar":
        phrases = phrases_of(random, names, 4)
        world, names = replace(world, phrases=phrases, words=()), sorted({*" ".join(phrases).split()})
    elif random.random() < 0.7:
        chosen = names if vocabulary == "open" else random.sample(names, random.randint(1, len(names)))
        world = replace(world, word_model=model_of(random, tuple(chosen)))
    return with_hotwords(random, world, [*names, *LETTERS[:2]] if vocabulary == "open" else names)


def with_words(random: Random, world: World) -> World:
    """The same search with words; phones have a lexicon, others may have one where they are closed."""
    letters = [token for token in range(1, len(world.texts)) if token != world.separator]
    if not world.bounded:
        return replace(world, spellings=lexicon_of(random, letters))
    if world.vocabulary != "closed" or random.random() < 0.4:
        return replace(world, words=words_of(random, world))
    if not world.mark:
        return replace(world, spellings=lexicon_of(random, letters))
    starts = [token for token in letters if world.texts[token].startswith(MARK)]
    lines = {}
    for spelling in lexicon_of(random, [token for token in letters if token not in starts], 2):
        start = random.choice(starts)
        alone = world.texts[start] != MARK and random.random() < 0.5
        marked = replace(spelling, tokens=(start,) if alone else (start, *spelling.tokens))
        lines[marked.word, marked.tokens] = marked
    return replace(world, spellings=tuple(lines.values()))


def with_hotwords(random: Random, world: World, words: Sequence[str]) -> World:
    """The same search, perhaps with phrases that have weights; one may be part of another."""
    words = [word for word in words if not world.bounded or can_spell(world.texts, world.mark + word)]
    phrases = phrases_of(random, words, 3) if words and random.random() < 0.6 else ()
    weights = (-2.0, -0.5, 0.0, 0.5, 1.5, 3.0)
    return replace(world, hotwords=tuple((phrase, random.choice(weights)) for phrase in phrases))


def words_of(random: Random, world: World) -> tuple[str, ...]:
    """Some words of the letters of tokens; in a grammar, all can be spelled."""
    letters = set("".join(world.texts))
    found = [word for word in LETTERS if set(word) <= letters]
    if world.vocabulary == "grammar":
        found = [word for word in found if can_spell(world.texts, world.mark + word)]
    return tuple(random.sample(found, random.randint(1, min(4, len(found)))))


def can_spell(texts: Sequence[str], text: str) -> bool:
    """Whether tokens can write a text."""
    return not text or any(
        part and text.startswith(part) and can_spell(texts, text[len(part) :]) for part in texts
    )


def lexicon_of(random: Random, tokens: Sequence[int], longest: int = 3) -> tuple[Spelling, ...]:
    """Words and spellings that have nothing in common; some words have several, and some spellings."""
    lengths = [1, 1, 2, 2, longest]
    shares = random.choice([[1.0], [1.0, 0.7, 0.3, 0.01]])
    lines = {}
    for _ in range(random.randint(1, 6)):
        spelling = tuple(random.choice(tokens) for _ in range(random.choice(lengths)))
        lines[random.choice(NAMES), spelling] = float(np.float32(math.log(random.choice(shares))))
    return tuple(Spelling(*line, log_prob) for line, log_prob in lines.items())


def phrases_of(random: Random, words: Sequence[str], most: int) -> tuple[str, ...]:
    """Some phrases of one to three words, mostly short."""
    drawn = [random.choices(words, k=random.choice([1, 1, 2, 2, 3])) for _ in range(random.randint(1, most))]
    return tuple(dict.fromkeys(" ".join(phrase) for phrase in drawn))


def model_of(random: Random, words: tuple[str, ...]) -> Automaton:
    """A model of order 1 to 3 of all these words, with or without <unk> and </s>."""
    order = random.randint(1, 3)
    if random.random() < 0.1:
        return estimated(words, order)
    special = random.choice([(), (END,), (UNKNOWN,), (UNKNOWN, END), (UNKNOWN, END)])
    return automaton_from(ngrams(words, order, random.getrandbits(32), special))


def ngrams(words: Sequence[str], order: int, seed: int, special: Sequence[str]) -> NgramModel:
    """Random n-grams of words, and of <unk> and </s> where they are among the special ones.

    The probabilities do not add up to one, some weights of backing off are greater than 1, and n-grams
    may be there whose shorter ones are not. The order may come out lower.
    """
    random = np.random.default_rng(seed)
    names = [*special, BEGIN, *words]
    count = len(names)
    contexts, lasts = np.zeros(count, np.int32), np.arange(count, dtype=np.int32)
    levels: list[Level] = []
    while len(lasts) and len(levels) < order:
        log_probs = random.uniform(-5, -0.05, len(lasts)).astype(np.float32)
        backoffs = np.where(random.random(len(lasts)) < 0.3, 0.0, random.uniform(-2, 0.5, len(lasts)))
        levels.append(Level(contexts, lasts, log_probs, backoffs.astype(np.float32)))
        pairs = [
            (row, word)
            for row, last in enumerate(lasts)
            for word in range(count)
            if names[last] != END and names[word] != BEGIN and random.random() < 2 / count
        ]
        contexts, lasts = np.array(pairs, np.int32).reshape(-1, 2).T
    levels[-1] = replace(levels[-1], backoffs=np.zeros(len(levels[-1]), np.float32))
    return NgramModel(tuple(names), tuple(levels))


@lru_cache
def estimated(words: tuple[str, ...], order: int) -> Automaton:
    """A Kneser–Ney model of random sentences; it has <unk> and </s>."""
    random = Random(order)
    sentences = [random.choices(words, k=random.randint(1, 4)) for _ in range(30)]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.arpa"
        estimate(sentences, path, Estimation(order))
        return load_language_model(path)
