"""What a recogniser knows of a language: files become a fusion, or one line that says what is wrong."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import asr
from asr.bundle import Bundle, save_bundle
from asr.config import DecodingConfig
from asr.decode.beam import BeamDecoder
from asr.decode.fusion import Fusion
from asr.decode.hotwords import Hotword
from asr.decode.tuning import TunedModel, Tuning
from asr.errors import AsrError, FusionError
from asr.lm.construction import load_language_model
from asr.recognize.batches import emissions
from asr.recognize.language import SOUND_ALONE, Language, fusion_for
from asr.recognize.recognizer import Recognizer, load
from asr.recognize.torch_engine import TorchEngine
from tests.helpers.bundles import TEXTS, random_model
from tests.helpers.language import letter_lm, small_lm
from tests.helpers.tones import chirp

SOUND = chirp(100, 5_000, 2)
VOCABULARY = {word for text in TEXTS for word in text.split()}


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return random_model()


@pytest.fixture(scope="module")
def lm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_lm(tmp_path_factory.mktemp("lm") / "lm.arpa")


def heard(bundle: Bundle) -> np.ndarray:
    recognizer = Recognizer(bundle, TorchEngine.from_bundle(bundle))
    ((_, log_probs),) = emissions(recognizer.engine, [recognizer.features(SOUND)])
    return log_probs


def carrying(bundle: Bundle, lm: Path, **tuning: float) -> Bundle:
    return replace(bundle, language=TunedModel(load_language_model(lm), Tuning(**tuning)))


def test_nothing_known_is_no_fusion(bundle: Bundle) -> None:
    assert fusion_for(bundle, Language()) is None
    assert fusion_for(bundle, SOUND_ALONE) is None


def test_a_language_model_counts_as_the_decoder_says(bundle: Bundle, lm: Path) -> None:
    fusion = fusion_for(bundle, Language(lm=lm, alpha=0.7, beta=2, unknown_score=-3, unknown_letter=-0.25))
    assert fusion is not None
    by_hand = Fusion(
        units=bundle.tokenizer.units,
        word_model=load_language_model(lm),
        alpha=0.7,
        beta=2.0,
        unknown_score=-3.0,
        unknown_letter=-0.25,
    )
    log_probs = heard(bundle)
    config = DecodingConfig(beam_size=20)
    found = BeamDecoder(config, len(bundle.vocabulary), fusion).decode(log_probs, nbest=3)
    assert found == BeamDecoder(config, len(bundle.vocabulary), by_hand).decode(log_probs, nbest=3)
    assert found != BeamDecoder(config, len(bundle.vocabulary)).decode(log_probs, nbest=3)


def test_only_known_words_are_written_where_the_vocabulary_is_closed(bundle: Bundle, lm: Path) -> None:
    engine = TorchEngine.from_bundle(bundle)
    recognizers = [
        Recognizer(bundle, engine, DecodingConfig(), fusion_for(bundle, Language(lm=lm, closed=closed)))
        for closed in (True, False)
    ]
    closed, open_ = (recognizer.transcribe_samples(SOUND).text.split() for recognizer in recognizers)
    assert closed
    assert set(closed) <= VOCABULARY
    assert not set(open_) <= VOCABULARY


def test_a_lexicon_alone_gives_nothing_for_the_number_of_words(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("one o n e\nei e i\n")
    fusion = fusion_for(bundle, Language(lexicon=tmp_path / "words.txt"))
    assert fusion is not None
    assert (fusion.vocabulary, fusion.beta) == ("closed", 0.0)
    assert fusion_for(bundle, Language(lexicon=tmp_path / "words.txt", beta=1.5)).beta == 1.5


def test_a_grammar_allows_its_phrases(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "commands.txt").write_text("One  two\n\nnine\n")
    fusion = fusion_for(bundle, Language(grammar=tmp_path / "commands.txt"))
    recognizer = Recognizer(bundle, TorchEngine.from_bundle(bundle), DecodingConfig(), fusion)
    assert recognizer.transcribe_samples(SOUND).text in ("one two", "nine", "")
    (tmp_path / "words.txt").write_text("one o n e\none o e\ntwo t w o\nnine n i n e\n")
    pronounced = fusion_for(
        bundle, Language(grammar=tmp_path / "commands.txt", lexicon=tmp_path / "words.txt")
    )
    assert set(pronounced.graph.words) == {"one two", "nine"}
    assert len(pronounced.graph.word_ids) == 3


def test_hotwords_come_from_a_file_or_as_values(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "hot.txt").write_text("Seven\t9\nzero\n")
    expected = (Hotword("seven", 9.0), Hotword("zero", 5.0))
    assert fusion_for(bundle, Language(hotwords=tmp_path / "hot.txt")).hotwords == expected
    assert fusion_for(bundle, Language(hotwords=expected)).hotwords == expected


def test_models_of_tokens_and_of_words_go_together(bundle: Bundle, lm: Path, tmp_path: Path) -> None:
    letters = letter_lm(tmp_path / "letters.arpa")
    fusion = fusion_for(bundle, Language(lm=lm, token_lm=letters, token_alpha=0.3))
    assert fusion.token_model is not None
    assert fusion.word_model is not None
    assert fusion.token_alpha == 0.3
    alone = fusion_for(bundle, Language(token_lm=letters, unknown_score=-2.0))
    assert (alone.word_model, alone.unknown_score) == (None, -2.0)


def test_tokens_that_are_whole_words_have_a_closed_vocabulary(lm: Path) -> None:
    fusion = fusion_for(random_model(kind="words"), Language(lm=lm))
    assert fusion.vocabulary == "closed"
    assert set(fusion.graph.words) == VOCABULARY


def test_the_carried_model_is_used_with_its_tuning_unless_told_otherwise(
    bundle: Bundle, lm: Path, tmp_path: Path
) -> None:
    carrier = carrying(bundle, lm, alpha=0.9, beta=2.5, unknown_score=-4.0, unknown_letter=-0.5, closed=True)
    fusion = fusion_for(carrier, Language())
    assert (fusion.alpha, fusion.beta) == (0.9, 2.5)
    assert (fusion.unknown_score, fusion.unknown_letter) == (-4.0, -0.5)
    assert fusion_for(carrier, Language(unknown_letter=0)).unknown_letter == 0.0
    assert fusion.vocabulary == "closed"
    assert fusion_for(carrier, SOUND_ALONE) is None
    assert fusion_for(carrier, Language(alpha=0.1, closed=False)).alpha == 0.1
    assert fusion_for(carrier, Language(alpha=0.1, closed=False)).vocabulary == "open"
    assert fusion_for(carrier, Language(hotwords=(Hotword("one"),))).word_model is carrier.language.model
    other = fusion_for(carrier, Language(lm=small_lm(tmp_path / "other.lm")))
    assert (other.alpha, other.vocabulary) == (0.5, "open")
    (tmp_path / "grammar.txt").write_text("one\n")
    assert fusion_for(carrier, Language(grammar=tmp_path / "grammar.txt")).word_model is None


def test_load_searches_as_wide_as_the_carried_model_was_tuned_for(
    bundle: Bundle, lm: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save_bundle(carrying(bundle, lm, alpha=0.9, beam_size=7), tmp_path / "model")
    with caplog.at_level(logging.INFO, logger="asr"):
        carrier = load(tmp_path / "model")
    assert "model carries (alpha 0.9, beta 1, beam size 7)" in caplog.text
    fusion = fusion_for(bundle, Language(lm=lm, alpha=0.9))
    engine = TorchEngine.from_bundle(bundle)
    by_hand = Recognizer(bundle, engine, DecodingConfig(beam_size=7), fusion)
    assert carrier.transcribe_samples(SOUND) == by_hand.transcribe_samples(SOUND)
    plain = Recognizer(bundle, engine).transcribe_samples(SOUND)
    assert load(tmp_path / "model", language=SOUND_ALONE).transcribe_samples(SOUND) == plain
    assert plain != by_hand.transcribe_samples(SOUND)


def test_alternatives_have_totals_that_are_the_sum_of_their_parts(bundle: Bundle, lm: Path) -> None:
    fusion = fusion_for(bundle, Language(lm=lm, hotwords=(Hotword("o", 3.0),)))
    recognizer = Recognizer(bundle, TorchEngine.from_bundle(bundle), DecodingConfig(), fusion)
    transcript = recognizer.transcribe_samples(SOUND, nbest=5)
    assert len(transcript.alternatives) == 5
    assert transcript.alternatives[0].segment == transcript.segments[0]
    totals = [one.total for one in transcript.alternatives]
    assert totals == sorted(totals, reverse=True)
    assert len({one.text for one in transcript.alternatives}) == 5
    for one in transcript.alternatives:
        assert one.total == pytest.approx(one.acoustic + one.language + one.bonus + one.hotwords)
        assert one.bonus == pytest.approx(len(one.segment.words))
    assert recognizer.transcribe_samples(SOUND).alternatives == ()


def test_alternatives_of_a_plain_beam_differ_in_text(bundle: Bundle) -> None:
    recognizer = Recognizer(bundle, TorchEngine.from_bundle(bundle), DecodingConfig(beam_size=30))
    texts = [one.text for one in recognizer.transcribe_samples(SOUND, nbest=20).alternatives]
    assert len(texts) == len(set(texts)) > 10


def test_the_best_path_takes_no_fusion(bundle: Bundle, lm: Path) -> None:
    with pytest.raises(FusionError, match="the best path alone takes no language model"):
        Recognizer(bundle, TorchEngine.from_bundle(bundle), fusion=fusion_for(bundle, Language(lm=lm)))


def test_hotwords_that_the_tokens_cannot_write_are_told_with_their_line(
    bundle: Bundle, tmp_path: Path
) -> None:
    save_bundle(bundle, tmp_path / "model")
    (tmp_path / "hot.txt").write_text("one\ngröße\n", encoding="utf-8")
    with pytest.raises(AsrError, match=r"hot.txt, line 2: the hotword 'größe' can never be recognised: 'ö'"):
        load(tmp_path / "model", language=Language(hotwords=tmp_path / "hot.txt"))


def test_public_names_are_there() -> None:
    assert asr.Language is Language
    assert asr.DecodingConfig is DecodingConfig


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"alpha": 0.5}, "alpha changes nothing here; leave it out, or name a language model of words"),
        ({"beta": 1.0, "hotwords": (Hotword("one"),)}, "beta changes nothing here"),
        ({"unknown_score": 1.0}, "unknown_score changes nothing"),
        (
            {"unknown_letter": -1.0, "lexicon": "x"},
            "unknown_letter changes nothing here; leave it out, or name",
        ),
        ({"lm": "{lm}", "unknown_letter": 0.5}, "unknown_letter must not be above 0"),
        ({"token_alpha": 1.0}, "token_alpha changes nothing here; leave it out, or name a language model of"),
        ({"closed": True}, "closed changes nothing"),
        ({"lm": "no.arpa"}, "no.arpa: no such file; check the path"),
        ({"token_lm": "no.lm"}, "no.lm: no such file"),
        ({"lexicon": "no.txt"}, "no.txt: no such"),
        ({"hotwords": "no.txt"}, "no.txt: no such file"),
        ({"grammar": "no.txt"}, "no.txt: no such file"),
        ({"lm": "{lm}", "grammar": "{text}"}, "a grammar and a language model of words cannot go together"),
        ({"lm": "{lm}", "alpha": -1.0}, "alpha must not be negative"),
        ({"lm": "{upper}"}, "upper.arpa: 12 of its 12 words cannot be written in the tokens of the model, "),
        ({"token_lm": "{lm}"}, "it does not know 17 of the 18 tokens of the model, such as 'a', 'e', 'f'"),
        ({"grammar": "{strange}"}, "strange.txt: the phrase 'größe' of the grammar cannot be written"),
        ({"grammar": "{empty}"}, "empty.txt: the grammar has no phrases; write one a line"),
        ({"lm": "{lm}", "lexicon": "{other}"}, "other.txt: the language model knows none of its words, such"),
    ],
)
def test_what_does_not_go_together_is_one_line(
    bundle: Bundle, lm: Path, tmp_path: Path, wrong: dict, message: str
) -> None:
    files = {"lm": lm, "upper": small_lm(tmp_path / "upper.arpa", [text.upper() for text in TEXTS])}
    for name, content in (
        ("text", "one\n"),
        ("strange", "one\ngröße\n"),
        ("empty", "\n"),
        ("other", "x o\n"),
    ):
        files[name] = tmp_path / f"{name}.txt"
        files[name].write_text(content, encoding="utf-8")
    given = {
        key: value.format_map(files) if isinstance(value, str) else value for key, value in wrong.items()
    }
    with pytest.raises(AsrError) as error:
        fusion_for(bundle, Language(**given))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_few_words_that_cannot_be_written_are_left_out_and_told(
    bundle: Bundle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lm = small_lm(tmp_path / "lm.arpa", [*TEXTS, "größe"])
    with caplog.at_level(logging.INFO, logger="asr"):
        assert fusion_for(bundle, Language(lm=lm)) is not None
    assert "1 of its 13 words cannot be written in the tokens of the model and are left out" in caplog.text
    assert "'größe'" in caplog.text
