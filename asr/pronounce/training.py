"""From a lexicon to a letter-to-sound model: align, estimate n-grams of graphones, prune, round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from asr.errors import LexiconError
from asr.lm.arpa import read_arpa
from asr.lm.kneser_ney import Estimation, estimate
from asr.lm.ngrams import BEGIN, END, SPECIAL, NgramModel
from asr.lm.packing import rounded
from asr.lm.pruning import prune
from asr.lm.suffixes import in_order
from asr.progress import counter
from asr.pronounce.alignment import ROUNDS, align
from asr.pronounce.graphones import Graphone
from asr.pronounce.model import LetterToSound
from asr.text.lexicon_text import Entry


@dataclass(frozen=True, slots=True)
class Training:
    """How to train.

    Attributes:
        order: Graphones in the longest n-grams.
        threshold: N-grams that are worth less are pruned, in nats per graphone (`asr.lm.pruning`); 0 keeps
            all.
    """

    order: int = 7
    threshold: float = 1e-7


@dataclass(frozen=True, slots=True)
class Trained:
    """What came out.

    Attributes:
        model: The model.
        words: Pronunciations that it was trained on.
        left_out: Those that were not, because they cannot be cut into graphones.
    """

    model: LetterToSound
    words: int
    left_out: tuple[Entry, ...]


def train(entries: Sequence[Entry], wanted: Training | None = None) -> Trained:
    """Trains a letter-to-sound model on a lexicon; the same lexicon gives the same model.

    Args:
        entries: Words and pronunciations; some thousand at least, or it will guess badly.
        wanted: How to train.

    Raises:
        LexiconError: If no word can be cut into graphones.
    """
    wanted = wanted or Training()
    with counter("aligning letters with phones", ROUNDS) as advance:
        alignment = align(entries, advance)
    if not alignment.words:
        raise LexiconError("no word has a pronunciation that its letters can stand for; check the lexicon")
    ids: dict[Graphone, int] = {}
    sentences = [[ids.setdefault(graphone, len(ids)) for graphone in word] for word in alignment.words]
    ngrams = _estimated(sentences, wanted.order)
    if wanted.threshold > 0:
        ngrams = prune(ngrams, [(_tokens(sentences), 1.0)], wanted.threshold)
    return Trained(LetterToSound(tuple(ids), rounded(ngrams)), len(alignment.words), alignment.left_out)


def _estimated(sentences: Sequence[Sequence[int]], order: int) -> NgramModel:
    """A model whose words are the special ones and then the numbers, as they first appear."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "graphones.arpa"
        estimate((list(map(str, sentence)) for sentence in sentences), path, Estimation(order))
        return in_order(read_arpa(path))


def _tokens(sentences: Sequence[Sequence[int]]) -> NDArray[np.int32]:
    """The text as ids of the n-gram model."""
    begin, end = SPECIAL.index(BEGIN), SPECIAL.index(END)
    offset = len(SPECIAL)
    return np.array([t for s in sentences for t in (begin, *(n + offset for n in s), end)], np.int32)
