"""Law 3, of decided words: whatever follows, they begin every text that a search can end with.

Taking finished words out of a search changes neither the other words nor where any of them was heard.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.config import DecodingConfig
from asr.decode.beam import BeamDecoder
from asr.decode.ctc import Hypothesis, greedy
from asr.decode.partial import common_node
from asr.decode.search.tree import BEAMS, NODES
from asr.decode.words import spans
from asr.recognize.stream_decoding import GreedyStream, emitted
from asr.text.phones import PhoneTokenizer
from asr.text.tokenizer import BLANK, CharacterTokenizer, Tokenizer, WordTokenizer
from tests.helpers.beam import emissions
from tests.helpers.objective import World
from tests.helpers.worlds import heard, worlds
from tests.laws.test_fusion import fusion_of

KINDS = [
    ("characters", "tokens"), ("characters", "open"), ("characters", "closed"), ("characters", "grammar"),
    ("subwords", "open"), ("subwords", "closed"), ("phones", "closed"), ("phones", "grammar"),
]  # fmt: skip
every_kind = pytest.mark.parametrize(("kind", "vocabulary"), KINDS)
SEARCHES = st.builds(
    DecodingConfig,
    beam_size=st.sampled_from([1, 2, 5, 40]),
    beam_threshold=st.sampled_from([1.0, 4.0, 20.0]),
    commit_frames=st.sampled_from([1, 2, 3, 7, 100]),
)
TOKENIZERS = [
    CharacterTokenizer((BLANK, "▁", "a", "b")),
    CharacterTokenizer((BLANK, "a", "b")),
    PhoneTokenizer((BLANK, "▁", "aa", "b")),
    WordTokenizer((BLANK, "one", "two")),
]
Spoken = tuple[str, tuple[int, ...], tuple[int, ...], tuple[float, ...]]


def tokenizer_of(world: World) -> Tokenizer:
    return CharacterTokenizer((BLANK, *world.texts[1:]))


def spoken(hypothesis: Hypothesis | None, tokenizer: Tokenizer) -> list[Spoken]:
    """The words, with the frames and log-probabilities of their tokens."""
    if hypothesis is None:
        return []
    parts = hypothesis.first_frames, hypothesis.last_frames, hypothesis.log_probs
    return [
        (span.text, *(part[span.first : span.last] for part in parts))  # type: ignore[misc]
        for span in spans(hypothesis, tokenizer)
    ]


def is_beginning(text: str, whole: str) -> bool:
    return not text or whole == text or whole.startswith(f"{text} ")


def check_decided(decoder: BeamDecoder, tokenizer: Tokenizer, log_probs: np.ndarray) -> None:
    partials, state, decided = decoder.partials(tokenizer), decoder.start(), [""]
    for row in log_probs:
        decoder.advance(state, row[None])
        decided.append(partials.decided(state))
        texts = [
            " ".join(word.text for word in spans(found, tokenizer)) for found in decoder.finish(state, 1000)
        ]
        for text in texts:
            assert is_beginning(decided[-1], text)
        assert partials.text(state) == texts[0]
    for earlier, later in pairwise(decided):
        assert is_beginning(earlier, later)


@settings(max_examples=40)
@every_kind
@given(st.data(), SEARCHES)
def test_decided_words_begin_every_text_that_may_follow(kind, vocabulary, data, search) -> None:
    world = data.draw(worlds(kind, vocabulary))
    log_probs = data.draw(heard(world, frames=14))
    decoder = BeamDecoder(search, len(world.texts), fusion_of(world))
    tokenizer = tokenizer_of(world)
    check_decided(decoder, tokenizer, log_probs)


@settings(max_examples=40)
@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=["separator", "no separator", "phones", "words"])
@given(st.integers(0, 2**32), SEARCHES)
def test_without_anything_known_too(tokenizer, seed, search) -> None:
    log_probs = emissions(seed, 20, len(tokenizer.vocabulary), 4.0)
    decoder = BeamDecoder(search, len(tokenizer.vocabulary))
    state, before = decoder.start(), ""
    for row in log_probs:
        decoder.advance(state, row[None])
        decided = decoder.partials(tokenizer).decided(state)
        assert decided.startswith(before)
        before = decided
    assert decoder.partials(tokenizer).text(state).startswith(before)


@settings(max_examples=40)
@every_kind
@given(st.data(), SEARCHES, st.lists(st.booleans(), min_size=1))
def test_words_may_be_taken_out_of_a_search(kind, vocabulary, data, search, moments) -> None:
    world = data.draw(worlds(kind, vocabulary))
    log_probs = data.draw(heard(world, frames=14))
    decoder, tokenizer = BeamDecoder(search, len(world.texts), fusion_of(world)), tokenizer_of(world)
    partials, state, taken = decoder.partials(tokenizer), decoder.start(), []
    for frame, row in enumerate(log_probs):
        decoder.advance(state, row[None])
        if moments[frame % len(moments)]:
            taken += spoken(partials.settle(state), tokenizer)
    whole = spoken(decoder.decode(log_probs)[0], tokenizer)
    assert taken + spoken(decoder.finish(state)[0], tokenizer) == whole


@settings(max_examples=40)
@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=["separator", "no separator", "phones", "words"])
@given(st.integers(0, 2**32), st.lists(st.integers(0, 6), min_size=1), st.booleans())
def test_the_best_path_in_pieces_is_that_of_the_whole(tokenizer, seed, sizes, settling) -> None:
    log_probs = emissions(seed, 40, len(tokenizer.vocabulary), 1.0)
    stream, first, taken, decided = GreedyStream(tokenizer), 0, [], ""
    state = stream.start()
    for size in [*sizes * 40, 40]:
        before, (new,) = state, emitted([log_probs[first : first + size]])
        state = stream.advance(before, new)
        first += size
        if settling:
            done, state = stream.settle(state)
            taken += spoken(done, tokenizer)
        else:
            assert stream.decided(state).startswith(decided)
            assert stream.decides(before, state) or stream.decided(state) == decided
            decided = stream.decided(state)
            assert stream.text(state) == tokenizer.decode(state.tokens)
            assert stream.text(state).startswith(decided)
    whole = greedy(log_probs)
    assert taken + spoken(stream.finish(state), tokenizer) == spoken(whole, tokenizer)
    assert state.total == pytest.approx(whole.total)
    assert state.frames == len(log_probs)


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.sampled_from([2, 5, 40]))
def test_the_common_node_is_the_last_above_all_beams(seed, width) -> None:
    decoder = BeamDecoder(DecodingConfig(beam_size=width), 4)
    state = decoder.start()
    decoder.advance(state, emissions(seed, 12, 4, 3.0))
    search = state.search
    above = []
    for node in search.beams["node"][: search.counts[BEAMS]].tolist():
        line = {node}
        while node := max(int(search.nodes["parent"][node]), 0):
            line.add(node)
        above.append(line | {0})
    assert common_node(search) == max(set.intersection(*above))
    assert search.counts[NODES] > width
