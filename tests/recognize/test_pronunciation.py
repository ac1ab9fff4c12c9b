"""A model of phones writes the words of the lexicon that its folder carries, and others by their letters."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asr.bundle import LETTER_TO_SOUND, LEXICON, PACKED_MODEL, Bundle, load_bundle, save_bundle
from asr.carried import carried
from asr.config import DecodingConfig, TokenizerConfig
from asr.decode.beam import BeamDecoder
from asr.errors import BundleError, HotwordError
from asr.pronounce.storage import save_letter_to_sound
from asr.pronounce.training import train
from asr.recognize.align import align_samples
from asr.recognize.language import SOUND_ALONE, Language, fusion_for
from asr.recognize.recognizer import load
from asr.text.lexicon_text import Entry
from asr.text.tokenizer import BLANK
from tests.helpers.bundles import random_model
from tests.helpers.console import asr_here
from tests.helpers.language import small_lm
from tests.helpers.tones import chirp

PHONES = ("AA", "B", "D", "IY", "K", "T")
VOCABULARY = (BLANK, "▁", *PHONES)
LETTERS = dict(zip("abdikt", PHONES, strict=True))


def sounded(word: str) -> Entry:
    return Entry(word, tuple(LETTERS[letter] for letter in word))


WORDS = [sounded(a + b + c) for a in "bdkt" for b in "ai" for c in "bdkt"]


def log_probs_of(word: str) -> np.ndarray:
    """Emissions (S, V) of a word whose phones are clear."""
    tokens = [VOCABULARY.index(phone) for phone in sounded(word).phones]
    rows = [token for pair in zip(tokens, [0] * len(tokens), strict=True) for token in pair]
    return np.log(np.eye(len(VOCABULARY))[rows] * 0.9 + 0.1 / len(VOCABULARY)).astype(np.float32)


def text_of(bundle: Bundle, language: Language, log_probs: np.ndarray) -> str:
    decoder = BeamDecoder(DecodingConfig(), len(VOCABULARY), fusion_for(bundle, language))
    words = decoder.decode(log_probs)[0].words or ()
    return " ".join(word.text for word in words)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder that carries a lexicon without `bat`, and a letter-to-sound model."""
    made = tmp_path_factory.mktemp("phones")
    entries = [entry for entry in WORDS if entry.word != "bat"]
    (made / "words.txt").write_text("".join(f"{entry}\n" for entry in entries))
    save_letter_to_sound(train(entries).model, made / "words.l2s")
    bundle = random_model(texts=("abc def",))
    save_bundle(
        replace(
            bundle,
            tokenizer_config=TokenizerConfig(kind="phones", normalizer="lower_words", lexicon=LEXICON),
            vocabulary=VOCABULARY,
        ),
        made / "bundle",
    )
    small_lm(made / "lm.arpa", ("bad dad", "kid did", "bad kid"))
    assert asr_here("lm", "prune", made / "lm.arpa", "-o", made / "lm.ngrams").status == 0
    shown = asr_here(
        "lm", "attach", made / "lm.ngrams", "--model", made / "bundle", "--lexicon", made / "words.txt"
    )
    assert shown.status == 0, shown.err
    return made / "bundle"


def test_words_of_the_carried_lexicon_are_written(folder: Path) -> None:
    bundle = load_bundle(folder)
    assert set(bundle.words) == {LEXICON, LETTER_TO_SOUND}
    assert (folder / PACKED_MODEL).exists()
    fusion = fusion_for(bundle, Language())
    assert fusion is not None
    assert fusion.vocabulary == "closed"
    assert text_of(bundle, Language(), log_probs_of("bad")) == "bad"
    assert text_of(bundle, Language(), log_probs_of("bat")) == "bad"  # as near as the lexicon comes
    assert fusion_for(bundle, SOUND_ALONE) is None


def test_a_hotword_that_is_not_in_the_lexicon_is_guessed_and_told(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "names.txt").write_text("bat\t9\n")
    with caplog.at_level(logging.INFO, "asr"):
        assert (
            text_of(load_bundle(folder), Language(hotwords=tmp_path / "names.txt"), log_probs_of("bat"))
            == "bat"
        )
    assert "'bat' is not in the lexicon; by its letters it sounds like B AA T" in caplog.text


def test_so_are_the_words_of_a_grammar(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "commands.txt").write_text("bat\nkid bat\n")
    language = Language(grammar=tmp_path / "commands.txt")
    bundle = load_bundle(folder)
    assert text_of(bundle, language, log_probs_of("bat")) == "bat"
    between = log_probs_of("a")[:1, [0, 2, *range(1, 2), *range(3, len(VOCABULARY))]]  # a separator
    spoken = np.concatenate([log_probs_of("kid"), between, log_probs_of("bat")])
    assert text_of(bundle, language, spoken) == "kid bat"


def test_without_a_letter_to_sound_model_it_is_an_error(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("bat\n")
    bundle = load_bundle(folder)
    bundle = replace(bundle, words={LEXICON: bundle.words[LEXICON]})
    with pytest.raises(HotwordError, match="'bat' is not in the vocabulary"):
        text_of(bundle, Language(hotwords=tmp_path / "names.txt"), log_probs_of("bat"))


def test_texts_are_aligned_by_how_they_sound(folder: Path) -> None:
    recognizer = load(folder)
    (aligned,) = align_samples(recognizer, [chirp(200, 2000, 3)], ["Bad bat, did"])
    assert [word.text for word in aligned.transcript.words] == ["Bad", "bat,", "did"]
    phones = [token.text for token in aligned.tokens if token.text != "▁"]
    assert phones == [phone for word in ("bad", "bat", "did") for phone in sounded(word).phones]


def test_another_lexicon_comes_first(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("bad K IY D\n")
    assert text_of(load_bundle(folder), Language(lexicon=tmp_path / "mine.txt"), log_probs_of("kid")) == "bad"


def test_a_folder_that_is_written_again_stays_the_same(folder: Path, tmp_path: Path) -> None:
    save_bundle(load_bundle(folder), tmp_path / "again")
    for path in folder.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name


def test_damaged_files_are_refused(folder: Path, tmp_path: Path) -> None:
    bundle = load_bundle(folder)
    for name in (LEXICON, LETTER_TO_SOUND):
        copy = tmp_path / name
        save_bundle(bundle, copy)
        (copy / name).write_bytes((copy / name).read_bytes()[:-5] + b"spoil")
        (tmp_path / "names.txt").write_text("bat\n")
        with pytest.raises(BundleError, match="damaged"):
            fusion_for(load_bundle(copy), Language(hotwords=tmp_path / "names.txt"))
    save_bundle(bundle, tmp_path / "lm")
    (tmp_path / "lm" / PACKED_MODEL).write_bytes(b"spoil")
    with pytest.raises(BundleError, match="damaged"):
        load_bundle(tmp_path / "lm")


def test_a_model_that_spells_takes_no_lexicon_along(tmp_path: Path) -> None:
    save_bundle(random_model(), tmp_path / "bundle")
    (tmp_path / "words.txt").write_text("one o n e\n")
    small_lm(tmp_path / "lm.arpa")
    shown = asr_here(
        "lm",
        "attach",
        tmp_path / "lm.arpa",
        "--model",
        tmp_path / "bundle",
        "--lexicon",
        tmp_path / "words.txt",
    )
    assert shown.status == 2
    assert "the tokens of the model spell words" in shown.err
    assert carried(b"x").read() == b"x"
