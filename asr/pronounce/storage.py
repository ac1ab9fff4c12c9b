"""Letter-to-sound models on disk: packed n-grams of graphones (`asr.lm.packing`), and no code that runs."""

from __future__ import annotations

import zlib
from pathlib import Path

import msgspec
from safetensors import SafetensorError

from asr.errors import LexiconError
from asr.files import write_atomically
from asr.lm.ngrams import SPECIAL
from asr.lm.packing import model_of, packed, unpack
from asr.pronounce.graphones import MOST_LETTERS, MOST_PHONES, Graphone
from asr.pronounce.model import LetterToSound

KIND = "asr-letter-to-sound"
FORMAT_VERSION = 1
SUFFIX = ".l2s"
"""Ending of the names of files."""


class _Facts(msgspec.Struct, forbid_unknown_fields=True):
    """What a file says of itself."""

    kind: str
    format_version: int
    graphones: list[tuple[str, list[str]]]


def save_letter_to_sound(model: LetterToSound, path: Path) -> None:
    """Writes a model aside and renames it.

    Raises:
        RunError: If it cannot be written.
    """
    facts = _Facts(
        KIND, FORMAT_VERSION, [(graphone.letters, list(graphone.phones)) for graphone in model.graphones]
    )
    write_atomically(path, packed(model.ngrams, msgspec.json.encode(facts)))


def load_letter_to_sound(path: Path) -> LetterToSound:
    """Reads a model that `save_letter_to_sound` wrote.

    Raises:
        LexiconError: If the file is missing, damaged, of another kind, or from another version.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise LexiconError(f"{path}: no such file; asr lexicon train makes one") from None
    except OSError as error:
        raise LexiconError(f"{path}: cannot be read: {error.strerror or error}; check it") from None
    return letter_to_sound_in(content, path)


def letter_to_sound_in(stored: bytes, path: Path) -> LetterToSound:
    """Reads what stands in such a file; `path` is for messages. Raises as `load_letter_to_sound` does."""
    remedy = "copy it again, or make it again with asr lexicon train"
    try:
        arrays, content = unpack(stored)
        facts = msgspec.json.decode(content, type=_Facts)
        _check_facts(path, facts)
        graphones = tuple(Graphone(letters, tuple(phones)) for letters, phones in facts.graphones)
        words = (*SPECIAL, *map(str, range(len(graphones))))
        return LetterToSound(graphones, model_of(arrays, words))
    except (zlib.error, SafetensorError, msgspec.MsgspecError, ValueError, KeyError, IndexError) as error:
        raise LexiconError(f"{path}: damaged, or no letter-to-sound model ({error}); {remedy}") from None


def _check_facts(path: Path, facts: _Facts) -> None:
    if facts.kind != KIND:
        raise ValueError(f"kind {facts.kind!r}")
    if facts.format_version != FORMAT_VERSION:
        raise LexiconError(
            f"{path}: format_version {facts.format_version}, but this version of asr reads {FORMAT_VERSION}; "
            "upgrade it: pip install -U recurrent-asr"
        )
    if any(
        not 0 < len(some) <= MOST_LETTERS or len(phones) > MOST_PHONES for some, phones in facts.graphones
    ):
        raise ValueError("impossible graphones")
