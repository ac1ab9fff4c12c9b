"""What the search does not look at could not have been chosen: without its bounds it finds the same."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.config import DecodingConfig
from asr.decode.beam import BeamDecoder
from asr.decode.knowledge.arrays import SETTINGS
from asr.decode.knowledge.layout import Layout
from asr.decode.search.kernel import advance, finals
from asr.decode.search.tree import FRAMES
from asr.lm.arcs import read_only
from tests.helpers.beam import Emissions, emissions
from tests.helpers.worlds import Kind, Vocabulary, world_of, worlds
from tests.laws.test_fusion import decoder_of, every_kind

FAR = 1e4  # nats


def found(decoder: BeamDecoder, layout: Layout, reach: float, log_probs: Emissions) -> dict[int, float]:
    """The total of every text that a search may end with, where a token may gain so much more."""
    unbounded = layout.knowledge.settings.copy()
    unbounded["reach"] += reach
    knowledge = layout.knowledge._replace(settings=read_only(unbounded, SETTINGS))
    state = decoder.start()
    advance(log_probs, decoder._limits, knowledge, state.search)
    assert state.search.counts[FRAMES] == len(log_probs), "no room"
    return {int(final["text"]): float(final["total"]) for final in finals(knowledge, state.search)}


@settings(max_examples=60)
@every_kind
@given(st.integers(0, 2**32), st.integers(1, 14), st.integers(2, 6), st.data())
def test_bounds_change_nothing(
    kind: Kind, vocabulary: Vocabulary, seed: int, frames: int, width: int, data
) -> None:
    world = data.draw(worlds(kind, vocabulary))
    log_probs = emissions(seed, frames, len(world.texts))
    decoder = decoder_of(world, DecodingConfig(beam_size=width))
    bounded, free = (found(decoder, decoder._layout, reach, log_probs) for reach in (0.0, FAR))
    assert bounded == pytest.approx(free, abs=1e-9)


def test_bounds_know_a_token_model_that_backs_off_to_more_than_1() -> None:
    world = world_of(Random(26), "subwords", "open")
    assert world.token_model
    assert world.token_model.greatest_log_prob() > 0
    log_probs = emissions(12, 11, len(world.texts))
    decoder = decoder_of(world, DecodingConfig(beam_size=5))
    bounded, free = (found(decoder, decoder._layout, reach, log_probs) for reach in (0.0, FAR))
    assert bounded == pytest.approx(free, abs=1e-9)
