"""Phones: words are sounded out by a lexicon, and what is heard is written as phones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.audio.io import AudioSource
from asr.config import Recipe, TokenizerConfig
from asr.data.manifest import Utterance, write_manifest
from asr.errors import ConfigError, LexiconError, TextError
from asr.text.phones import PhoneTokenizer, read_pronunciations
from asr.text.tokenizer import tokenizer_from_pronunciations, tokenizer_from_vocabulary
from asr.train.corpus import prepare_corpus

LINES = "read R IY D\nread R EH D\nred R EH D\nthe 0.6 DH AH\nthe 0.4 DH IY\n"
PHONES = TokenizerConfig(kind="phones", lexicon="lexicon.txt")


@pytest.fixture
def lexicon(tmp_path: Path) -> Path:
    (tmp_path / "lexicon.txt").write_text(LINES)
    return tmp_path / "lexicon.txt"


@pytest.fixture
def tokenizer(lexicon: Path) -> PhoneTokenizer:
    return tokenizer_from_pronunciations(read_pronunciations(lexicon, ["the red read"]))


def test_words_are_encoded_by_their_first_pronunciation(tokenizer: PhoneTokenizer) -> None:
    assert tokenizer.vocabulary == ("<blk>", "▁", "AH", "D", "DH", "EH", "IY", "R")
    written = [tokenizer.vocabulary[token] for token in tokenizer.encode("the read red")]
    assert written == ["DH", "AH", "▁", "R", "IY", "D", "▁", "R", "EH", "D"]
    assert tokenizer.encode("") == []


def test_what_is_heard_is_written_as_phones(tokenizer: PhoneTokenizer) -> None:
    tokens = tokenizer.encode("the red")
    assert tokenizer.decode(tokens) == tokenizer.heard("the red") == "DH-AH R-EH-D"
    assert tokenizer.decode([1, *tokens, 1, 1]) == "DH-AH R-EH-D"
    assert [(span.first, span.last) for span in tokenizer.words(tokens)] == [(0, 2), (3, 6)]
    assert tokenizer.heard("the blue") == "DH-AH blue"


def test_words_without_pronunciation_are_named(tokenizer: PhoneTokenizer) -> None:
    assert tokenizer.unknown("the blue red blue") == ["blue"]
    with pytest.raises(TextError, match=r"'blue' in 'the blue' has no pronunciation.*asr lexicon add"):
        tokenizer.encode("the blue")


def test_phones_do_not_spell(tokenizer: PhoneTokenizer) -> None:
    units = tokenizer.units
    assert units.sounds and units.bounded and not units.spells
    assert units.fingerprint() != replace(units, sounds=False).fingerprint()


def test_a_stored_vocabulary_decodes(tokenizer: PhoneTokenizer) -> None:
    stored = tokenizer_from_vocabulary(PHONES, tokenizer.vocabulary)
    assert stored.decode(tokenizer.encode("the red")) == "DH-AH R-EH-D"


def test_a_lexicon_that_lacks_words_says_which(lexicon: Path) -> None:
    with pytest.raises(LexiconError, match=r"lexicon.txt: 1 of 2 words .*'reed' for one \(did you mean 're"):
        read_pronunciations(lexicon, ["the reed"])
    with pytest.raises(LexiconError, match="no such file"):
        read_pronunciations(lexicon.with_name("none.txt"), ["the"])
    lexicon.write_text("the DH AH\nred\n")
    with pytest.raises(LexiconError, match="line 2: 'red' has no tokens"):
        read_pronunciations(lexicon, ["the"])
    lexicon.write_text("\n")
    with pytest.raises(LexiconError, match="holds no words"):
        read_pronunciations(lexicon, ["the"])


def test_phones_and_lexicon_go_together() -> None:
    with pytest.raises(ConfigError, match="phones need a lexicon"):
        TokenizerConfig(kind="phones")
    with pytest.raises(ConfigError, match="other kinds have none"):
        TokenizerConfig(lexicon="lexicon.txt")


def test_a_corpus_of_phones(tmp_path: Path, lexicon: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(16_000), 16_000)
    utterances = [
        Utterance(str(number), AudioSource(tmp_path / "a.wav"), 1.0, "The red") for number in range(4)
    ]
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        write_manifest(tmp_path / split / "manifest.jsonl", utterances)
    corpus = prepare_corpus(Recipe("phones", tokenizer=PHONES, dev_fraction=0.5), tmp_path)
    assert corpus.tokens == (tuple(corpus.tokenizer.encode("the red")),) * 2
    assert "lexicon.txt" in corpus.hashes
    lexicon.write_text("the DH AH\n")
    with pytest.raises(LexiconError, match="'red' for one"):
        prepare_corpus(Recipe("phones", tokenizer=PHONES), tmp_path)
