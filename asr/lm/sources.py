"""Text that language models are made of and judged on: one sentence a line, in the spelling of recipes."""

from __future__ import annotations

import contextlib
import gzip
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from asr.errors import LanguageModelError
from asr.lm.ngrams import SPECIAL
from asr.text.normalize import normalize
from asr.text.units import SPACE

STDIN = Path("-")
_OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".xz": lzma.open}


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Opens a file for reading; .gz and .xz are unpacked, and - is standard input.

    Raises:
        LanguageModelError: If it is missing, cannot be read, or is damaged, be it only later on.
    """
    try:
        if path == STDIN:
            yield sys.stdin.buffer
        else:
            with _OPENERS.get(path.suffix, open)(path, "rb") as file:
                yield cast(BinaryIO, file)
    except FileNotFoundError:
        raise LanguageModelError(f"{path}: no such file; check the path") from None
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise LanguageModelError(
            f"{path}: cannot be unpacked: {str(error).rstrip('.').lower()}; copy it again"
        ) from None
    except OSError as error:
        raise LanguageModelError(f"{path}: cannot be read: {error.strerror or error}; check it") from None


def read_sentences(path: Path, normalizer: str, *, characters: bool = False) -> Iterator[list[str]]:
    """Reads a text, one sentence a line; blank lines give empty lists.

    Args:
        path: UTF-8 text, plain, .gz or .xz; - is standard input.
        normalizer: Name of the normaliser that every line goes through.
        characters: Give the characters of a sentence, the space between words written as in
            `tokens.txt`, instead of its words.

    Raises:
        LanguageModelError: If the file cannot be read or is not UTF-8, or a line holds a word that
            stands for something else in language models; the line is named.
    """
    with opened(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                sentence = normalize(line.decode("utf-8"), normalizer)
            except UnicodeDecodeError as error:
                raise LanguageModelError(
                    f"{path}, line {number}: not UTF-8 (byte {error.start}); save the text as UTF-8"
                ) from None
            if characters:
                yield list(_reserved(sentence, (SPACE,), path, number).replace(" ", SPACE))
            else:
                yield _reserved(sentence, SPECIAL, path, number).split()


def _reserved(sentence: str, words: tuple[str, ...], path: Path, number: int) -> str:
    """The sentence, if it does without these words."""
    for word in words:
        if word in sentence and (word == SPACE or word in sentence.split()):
            raise LanguageModelError(
                f"{path}, line {number}: {word} has a meaning of its own in language models; take it out"
            )
    return sentence
