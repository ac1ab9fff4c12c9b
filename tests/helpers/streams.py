"""Streams in tests: small models that can stream, recordings in pieces, and what must be the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from asr.bundle import Bundle
from asr.config import DecodingConfig
from asr.decode.ctc import Emission
from asr.recognize.engine import AcousticState, Array, Engine
from asr.recognize.language import Language, fusion_for
from asr.recognize.recognizer import Recognizer
from asr.recognize.streaming import StreamingSession
from asr.recognize.torch_engine import TorchEngine
from asr.transcript import Segment, Transcript, Word
from asr.window import Window
from tests.helpers.bundles import random_model
from tests.helpers.tones import chirp, noise

RATES = (8_000, 11_025, 16_000, 22_050, 44_100, 48_000)

MODELS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "cell": st.sampled_from(["lstm", "gru", "rnn"]),
        "norm": st.sampled_from(["layer", "batch", "none"]),
        "normalization": st.sampled_from(["corpus", "running"]),
        "subsampling": st.sampled_from([2, 4]),
        "layers": st.integers(1, 2),
        "lookahead": st.sampled_from([0, 1, 5]),
        "path": st.sampled_from(["pairs", "packed"]),
        "seed": st.integers(0, 9),
    }
)
"""Settings of models that can listen to a stream."""

SIZES = st.lists(st.integers(0, 4_000) | st.integers(0, 20), max_size=10).map(lambda sizes: [*sizes, 2_500])
"""How many samples come in at a time, again and again; mostly not few, for those take their time."""


@dataclass(slots=True)
class Overheard:
    """An engine that notes what it gives for a stream."""

    engine: Engine
    given: list[Array] = field(default_factory=list)

    @property
    def window(self) -> Window:
        return self.engine.window

    @property
    def variant(self) -> str:
        return self.engine.variant

    @property
    def streams(self) -> bool:
        return self.engine.streams

    def run(self, features: NDArray[np.float32], lengths: NDArray[np.int64]) -> Emission:
        return self.engine.run(features, lengths)

    def ready(self, frames: int) -> int:
        return self.engine.ready(frames)

    def start(self) -> AcousticState:
        return self.engine.start()

    def step(
        self, states: Sequence[AcousticState], features: Sequence[Array], ending: bool = False
    ) -> list[tuple[Array, AcousticState]]:
        found = self.engine.step(states, features, ending)
        self.given += [log_probs for log_probs, _ in found]
        return found


def streaming_model(*, quiet: float = 0.0, **changes: Any) -> Bundle:
    """A random model that can stream; `quiet` makes blank so much more likely."""
    bundle = random_model(**{"bidirectional": False, **changes})
    bias = bundle.weights["head.bias"].copy()
    bias[0] += quiet
    return replace(bundle, weights={**bundle.weights, "head.bias": bias})


def recognizer_of(
    bundle: Bundle, decoding: DecodingConfig | None = None, language: Language | None = None
) -> Recognizer:
    """A recogniser without files."""
    fusion = fusion_for(bundle, language) if language else None
    return Recognizer(bundle, Overheard(TorchEngine.from_bundle(bundle)), decoding, fusion)


def signal(seconds: float, rate: int, seed: int = 0) -> NDArray[np.float32]:
    """Bursts of noise of different colours, with pauses between them."""
    count, random = round(seconds * rate), np.random.default_rng(seed)
    steps = np.repeat(random.choice([0.001, 0.03, 0.3, 1.0], 1 + count // (rate // 10)), rate // 10)[:count]
    sound = noise(seconds, rate, seed) + chirp(100, 3_500, seconds, rate, 0.3)
    return np.asarray(sound[:count] * steps, np.float32)


def pieces(samples: NDArray[np.float32], sizes: Sequence[int]) -> Iterator[NDArray[np.float32]]:
    """Cuts samples into pieces of these sizes, which are repeated as long as there are samples."""
    first = 0
    for size in cycle([*sizes, 1]):
        if first >= len(samples):
            return
        yield samples[first : first + size]
        first += size


def listen(session: StreamingSession, samples: NDArray[np.float32], sizes: Sequence[int]) -> Transcript:
    """Pushes samples in pieces, checks at every piece that what is stable stays as it is, and finishes."""
    before = session.stable
    for piece in pieces(samples, sizes):
        session.push(piece)
        stable = session.stable
        if stable != before:
            assert stable.startswith(before)
            assert (stable + session.tail).startswith(stable)
        before = stable
    transcript = session.finish()
    assert transcript.text.startswith(before)
    assert session.stable == transcript.text
    assert session.tail == ""
    return transcript


def assert_same(one: Transcript, other: Transcript) -> None:
    """The same texts and times to the last bit, and confidences within 1e-4."""
    assert one.text == other.text
    assert one.duration == other.duration
    assert len(one.segments) == len(other.segments)
    for segment, expected in zip(one.segments, other.segments, strict=True):
        assert (segment.start, segment.end, segment.text) == (expected.start, expected.end, expected.text)
        assert_same_words(segment.words, expected.words)


def assert_same_words(words: Sequence[Word], expected: Sequence[Word], within: float = 0.0) -> None:
    """The same, of words, whose times may differ by so much."""
    assert [word.text for word in words] == [word.text for word in expected]
    for word, other in zip(words, expected, strict=True):
        assert abs(word.start - other.start) <= within
        assert abs(word.end - other.end) <= within
        assert abs(word.confidence - other.confidence) < 1e-4


def moved(segment: Segment, start: float) -> tuple[Word, ...]:
    """The words of a segment with times from `start` on."""
    return tuple(replace(word, start=word.start + start, end=word.end + start) for word in segment.words)
