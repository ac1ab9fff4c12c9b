"""Packed n-grams made ready for decoding, which takes a second where they are millions, and is done once."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from asr.cache import kept
from asr.lm import arcs, construction, hashing, ngrams, packed_storage, packing
from asr.lm.automaton import Automaton
from asr.lm.storage import load_automaton, save_automaton

WORTH = 1 << 18
"""Bytes from which on keeping an automaton is worth its place, which is some fifteen times as much."""


def automaton_of_packed(content: bytes, path: Path) -> Automaton:
    """The automaton of what stands in a file of packed n-grams; `path` is for messages.

    Raises:
        LanguageModelError: If it is damaged, of another kind, or from a newer version.
    """

    def make() -> Automaton:
        return construction.automaton_from(packed_storage.ngrams_in(content, path))

    if len(content) < WORTH:
        return make()
    origin = sha256(content).hexdigest()
    makers = (arcs, construction, hashing, ngrams, packed_storage, packing)
    made = kept(
        origin,
        makers,
        suffix=construction.SUFFIX,
        load=load_automaton,
        make=make,
        save=save_automaton,
    )
    return replace(made, origin=origin)
