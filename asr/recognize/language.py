"""What a recogniser knows of a language besides its sound: models, word lists and grammars, as files.

>>> names = Language(lm="lm.arpa", alpha=0.6, beta=1.5, hotwords="names.txt")
>>> asr.load("models/an4-bilstm", language=names).transcribe("recording.wav")
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from asr.bundle import LEXICON, Bundle
from asr.config import DecodingConfig
from asr.decode.fusion import Fusion, Vocabulary
from asr.decode.graph.phrases import graph_of_phrases
from asr.decode.graph.pronunciation import load_lexicon_graph
from asr.decode.graph.spelling import graph_of_words
from asr.decode.graph.storage import SUFFIX as GRAPH
from asr.decode.graph.word_graph import WordGraph
from asr.decode.hotwords import Hotword, read_hotwords
from asr.decode.tuning import TunedModel, Tuning
from asr.errors import FusionError, TextError
from asr.lm.automaton import Automaton
from asr.lm.construction import UNKNOWN_NAMES, load_language_model
from asr.lm.ngrams import BEGIN, END
from asr.lm.sources import read_sentences
from asr.recognize.pronunciation import pronounced, pronunciations
from asr.text.units import Units

File = str | Path
NAMED = 3
"""Words that a message names."""
_log = logging.getLogger("asr")


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """What to know besides the sound, and how much it counts. `asr.decode.fusion` has the formula.

    Attributes:
        lm: Language model of words: an ARPA file (.gz and .xz, too), or a .lm. By default that of the
            model folder, where it carries one.
        token_lm: The same, of tokens: `asr lm build --characters` makes one.
        lexicon: The words there are and how they are pronounced or spelled; no others are written. By
            default, where tokens are phones, that of the model folder.
        hotwords: Phrases to expect, or a file of them.
        grammar: A text whose lines are all that may be written.
        closed: Write only words that the language model knows.
        alpha, beta, unknown_score, unknown_letter, token_alpha: As in `Fusion`. By default those that were
            tuned for the model folder's own language model, else those of `Fusion`.
        carried: Whether to use the language model that the model folder carries.
    """

    lm: File | None = None
    token_lm: File | None = None
    lexicon: File | None = None
    hotwords: File | tuple[Hotword, ...] | None = None
    grammar: File | None = None
    closed: bool | None = None
    alpha: float | None = None
    beta: float | None = None
    unknown_score: float | None = None
    unknown_letter: float | None = None
    token_alpha: float | None = None
    carried: bool = True

    @property
    def empty(self) -> bool:
        """Whether it names no file and no hotwords."""
        return not any((self.lm, self.token_lm, self.lexicon, self.hotwords, self.grammar))


SOUND_ALONE = Language(carried=False)
"""Nothing is known, not even what the model folder carries."""


def fusion_for(bundle: Bundle, language: Language) -> Fusion | None:
    """Reads the files of a language, for the tokens of a bundle; None where nothing is known.

    Raises:
        FusionError: If things do not go together with each other or with the tokens.
        LanguageModelError, LexiconError, HotwordError, TextError: If a file is missing or damaged, or
            cannot be used with these tokens.
    """
    units = bundle.tokenizer.units
    known = word_model(bundle, language)
    _refuse_idle(language, known is not None)
    if known is None and language.empty and not (language.carried and LEXICON in bundle.words):
        return None
    tuning = known.tuning if known else Tuning(beta=0.0)
    hotwords = _hotwords(language.hotwords, bundle.tokenizer_config.normalizer)
    expected = {word for hotword in hotwords for word in hotword.words}
    graph, vocabulary = _graph(language, bundle, known, expected)
    return Fusion(
        units=units,
        graph=graph,
        vocabulary=vocabulary,
        word_model=known.model if known else None,
        token_model=_token_model(language.token_lm, units),
        alpha=_first(language.alpha, tuning.alpha),
        token_alpha=_first(language.token_alpha, Tuning().alpha),
        beta=_first(language.beta, tuning.beta),
        unknown_score=_first(language.unknown_score, tuning.unknown_score),
        unknown_letter=_first(language.unknown_letter, tuning.unknown_letter),
        hotwords=hotwords,
    )


def default_search(bundle: Bundle, language: Language) -> DecodingConfig:
    """How wide to search with a language where nobody says it."""
    if language.lm is None and bundle.language is not None:
        return DecodingConfig(beam_size=bundle.language.tuning.beam_size)
    return DecodingConfig()


def word_model(bundle: Bundle, language: Language) -> TunedModel | None:
    """The language model of words, and how it is used; a grammar leaves none to the one that is carried.

    Raises:
        LanguageModelError: If its file is missing or damaged.
    """
    if language.lm is not None:
        known = TunedModel(load_language_model(Path(language.lm)), Tuning())
    elif bundle.language is not None and language.carried and language.grammar is None:
        known = bundle.language
    else:
        return None
    closed = known.tuning.closed if language.closed is None else language.closed
    return replace(known, tuning=replace(known.tuning, closed=closed))


def _refuse_idle(language: Language, has_model: bool) -> None:
    """Raises FusionError for a number that would change nothing."""
    words = "name a language model of words"
    for name, value, heeded, remedy in (
        ("alpha", language.alpha, has_model, words),
        ("beta", language.beta, has_model or language.lexicon, f"{words}, or a lexicon"),
        ("unknown_score", language.unknown_score, has_model or language.token_lm, words),
        ("unknown_letter", language.unknown_letter, has_model, words),
        ("token_alpha", language.token_alpha, language.token_lm, "name a language model of tokens"),
        ("closed", language.closed, has_model or language.lexicon, f"{words}, or a lexicon"),
    ):
        if value is not None and not heeded:
            raise FusionError(f"{name} changes nothing here; leave it out, or {remedy}")


def _graph(
    language: Language, bundle: Bundle, known: TunedModel | None, expected: set[str]
) -> tuple[WordGraph | None, Vocabulary]:
    """The words or phrases that tokens spell or sound out, and whether there are others."""
    units, normalizer = bundle.tokenizer.units, bundle.tokenizer_config.normalizer
    if language.grammar is not None:
        return _grammar(Path(language.grammar), language, bundle), "grammar"
    named = Path(language.lexicon) if language.lexicon is not None else None
    if named is not None and named.suffix == GRAPH:
        graph: WordGraph | None = load_lexicon_graph(named, units)
    else:
        graph = pronounced(bundle, named, expected) if named or units.sounds else None
    if graph is not None:
        if known is not None and known.model.ids.keys().isdisjoint(graph.words):
            raise FusionError(
                f"{language.lexicon or 'the lexicon'}: the language model knows none of its words, such as "
                f"{_named(graph.words)}; both must use one spelling"
            )
        return graph, "closed"
    if known is None:
        return None, "open"
    graph = graph_of_words(known.model.words, units)
    _check_spelling(graph, known.model, str(language.lm or "the carried language model"), normalizer)
    return graph, "closed" if known.tuning.closed or not units.bounded else "open"


def _grammar(path: Path, language: Language, bundle: Bundle) -> WordGraph:
    """The phrases of a grammar, spelled or sounded out."""
    units = bundle.tokenizer.units
    lines = list(read_sentences(path, bundle.tokenizer_config.normalizer))
    named = Path(language.lexicon) if language.lexicon is not None else None
    expected = {word for line in lines for word in line}
    lexicon = pronunciations(bundle, named, expected) if named or units.sounds else None
    try:
        return graph_of_phrases((" ".join(line) for line in lines), units, lexicon)
    except TextError as error:
        raise TextError(f"{path}: {error}") from None


def _check_spelling(graph: WordGraph, model: Automaton, name: str, normalizer: str) -> None:
    """Raises FusionError where most words cannot be written in the tokens; says so where some cannot."""
    if not graph.left_out:
        return
    written = {*graph.words, BEGIN, END, *UNKNOWN_NAMES}
    lost = [word for word in model.words if word not in written]
    words = len(lost) + len(graph.words)
    count = f"{len(lost)} of its {words} words cannot be written in the tokens of the model"
    if len(lost) > len(graph.words):
        raise FusionError(
            f"{name}: {count}, such as {_named(lost)}; make it of text in the model's spelling "
            f"(asr lm build --normalizer {normalizer}), or name a lexicon where tokens are no letters"
        )
    _log.info("%s: %s and are left out, such as %s", name, count, _named(lost))


def _token_model(file: File | None, units: Units) -> Automaton | None:
    if file is None:
        return None
    model = load_language_model(Path(file))
    texts = [text for token, text in enumerate(units.texts) if text and token != units.separator]
    lost = [text for text in texts if text not in model.ids]
    if 2 * len(lost) > len(texts):
        raise FusionError(
            f"{file}: it does not know {len(lost)} of the {len(texts)} tokens of the model, such as "
            f"{_named(lost)}; make one of tokens with asr lm build --characters"
        )
    return model


def _hotwords(hotwords: File | tuple[Hotword, ...] | None, normalizer: str) -> tuple[Hotword, ...]:
    if isinstance(hotwords, str | Path):
        return read_hotwords(Path(hotwords), normalizer=normalizer)
    return hotwords or ()


def _first(value: float | None, default: float) -> float:
    return default if value is None else float(value)


def _named(words: Sequence[str]) -> str:
    return ", ".join(repr(word[:40]) for word in words[:NAMED])
