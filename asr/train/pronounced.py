"""Words for a model that writes phones: a lexicon says how they are pronounced, or their letters do."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path

from asr.bundle import LEXICON
from asr.errors import LexiconError
from asr.pronounce.storage import SUFFIX, load_letter_to_sound
from asr.text.lexicon import first_pronunciations, lexicon_content
from asr.text.phones import PhoneTokenizer
from asr.text.units import SPACE

SHOWN = 10
"""Words that a message names."""


def find_lexicon(given: str, model: Path) -> Path:
    """The lexicon that is named, else the one of the model folder. Raises LexiconError without either."""
    path = Path(given) if given else model / LEXICON
    if not given and not path.is_file():
        raise LexiconError(
            f"{model}: the model writes phones and its folder has no {LEXICON}; say with --lexicon how "
            "words are pronounced"
        )
    return path


def pronouncing(
    lexicon: Path, vocabulary: tuple[str, ...], texts: Iterable[str], heard: Iterable[str]
) -> tuple[PhoneTokenizer, Mapping[str, tuple[str, ...]]]:
    """A tokenizer that pronounces the words of texts.

    Words that the lexicon lacks are guessed, where a letter-to-sound model lies beside it (lexicon.l2s).

    Args:
        lexicon: The words and their phones.
        vocabulary: Of the model.
        texts: Normalised texts to train on, whose every word must be pronounced.
        heard: Those to judge by; a word without a pronunciation counts as an error.

    Returns:
        The tokenizer, and the words that were guessed with their phones.

    Raises:
        LexiconError: If a word has no pronunciation, or one of phones that the model does not write.
    """
    known = dict(first_pronunciations(lexicon))
    wanted = _words(texts)
    missing = [word for word in wanted if word not in known]
    beside = lexicon.with_suffix(SUFFIX)
    guessed: dict[str, tuple[str, ...]] = {}
    if beside.is_file():
        judged = [word for word in _words(heard) if word not in known and word not in wanted]
        model = load_letter_to_sound(beside)
        guesses = [*model.guess(missing), *model.attempt(judged)]
        found = zip([*missing, *judged], guesses, strict=True)
        guessed = {word: some[0].phones for word, some in found if some}
        known |= guessed
    elif missing:
        shown = " ".join(missing[:SHOWN]) + (" …" if len(missing) > SHOWN else "")
        raise LexiconError(
            f"{lexicon}: {len(missing)} of {len(wanted)} words have no pronunciation: {shown}; add each with "
            f"asr lexicon add {lexicon} WORD [PHONES], the first of which leaves {beside.name} beside it, "
            "and then all are guessed"
        )
    foreign = next(((w, p) for w in wanted for p in known[w] if p not in vocabulary[1:] or p == SPACE), None)
    if foreign:
        raise LexiconError(
            f"{lexicon}: {foreign[0]!r} has the phone {foreign[1]!r}, which the model does not write; "
            f"use its phones: {' '.join(vocabulary[2:])}"
        )
    return PhoneTokenizer(vocabulary, known), guessed


def with_guesses(lexicon: Path, guessed: Mapping[str, tuple[str, ...]]) -> bytes:
    """What stands in a lexicon, and then what was guessed, so that a model can write these words."""
    lines = [f"{word} {' '.join(phones)}" for word, phones in guessed.items()]
    return "\n".join([lexicon_content(lexicon).rstrip("\n"), *lines, ""]).encode()


def _words(texts: Iterable[str]) -> dict[str, None]:
    """The words of texts, in the order of their first appearance."""
    return dict.fromkeys(word for text in texts for word in unicodedata.normalize("NFC", text).split())
