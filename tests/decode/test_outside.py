"""A model that is asked from outside finds what the same model finds inside the compiled search."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.config import DecodingConfig
from asr.decode.beam import BeamDecoder
from asr.decode.fusion import Fusion
from asr.decode.graph.spelling import graph_of_words
from asr.decode.scorer import AutomatonScorer, TokenAutomatonScorer
from asr.errors import FusionError
from asr.text.units import Units
from tests.helpers.beam import emissions
from tests.helpers.objective import World
from tests.helpers.worlds import Kind, Vocabulary, world_of, worlds
from tests.laws.test_fusion import fusion_of


def asked(fusion: Fusion) -> Fusion:
    """The same with its models outside; unknown tokens have no score of their own there."""
    words, tokens = fusion.word_model, fusion.token_model
    if words is not None:
        graph = fusion.graph or graph_of_words(words.words, fusion.units)
        return replace(fusion, graph=graph, word_model=None, scorer=AutomatonScorer(words))
    assert tokens is not None
    return replace(fusion, token_model=None, scorer=TokenAutomatonScorer(tokens, fusion.units.texts))


WIDE = DecodingConfig(beam_size=2000, beam_threshold=1e6, cutoff_top_n=100)
WITH_WORDS = [("characters", "open"), ("subwords", "open"), ("characters", "closed"), ("phones", "closed")]


@settings(max_examples=20)
@pytest.mark.parametrize(("kind", "vocabulary"), WITH_WORDS)
@given(st.integers(0, 2**32), st.integers(0, 5), st.data())
def test_words(kind: Kind, vocabulary: Vocabulary, seed, frames, data) -> None:
    world = data.draw(worlds(kind, vocabulary).filter(lambda world: world.word_model is not None))
    compare(replace(fusion_of(world), token_model=None), seed, frames)


def knows_all(world: World) -> bool:
    return world.token_model is not None and set(world.texts[1:]) <= set(world.token_model.words)


@settings(max_examples=20)
@pytest.mark.parametrize("kind", ["characters", "subwords", "phones"])
@given(st.integers(0, 2**32), st.integers(0, 5), st.data())
def test_tokens(kind: Kind, seed, frames, data) -> None:
    compare(fusion_of(data.draw(worlds(kind, "tokens").filter(knows_all))), seed, frames)


def compare(fusion: Fusion, seed: int, frames: int) -> None:
    size = len(fusion.units)
    log_probs = emissions(seed, frames, size)
    expected = BeamDecoder(WIDE, size, fusion).decode(log_probs, nbest=5)
    found = BeamDecoder(WIDE, size, asked(fusion)).decode(log_probs, nbest=5)
    assert [one.total for one in found] == pytest.approx([one.total for one in expected], abs=1e-4)
    for one, same in zip(found, expected, strict=True):
        assert one.language == pytest.approx(same.language, abs=1e-4) or one.tokens != same.tokens


@settings(max_examples=20)
@pytest.mark.parametrize(("kind", "vocabulary"), [*WITH_WORDS, ("characters", "tokens")])
@given(st.integers(0, 2**32), st.integers(1, 8), st.integers(5, 80), st.data())
def test_chunks_change_nothing(kind: Kind, vocabulary: Vocabulary, seed, width, commit, data) -> None:
    fits = knows_all if vocabulary == "tokens" else (lambda world: world.word_model is not None)
    fusion = fusion_of(data.draw(worlds(kind, vocabulary).filter(fits)))
    fusion = asked(fusion if vocabulary == "tokens" else replace(fusion, token_model=None))
    log_probs = emissions(seed, 100, len(fusion.units))
    decoder = BeamDecoder(DecodingConfig(beam_size=width, commit_frames=commit), len(fusion.units), fusion)
    state = decoder.start()
    for first in range(0, 100, 7):
        decoder.advance(state, log_probs[first : first + 7])
        decoder.finish(state)
    assert decoder.finish(state, nbest=3) == decoder.decode(log_probs, nbest=3)


def test_a_scorer_of_words_beside_a_model_of_words_is_refused() -> None:
    made = (world_of(Random(seed), "characters", "open").word_model for seed in range(99))
    model = next(model for model in made if model)
    with pytest.raises(FusionError, match="leave one of them out"):
        Fusion(units=Units(("", "a", "▁"), separator=2), word_model=model, scorer=AutomatonScorer(model))
