"""Laws 4 and 3: a full-width beam sums over all alignments of every text; chunks change nothing."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from asr.config import DecodingConfig
from asr.decode.beam import BeamDecoder
from tests.helpers.beam import Emissions, emissions, enumerate_texts, tiny_emissions

EVERYTHING = DecodingConfig(beam_size=3000, beam_threshold=1e6, cutoff_top_n=100)


@given(tiny_emissions())
def test_a_full_width_beam_is_the_enumeration_of_all_alignments(log_probs: Emissions) -> None:
    expected = {tokens: total for tokens, total in enumerate_texts(log_probs).items() if total > -np.inf}
    found = BeamDecoder(EVERYTHING, log_probs.shape[1]).decode(log_probs, nbest=3000)
    assert {hypothesis.tokens for hypothesis in found} == set(expected)
    for hypothesis in found:
        assert abs(hypothesis.total - expected[hypothesis.tokens]) < 1e-6
    totals = [hypothesis.total for hypothesis in found]
    assert totals == sorted(totals, reverse=True)


@given(st.integers(0, 2**32), st.integers(0, 150), st.integers(1, 20), st.integers(5, 200), st.data())
def test_chunks_of_a_stream_change_nothing(
    seed: int, frames: int, width: int, commit: int, data: st.DataObject
) -> None:
    log_probs = emissions(seed, frames, 5)
    decoder = BeamDecoder(DecodingConfig(beam_size=width, commit_frames=commit), 5)
    state, at = decoder.start(), 0
    while at < frames:
        chunk = data.draw(st.integers(0, 60))
        decoder.advance(state, log_probs[at : at + chunk])
        at += chunk
    assert decoder.finish(state, nbest=width) == decoder.decode(log_probs, nbest=width)
