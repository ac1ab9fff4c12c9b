"""Laws 4 and 3 with words: a wide beam finds every text and its total; chunks of a stream change nothing."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.config import DecodingConfig
from asr.decode.beam import BeamDecoder
from asr.decode.ctc import Hypothesis
from asr.decode.fusion import Fusion
from asr.decode.graph.phrases import graph_of_phrases
from asr.decode.graph.pronunciation import graph_of_lexicon
from asr.decode.graph.spelling import graph_of_words
from asr.decode.graph.word_graph import WordGraph
from asr.decode.hotwords import Hotword
from asr.text.lexicon import lexicon_from
from asr.text.units import Units
from tests.helpers.beam import emissions
from tests.helpers.objective import Parts, Spelling, Text, World, objective, readings
from tests.helpers.worlds import Kind, Vocabulary, heard, world_of, worlds

EVERYTHING = DecodingConfig(beam_size=4000, beam_threshold=1e6, cutoff_top_n=100)
KINDS = [
    ("characters", "tokens"), ("characters", "open"), ("characters", "closed"), ("characters", "grammar"),
    ("subwords", "tokens"), ("subwords", "open"), ("subwords", "closed"), ("subwords", "grammar"),
    ("phones", "tokens"), ("phones", "closed"), ("phones", "grammar"),
]  # fmt: skip
every_kind = pytest.mark.parametrize(("kind", "vocabulary"), KINDS)


def fusion_of(world: World) -> Fusion:
    units = Units(world.texts, separator=world.separator, mark=world.mark)
    return Fusion(
        units=units,
        graph=graph_of(world, units),
        vocabulary="open" if world.vocabulary == "tokens" else world.vocabulary,
        word_model=world.word_model,
        token_model=world.token_model,
        alpha=world.alpha,
        token_alpha=world.token_alpha,
        beta=world.beta,
        unknown_score=world.unknown_score,
        unknown_letter=world.unknown_letter,
        hotwords=tuple(Hotword(*hotword) for hotword in world.hotwords),
    )


def graph_of(world: World, units: Units) -> WordGraph | None:
    lexicon = lexicon_from([(line.word, line.tokens, line.log_prob) for line in world.spellings])
    if world.vocabulary == "tokens":
        return None
    if world.vocabulary == "grammar":
        return graph_of_phrases(world.phrases, units, lexicon if world.spellings else None)
    return graph_of_lexicon(lexicon, units) if world.spellings else graph_of_words(world.words, units)


def decoder_of(world: World, config: DecodingConfig = EVERYTHING) -> BeamDecoder:
    return BeamDecoder(config, len(world.texts), fusion_of(world))


def text_of(world: World, hypothesis: Hypothesis) -> Text:
    if world.vocabulary == "tokens":
        return hypothesis.tokens
    if hypothesis.words is not None:
        return " ".join(word.text for word in hypothesis.words)
    ((words, _),) = readings(world, hypothesis.tokens)  # the tokenizer is to say
    return " ".join(words)


@settings(max_examples=50)
@every_kind
@given(st.data())
def test_a_wide_beam_finds_every_text_and_its_total(kind: Kind, vocabulary: Vocabulary, data) -> None:
    world = data.draw(worlds(kind, vocabulary))
    log_probs = data.draw(heard(world))
    expected = objective(world, log_probs)
    found = decoder_of(world).decode(log_probs, nbest=4000)
    if not expected:  # what is heard is the beginning of nothing
        assert [hypothesis.tokens for hypothesis in found] == [()]
        return
    totals = {text_of(world, hypothesis): hypothesis.total for hypothesis in found}
    assert len(totals) == len(found), "a text stands there twice"
    assert totals == pytest.approx({text: parts.total for text, parts in expected.items()}, abs=1e-6, rel=0)
    assert list(totals.values()) == sorted(totals.values(), reverse=True)
    for hypothesis in found:
        check_parts(world, hypothesis, expected[text_of(world, hypothesis)])
        check_words(world, hypothesis)
        if world.vocabulary != "tokens":
            texts = [" ".join(words) for words, _ in readings(world, hypothesis.tokens)]
            assert text_of(world, hypothesis) in texts


def check_parts(world: World, hypothesis: Hypothesis, parts: Parts) -> None:
    """What does not depend on how much of the search was kept."""
    if world.token_model is None or world.vocabulary == "tokens":
        assert hypothesis.language == pytest.approx(parts.language + parts.unknown, abs=1e-6)
    assert hypothesis.bonus == pytest.approx(parts.bonus, abs=1e-6)
    assert hypothesis.hotwords == pytest.approx(parts.hotwords, abs=1e-6)
    together = hypothesis.acoustic + hypothesis.language + hypothesis.bonus + hypothesis.hotwords
    assert hypothesis.total == pytest.approx(together, abs=1e-6)


def check_words(world: World, hypothesis: Hypothesis) -> None:
    """Its tokens write its words, each its own."""
    at = 0
    for word in hypothesis.words or ():
        assert at <= word.first < word.last <= len(hypothesis.tokens)
        at = word.last
        tokens = hypothesis.tokens[word.first : word.last]
        assert any(" ".join(found) == word.text for found, _ in readings(world, tokens))


@settings(max_examples=25)
@every_kind
@given(st.integers(1, 6), st.data())
def test_a_narrow_beam_promises_no_more_than_the_truth(
    kind: Kind, vocabulary: Vocabulary, width: int, data
) -> None:
    world = data.draw(worlds(kind, vocabulary))
    log_probs = data.draw(heard(world))
    expected = objective(world, log_probs)
    found = decoder_of(world, replace(EVERYTHING, beam_size=width)).decode(log_probs, nbest=width)
    assert len({text_of(world, hypothesis) for hypothesis in found}) == len(found)
    if len(found) == 1:  # perhaps the beginning of a text, as none was finished
        return
    for hypothesis in found:
        parts = expected[text_of(world, hypothesis)]
        check_parts(world, hypothesis, parts)
        assert hypothesis.total < parts.total + 1e-6


@settings(max_examples=20)
@every_kind
@given(st.integers(0, 2**32), st.integers(0, 100), st.integers(1, 12), st.integers(3, 120), st.data())
def test_chunks_of_a_stream_change_nothing(
    kind: Kind, vocabulary: Vocabulary, seed: int, frames: int, width: int, commit: int, data
) -> None:
    world = data.draw(worlds(kind, vocabulary))
    log_probs = emissions(seed, frames, len(world.texts))
    decoder = decoder_of(world, DecodingConfig(beam_size=width, commit_frames=commit))
    state, at = decoder.start(), 0
    while at < frames:
        chunk = data.draw(st.integers(0, 60))
        decoder.advance(state, log_probs[at : at + chunk])
        decoder.finish(state)
        at += chunk
    streamed, whole = decoder.finish(state, nbest=width), decoder.decode(log_probs, nbest=width)
    assert streamed == whole
    assert len({text_of(world, hypothesis) for hypothesis in whole}) == len(whole)
    for hypothesis in whole:
        assert np.isfinite(hypothesis.total)
        check_words(world, hypothesis)


def test_texts_that_were_joined_are_aligned_even_if_one_of_them_needs_more_frames() -> None:
    lines = (Spelling("two", (1,)), Spelling("two", (2, 1)), Spelling("x", (2,)))
    world = World(texts=("", "P", "T"), vocabulary="closed", spellings=lines)
    rows = [[0.1, 0.2, 0.7], [0.1, 0.6, 0.3], [0.3, 0.1, 0.6], [0.1, 0.1, 0.8]]
    found = decoder_of(world).decode(np.log(np.array(rows, np.float32)), nbest=100)
    # "two" as 2, 1 is better at first, but 2, 1, 2, 2 has no room in four frames; 1, 2, 2 has
    (frames,) = (one.first_frames for one in found if text_of(world, one) == "two x x")
    assert list(frames) == sorted(set(frames))


def test_a_mark_alone_is_no_word_even_where_no_word_begins_with_it() -> None:
    world = World(texts=("", "▁", "▁a"), mark="▁", vocabulary="open", words=("a",), beta=0.0)
    found = decoder_of(world).decode(np.log(np.array([[0.1, 0.6, 0.3]], np.float32)), nbest=9)
    assert [text_of(world, hypothesis) for hypothesis in found] == ["", "a"]
    assert np.exp(found[0].total) == pytest.approx(0.7)


def test_hotwords_are_words_however_the_lexicon_spells_them() -> None:
    line = Spelling("mr", (1, 2))
    world = World(texts=("", "a", "b", "▁"), separator=3, vocabulary="closed", spellings=(line,))
    world = replace(world, hotwords=(("mr", 2.0),))
    sure = np.log(np.array([[0.01, 0.97, 0.01, 0.01], [0.01, 0.01, 0.97, 0.01]], np.float32))
    (best,) = decoder_of(world).decode(sure)
    assert (text_of(world, best), best.hotwords) == ("mr", 2.0)


def test_what_a_search_forgets_does_not_depend_on_where_a_stream_is_cut() -> None:
    random = Random(118)
    world = world_of(random, "subwords", "open")
    frames, width, commit = random.randint(60, 150), random.randint(1, 12), random.choice([30, 40, 60])
    sharpness = (0.5, 2.0, 4.0)
    log_probs = emissions(random.getrandbits(32), frames, len(world.texts), random.choice(sharpness))
    decoder = decoder_of(world, DecodingConfig(beam_size=width, commit_frames=commit))
    whole = decoder.decode(log_probs, nbest=width)
    for cut in range(frames):
        state = decoder.start()
        decoder.advance(state, log_probs[:cut])
        decoder.advance(state, log_probs[cut:])
        assert decoder.finish(state, nbest=width) == whole, f"cut after {cut} frames"


def test_what_cannot_be_heard_is_nothing() -> None:
    world = world_of(Random(2), "subwords", "closed")
    log_probs = np.array([[-np.inf, -1.1310716, -1.4255142, -1.5386927, -2.255433]], np.float32)
    (found,) = decoder_of(world, EVERYTHING).decode(log_probs)
    assert (text_of(world, found), found.total) == ("", -np.inf)
