"""Named normalisers: the one spelling in which texts are trained on, recognised and scored.

The same normaliser is applied to training texts and to references, so that a score compares like with
like. Every normaliser composes characters (Unicode NFC), drops invisible characters and leaves single
spaces between words; applying it twice changes nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType

from asr.errors import ConfigError, did_you_mean

# Format characters (Unicode category Cf) that carry spelling: the joiners of Indic and Persian
# writing, the Mongolian vowel separator, and signs that enclose the digits after them.
_SPELLING = frozenset(
    "\u200c\u200d\u180e\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
_INVISIBLE = frozenset({"Cc", "Cf", "Cs"})
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u201b\u02bc\uff07`\u00b4", "'"))
_HYPHENS = str.maketrans(dict.fromkeys("\u2010\u2011", "-"))
_NOT_IN_ASCII_WORDS = re.compile(r"[^a-z0-9'-]+|(?<![a-z0-9])['-]+|['-]+(?![a-z0-9])")
_TURKISH_CAPITALS = str.maketrans({"İ": "i", "I": "ı"})
_DOTTED_SMALL_I = re.compile("i\u0307+")


def normalize(text: str, name: str = "lower") -> str:
    """Writes a text in the spelling that models are trained on and scored in.

    Args:
        text: Any text.
        name: One of `normalizer_names`:
            `verbatim` composes characters, drops control, zero-width and byte-order characters
            (not the joiners U+200C and U+200D, which spell Persian and Indic words) and makes every
            run of white space one space;
            `lower` also makes lower case; `lower_turkish` too, with İ → i and I → ı;
            `upper` also makes upper case;
            `lower_words` also makes lower case, writes every apostrophe as ', and puts a space for
            all punctuation and symbols except apostrophes and hyphens inside words;
            `lower_unhyphenated` also puts a space for these hyphens: forty-two is two words.

    Returns:
        The normalised text; may be empty.

    Raises:
        ConfigError: If there is no normaliser of that name.
    """
    if name not in NORMALIZERS:
        raise ConfigError(f"unknown normalizer {name!r}{did_you_mean(name, NORMALIZERS)}")
    return NORMALIZERS[name](text)


def normalizer_names() -> tuple[str, ...]:
    """The names that `normalize` knows."""
    return tuple(NORMALIZERS)


def _verbatim(text: str) -> str:
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    visible = "".join(
        character
        for character in text
        if character.isspace() or character in _SPELLING or unicodedata.category(character) not in _INVISIBLE
    )
    return unicodedata.normalize("NFC", " ".join(visible.split()))


def _lower(text: str) -> str:
    return unicodedata.normalize("NFC", _verbatim(text).lower())


def _lower_turkish(text: str) -> str:
    lowered = _verbatim(text).translate(_TURKISH_CAPITALS).lower()
    # Software that does not know Turkish has often lowered İ to i and a combining dot before.
    return unicodedata.normalize("NFC", _DOTTED_SMALL_I.sub("i", lowered))


def _upper(text: str) -> str:
    return unicodedata.normalize("NFC", _verbatim(text).upper())


def _lower_words(text: str) -> str:
    lowered = _lower(text).translate(_APOSTROPHES).translate(_HYPHENS)
    if lowered.isascii():
        return " ".join(_NOT_IN_ASCII_WORDS.sub(" ", lowered).split())
    return _spelling_of(lowered)


def _lower_unhyphenated(text: str) -> str:
    return _lower_words(text).replace("-", " ")


def _spelling_of(lowered: str) -> str:
    spelled = [_is_spelling(character) for character in lowered]
    kept = [
        character if is_spelling or _joins(lowered, spelled, place) else " "
        for place, (character, is_spelling) in enumerate(zip(lowered, spelled, strict=True))
    ]
    return unicodedata.normalize("NFC", " ".join("".join(kept).split()))


def _is_spelling(character: str) -> bool:
    return character in _SPELLING or unicodedata.category(character)[0] in "LMN"


def _joins(text: str, spelled: list[bool], place: int) -> bool:
    """Whether the character at `place` is an apostrophe or a hyphen between two characters of a word."""
    return text[place] in "'-" and 0 < place < len(text) - 1 and spelled[place - 1] and spelled[place + 1]


NORMALIZERS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "verbatim": _verbatim,
        "lower": _lower,
        "lower_turkish": _lower_turkish,
        "upper": _upper,
        "lower_words": _lower_words,
        "lower_unhyphenated": _lower_unhyphenated,
    }
)
