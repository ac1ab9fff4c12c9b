"""How words sound to a model of phones: by a lexicon, and by their letters where it does not have them."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from asr.bundle import LETTER_TO_SOUND, LEXICON, Bundle
from asr.cache import kept
from asr.carried import digest
from asr.decode.graph import pronunciation, storage, trie, word_graph
from asr.decode.graph.word_graph import WordGraph
from asr.errors import LexiconError
from asr.pronounce.storage import letter_to_sound_in
from asr.text import lexicon as lexicons
from asr.text.lexicon import Lexicon, lexicon_from, lexicon_in, read_lexicon
from asr.text.phones import PhoneTokenizer
from asr.text.tokenizer import Tokenizer
from asr.text.units import Units

_log = logging.getLogger("asr")


def pronunciations(bundle: Bundle, lexicon: Path | None, words: Iterable[str]) -> Lexicon | None:
    """The lexicon to decode with; None where none is named, and the model folder carries none.

    Words that are expected, but are not in it, are guessed by the letter-to-sound model of the model
    folder, if it carries one; each guess is told.

    Args:
        bundle: The model.
        lexicon: One that is named; it comes before the one that is carried.
        words: That are expected, such as those of hotwords or of a grammar.

    Raises:
        LexiconError: If a lexicon is missing or damaged, or an expected word cannot be guessed.
        BundleError: If a file of the model folder is missing or damaged.
    """
    units = bundle.tokenizer.units
    if lexicon is not None:
        known = read_lexicon(lexicon, units)
    elif LEXICON in bundle.words:
        known = _carried(bundle)
    else:
        return None
    missing = sorted(set(words).difference(known.words))
    if not missing or LETTER_TO_SOUND not in bundle.words:
        return known
    return _joined(known, _guessed(bundle, missing, units))


def pronounced(bundle: Bundle, lexicon: Path | None, words: Iterable[str]) -> WordGraph | None:
    """The graph of `pronunciations`. That of the lexicon that is carried is made once, and kept.

    Args and Raises: As there.
    """
    units = bundle.tokenizer.units
    if lexicon is None and LEXICON in bundle.words:
        origin = f"{digest(bundle.words[LEXICON].read())} {units.fingerprint()}"
        graph = kept(
            origin,
            (lexicons, pronunciation, storage, trie, word_graph),
            suffix=storage.SUFFIX,
            load=partial(storage.load_word_graph, units=units),
            make=lambda: pronunciation.graph_of_lexicon(_carried(bundle), units),
            save=lambda graph, path: storage.save_word_graph(graph, units, path),
        )
        if LETTER_TO_SOUND not in bundle.words or not set(words).difference(graph.words):
            return replace(graph, origin=origin)
    known = pronunciations(bundle, lexicon, words)
    return pronunciation.graph_of_lexicon(known, units) if known is not None else None


def sounding(bundle: Bundle, texts: Iterable[str]) -> Tokenizer:
    """The tokenizer that encodes normalised texts: where tokens are phones, one that knows how they sound.

    Raises:
        LexiconError: If a word can be neither looked up nor guessed.
        BundleError: If a file of the model folder is missing or damaged.
    """
    tokenizer = bundle.tokenizer
    words = {word for text in texts for word in unicodedata.normalize("NFC", text).split()}
    lexicon = pronunciations(bundle, None, words) if tokenizer.units.sounds else None
    if lexicon is None:
        return tokenizer
    known: dict[str, tuple[str, ...]] = {}
    ends = np.cumsum(lexicon.lengths).tolist()
    for word, last, length in zip(lexicon.word_ids.tolist(), ends, lexicon.lengths.tolist(), strict=True):
        if (name := lexicon.words[word]) in words:
            phones = tuple(bundle.vocabulary[token] for token in lexicon.tokens[last - length : last])
            known.setdefault(name, phones)
    return PhoneTokenizer(bundle.vocabulary, known)


def _carried(bundle: Bundle) -> Lexicon:
    content = unicodedata.normalize("NFC", bundle.words[LEXICON].read().decode())
    return lexicon_in(content, Path(LEXICON), bundle.tokenizer.units)


def _guessed(bundle: Bundle, words: list[str], units: Units) -> Lexicon:
    model = letter_to_sound_in(bundle.words[LETTER_TO_SOUND].read(), Path(LETTER_TO_SOUND))
    ids = {text: index for index, text in enumerate(units.texts) if text}
    entries = []
    for word, guesses in zip(words, model.guess(words), strict=True):
        phones = guesses[0].phones
        if not ids.keys() >= set(phones):
            raise LexiconError(
                f"{word!r} is guessed to sound like {' '.join(phones)}, which the model cannot write"
            )
        entries.append((word, tuple(ids[phone] for phone in phones), 0.0))
        _log.info("%r is not in the lexicon; by its letters it sounds like %s", word, " ".join(phones))
    return lexicon_from(entries)


def _joined(first: Lexicon, second: Lexicon) -> Lexicon:
    """Both, which have no word in common."""
    return Lexicon(
        words=(*first.words, *second.words),
        word_ids=np.concatenate([first.word_ids, second.word_ids + np.int32(len(first.words))]),
        log_probs=np.concatenate([first.log_probs, second.log_probs]),
        tokens=np.concatenate([first.tokens, second.tokens]),
        lengths=np.concatenate([first.lengths, second.lengths]),
        left_out=first.left_out,
    )
