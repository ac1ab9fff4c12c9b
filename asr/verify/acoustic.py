"""Laws of log-probabilities: company, padding, order and chunks change nothing; engines agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.recognize.engine import Engine
from asr.recognize.recognizer import Recognizer
from asr.verify.law import Found, Law, difference
from asr.verify.sounds import Sounds

Array = NDArray[np.float32]
MOST_TOGETHER = 5
MOST_PADDING = 300
"""Frames."""
CHUNKS = (0, 1, 2, 7, 16, 60)
"""Frames that come in at a time."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A model that laws are tried with.

    Attributes:
        name: Of its engine.
        recognizer: Runs it.
        sounds: What it is to hear.
    """

    name: str
    recognizer: Recognizer
    sounds: Sounds

    @property
    def engine(self) -> Engine:
        """What computes."""
        return self.recognizer.engine

    def features(self, random: np.random.Generator) -> Array:
        """The features (T, F) of a drawn sound."""
        return self.recognizer.features(self.sounds.draw(random))

    def several(self, random: np.random.Generator) -> list[Array]:
        """Those of two or more."""
        return [self.features(random) for _ in range(random.integers(2, MOST_TOGETHER + 1))]


def acoustic_laws(subject: Subject) -> list[Law]:
    """The laws that an engine keeps by itself; in 8 bits, chunks have scales of their own, and count."""
    laws = [
        Law(f"{subject.name}: an utterance in a batch = alone", lambda random: _batch(subject, random)),
        Law(f"{subject.name}: padding changes nothing", lambda random: _padding(subject, random)),
        Law(f"{subject.name}: order changes nothing", lambda random: _order(subject, random)),
    ]
    if subject.engine.streams and not subject.engine.variant:
        laws.append(
            Law(f"{subject.name}: a stream in chunks = whole", lambda random: _chunks(subject, random))
        )
    return laws


def agreement(subject: Subject, reference: Subject, *, exact: bool = True) -> Law:
    """The law that an engine computes what another one does, whole utterances and, where it can, streams.

    Args:
        subject: The engine.
        reference: The other one.
        exact: Whether there is a bound; else the difference is only told.
    """

    def trial(random: np.random.Generator) -> Found:
        features = reference.features(random)
        expected = alone(reference.engine, features)
        found = [Found(difference(alone(subject.engine, features), expected), "whole utterances")]
        if subject.engine.streams:
            streamed = in_chunks(subject.engine, features, random)
            found.append(Found(difference(streamed, expected), "streams"))
        return max(found, key=lambda one: one.difference)

    name = (
        f"{subject.name} = {reference.name}"
        if exact
        else f"{subject.name} beside {reference.name}: probabilities"
    )
    return Law(name, trial) if exact else Law(name, trial, bound=None)


def alone(engine: Engine, features: Array) -> Array:
    """Log-probabilities (S, V) of one utterance."""
    return together(engine, [features])[0]


def together(engine: Engine, several: Sequence[Array], padding: Array | None = None) -> list[Array]:
    """Log-probabilities (S_i, V) of utterances in one batch.

    Args:
        engine: What computes.
        several: Features (T_i, F) of each.
        padding: Frames (P, F) to stand behind the longest, and, as far as they reach, behind others.
    """
    lengths = np.array([len(one) for one in several], np.int64)
    longest = int(lengths.max()) + (0 if padding is None else len(padding))
    batch = np.zeros((len(several), longest, several[0].shape[1]), np.float32)
    for row, features in zip(batch, several, strict=True):
        row[: len(features)] = features
        if padding is not None:
            row[len(features) : len(features) + len(padding)] = padding
    emission = engine.run(batch, lengths)
    return [row[:length] for row, length in zip(emission.log_probs, emission.lengths, strict=True)]


def in_chunks(engine: Engine, features: Array, random: np.random.Generator) -> Array:
    """Log-probabilities (S, V) of an utterance that comes in chunks of random sizes."""
    state, parts, first = engine.start(), [], 0
    while first < len(features):
        size = int(random.choice(CHUNKS))
        ((log_probs, state),) = engine.step([state], [features[first : first + size]])
        parts.append(log_probs)
        first += size
    ((log_probs, _),) = engine.step([state], [features[len(features) :]], ending=True)
    return np.concatenate([*parts, log_probs])


def _batch(subject: Subject, random: np.random.Generator) -> Found:
    several = subject.several(random)
    expected = [alone(subject.engine, one) for one in several]
    return _farthest(together(subject.engine, several), expected)


def _padding(subject: Subject, random: np.random.Generator) -> Found:
    features = subject.features(random)
    noise = random.standard_normal((random.integers(1, MOST_PADDING), features.shape[1])).astype(np.float32)
    expected = [alone(subject.engine, features)]
    return _farthest(together(subject.engine, [features], noise), expected)


def _order(subject: Subject, random: np.random.Generator) -> Found:
    several = subject.several(random)
    order = random.permutation(len(several))
    straight = together(subject.engine, several)
    shuffled = together(subject.engine, [several[place] for place in order])
    return _farthest(shuffled, [straight[place] for place in order])


def _chunks(subject: Subject, random: np.random.Generator) -> Found:
    features = subject.features(random)
    found = in_chunks(subject.engine, features, random)
    return Found(difference(found, alone(subject.engine, features)), f"{len(features)} frames")


def _farthest(found: Sequence[Array], expected: Sequence[Array]) -> Found:
    differences = [difference(one, other) for one, other in zip(found, expected, strict=True)]
    worst = int(np.argmax(differences))
    return Found(differences[worst], f"utterance {worst + 1} of {len(differences)}")
