"""Laws hold for models as they are, and engines that break one are found out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.decode.ctc import Emission
from asr.recognize.engine import AcousticState, Array, Engine
from asr.recognize.onnx_engine import OnnxEngine
from asr.recognize.recognizer import Recognizer
from asr.recognize.torch_engine import TorchEngine
from asr.verify.acoustic import Subject, acoustic_laws, agreement
from asr.verify.law import BOUND, Found, Law, difference, examine
from asr.verify.sounds import LONGEST, Sounds, bursts, non_speech
from asr.verify.words import stream_law
from asr.window import Window
from tests.helpers.engines import exported_model

STREAMING = {"bidirectional": False, "lookahead": 2, "normalization": "running", "layers": 2}
SOUNDS = Sounds(16_000)


class Bad:
    """An engine with a mistake."""

    def __init__(self, engine: Engine, mistake: str) -> None:
        self._engine, self._mistake = engine, mistake

    @property
    def window(self) -> Window:
        return self._engine.window

    @property
    def streams(self) -> bool:
        return self._engine.streams

    @property
    def variant(self) -> str:
        return self._engine.variant

    def run(self, features: Array, lengths: np.ndarray) -> Emission:
        if self._mistake == "reads padding":
            lengths = np.full_like(lengths, features.shape[1])
        found = self._engine.run(features, lengths)
        if self._mistake == "company":
            return Emission(found.log_probs + np.float32(0.001) * (len(lengths) - 1), found.lengths)
        if self._mistake == "places":
            places = np.arange(len(lengths), dtype=np.float32)[:, None, None]
            return Emission(found.log_probs + np.float32(0.001) * places, found.lengths)
        return found

    def ready(self, frames: int) -> int:
        return self._engine.ready(frames)

    def start(self) -> AcousticState:
        return self._engine.start()

    def step(
        self, states: Sequence[AcousticState], features: Sequence[Array], ending: bool = False
    ) -> list[tuple[Array, AcousticState]]:
        found = self._engine.step(states, features, ending)
        if self._mistake == "forgets":
            zero = self._engine.start().recurrent
            return [(one, AcousticState(state.convolutions, zero, state.lookahead)) for one, state in found]
        return found


def subject(engine: str = "torch", mistake: str = "", **changes: object) -> Subject:
    bundle = exported_model(**{**STREAMING, **changes})
    made: Engine = TorchEngine.from_bundle(bundle) if engine == "torch" else OnnxEngine(bundle)
    return Subject(engine, Recognizer(bundle, Bad(made, mistake) if mistake else made), SOUNDS)


@pytest.mark.parametrize("engine", ["torch", "onnx"])
@pytest.mark.parametrize("changes", [{}, {"cell": "gru"}, {"bidirectional": True, "lookahead": 0}])
def test_laws_hold(engine: str, changes: dict[str, object]) -> None:
    verdicts = [examine(law, 0.2) for law in acoustic_laws(subject(engine, **changes))]
    assert {verdict.state for verdict in verdicts} == {"held"}
    assert len(verdicts) == (3 if changes.get("bidirectional") else 4)


@pytest.mark.parametrize(
    ("mistake", "law"),
    [
        ("company", "an utterance in a batch = alone"),
        ("reads padding", "padding changes nothing"),
        ("places", "order changes nothing"),
        ("forgets", "a stream in chunks = whole"),
    ],
)
def test_a_mistake_breaks_its_law(mistake: str, law: str) -> None:
    laws = {one.name: one for one in acoustic_laws(subject("onnx", mistake))}
    verdict = examine(laws[f"onnx: {law}"], 5)
    assert verdict.state == "broken"
    assert "differs by " in verdict.text


def test_a_stream_that_forgets_says_other_words() -> None:
    assert examine(stream_law(subject("onnx")), 0.5).state == "held"
    verdict = examine(stream_law(subject("onnx", "forgets")), 5)
    assert verdict.state == "broken"
    assert " words (" in verdict.text


def test_engines_agree_and_others_do_not() -> None:
    assert examine(agreement(subject("onnx"), subject("torch")), 0.2).state == "held"
    other = agreement(subject("onnx", seed=1), subject("torch"))
    assert examine(other, 1).state == "broken"
    told = agreement(subject("onnx", seed=1), subject("torch"), exact=False)
    assert examine(told, 0).state == "reported"


def test_a_law_is_tried_until_the_time_is_over_or_it_is_broken() -> None:
    def law(*differences: float, bound: float | None = 1.0) -> Law:
        values = iter(differences)
        return Law("x", lambda random: Found(next(values), "here"), bound)

    assert examine(law(0.5), 0).text == "differs by 0.5 (here) at most in 1 trial"
    assert examine(law(0.5, 2.0), 10).text == "differs by 2 (here), trial 2"
    assert examine(law(0.5, 2.0), 10).state == "broken"
    for value in (math.nan, math.inf):
        assert examine(law(value), 0).state == "broken"
    assert examine(law(2.0, bound=None), 0).state == "reported"
    assert examine(Law("x", lambda random: Found(3), 0, "word"), 0).text == "3 words, trial 1"
    assert examine(Law("x", lambda random: Found(1), None, "word"), 0).text == "1 word at most in 1 trial"


def test_chance_is_the_same_for_the_same_seed() -> None:
    law = Law("x", lambda random: Found(float(random.random())), None)
    assert examine(law, 0, 1) == examine(law, 0, 1) != examine(law, 0, 2)


@settings(max_examples=30)
@given(st.integers(0, 20), st.integers(0, 99))
def test_a_difference_is_that_of_probabilities(frames: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    logits = random.standard_normal((frames, 5)).astype(np.float32)
    one = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    assert difference(one, one) == 0
    assert difference(one[:, :4], one) == math.inf
    if frames:
        other = one.copy()
        other[0, 0] += 0.01
        assert difference(other, one) > BOUND


def test_drawn_sounds_are_stretches_of_recordings_or_made() -> None:
    random = np.random.default_rng(0)
    recording = np.linspace(0, 0.9, 40_000, dtype=np.float32)
    drawn = [Sounds(16_000, [recording]).draw(random) for _ in range(40)]
    stretches = [one for one in drawn if len(one) > 1 and (np.diff(one) > 0).all()]
    assert 5 < len(stretches) < 35
    for one in drawn:
        assert one.dtype == np.float32
        assert len(one) <= LONGEST * 16_000
        assert np.abs(one).max(initial=0) <= 1
    assert len(bursts(0, 16_000, random)) == 0


@given(st.sampled_from([8_000, 16_000]), st.integers(0, 99))
@settings(max_examples=10)
def test_sounds_without_speech_are_loud_but_not_too_loud(rate: int, seed: int) -> None:
    sounds = non_speech(rate, np.random.default_rng(seed))
    assert len(sounds) == 7
    for name, samples in sounds.items():
        assert samples.dtype == np.float32
        assert (np.abs(samples).max() > 0.05) == (name != "silence")
        assert np.isfinite(samples).all()
