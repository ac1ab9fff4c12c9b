"""Language models in few bytes on disk: packed n-grams (`asr.lm.packing`), which take a moment to unpack."""

from __future__ import annotations

import zlib
from pathlib import Path

import msgspec
from safetensors import SafetensorError

from asr.errors import LanguageModelError
from asr.files import write_atomically
from asr.lm.ngrams import NgramModel
from asr.lm.packing import model_of, packed, rounded, unpack
from asr.lm.suffixes import in_order

SUFFIX = ".ngrams"
"""Ending of the names of files."""
KIND, FORMAT_VERSION = "asr-ngrams", 1


class _Facts(msgspec.Struct, forbid_unknown_fields=True):
    """What a file says of itself; the words stand one a line."""

    kind: str
    format_version: int
    words: str


def save_packed(model: NgramModel, path: Path) -> None:
    """Writes a model, rounded.

    Raises:
        LanguageModelError: If an n-gram lacks its suffix.
        RunError: If it cannot be written.
    """
    facts = _Facts(KIND, FORMAT_VERSION, "\n".join(model.words))
    try:
        content = packed(rounded(in_order(model)), msgspec.json.encode(facts))
    except ValueError as error:
        raise LanguageModelError(f"{path}: cannot be packed: {error}; write .arpa or .lm") from None
    write_atomically(path, content)


def load_packed(path: Path) -> NgramModel:
    """Reads a model that `save_packed` wrote.

    Raises:
        LanguageModelError: If the file is missing, damaged, of another kind, or from a newer version.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise LanguageModelError(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise LanguageModelError(f"{path}: cannot be read: {error.strerror or error}; check it") from None
    return ngrams_in(content, path)


def ngrams_in(packed_model: bytes, path: Path) -> NgramModel:
    """Reads what stands in such a file; `path` is for messages. Raises as `load_packed` does."""
    try:
        arrays, content = unpack(packed_model)
        facts = msgspec.json.decode(content, type=_Facts)
        if facts.kind != KIND:
            raise ValueError(f"kind {facts.kind!r}")
        if facts.format_version != FORMAT_VERSION:
            raise LanguageModelError(
                f"{path}: format_version {facts.format_version}, but this version of asr reads "
                f"{FORMAT_VERSION}; upgrade it: pip install -U recurrent-asr"
            )
        return model_of(arrays, tuple(facts.words.split("\n")))
    except (zlib.error, SafetensorError, msgspec.MsgspecError, ValueError, KeyError, IndexError) as error:
        raise LanguageModelError(
            f"{path}: damaged, or no packed language model ({error}); copy it again"
        ) from None
