"""What a way of decoding is called, so that what was fitted to one is not used with another.

>>> decoding_name(None)
'best path'
>>> decoding_name(DecodingConfig(beam_size=20), fusion)  # with a language model
'beam 20, alpha 0.7, beta 1.5, 2c26b46b68ffc68f'

The last part is a hash of everything that a search depends on: its settings, and all of its `Fusion`,
language models and word graphs included; of large ones, which are made of a file and kept, it is the hash of
that file. Two ways of decoding with one name write the same texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from hashlib import sha256

import numpy as np

from asr.config import DecodingConfig
from asr.decode.fusion import Fusion
from asr.decode.graph.word_graph import WordGraph
from asr.lm.automaton import Automaton

BEST_PATH = "best path"
_DIGITS = 16


def decoding_name(config: DecodingConfig | None, fusion: Fusion | None = None) -> str | None:
    """The name of a way of decoding.

    Args:
        config: How wide is searched; None for the best path.
        fusion: What the search knows besides the emissions.

    Returns:
        The name; None with a model that is asked from outside, for nobody can tell two of these apart.
    """
    if config is None:
        return BEST_PATH
    if fusion is not None and fusion.scorer is not None:
        return None
    parts = [f"beam {config.beam_size}"]
    if fusion is not None and fusion.word_model is not None:
        parts += [f"alpha {fusion.alpha:g}", f"beta {fusion.beta:g}"]
    return ", ".join([*parts, digest(config, fusion)])


def digest(*values: object) -> str:
    """A short hash of arrays, texts, numbers, and of tuples and dataclasses of them.

    Numbers that are equal are the same whether they are whole or not: 2 and 2.0.
    """
    known = sha256()
    for value in values:
        for part in _parts(value):
            known.update(len(part).to_bytes(8, "little"))
            known.update(part)
    return known.hexdigest()[:_DIGITS]


def _parts(value: object) -> Iterator[bytes]:
    """The contents of a value; of a dataclass, all that is given to it and counts when it is compared."""
    if isinstance(value, np.ndarray):
        yield f"{value.dtype.str} {value.shape}".encode()
        yield value.tobytes()
    elif isinstance(value, tuple) and all(isinstance(item, str) for item in value):
        yield "\0".join(value).encode()
    elif isinstance(value, tuple):
        yield f"{len(value)} values".encode()
        for item in value:
            yield from _parts(item)
    elif isinstance(value, Automaton | WordGraph) and value.origin:
        yield value.origin.encode()
    elif is_dataclass(value):
        for field in fields(value):
            if field.init and field.compare:
                yield field.name.encode()
                yield from _parts(getattr(value, field.name))
    else:
        yield repr(float(value) if isinstance(value, int) else value).encode()
