"""What ctcdecode makes of labels and a language model, as a `Fusion`.

A model all of whose words are single characters is read label by label, any other word by word, and then
only its words can be written:

    label by label   acoustic + alpha · ln p(labels) + beta · number of labels
    word by word     acoustic + alpha · ln p(words)  + beta · number of words

The model reads on from <s>, and </s> is not scored. A label that a model of characters does not know is as
good as impossible: it has the probability e^-1000.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.decode.fusion import Fusion
from asr.decode.graph.spelling import graph_of_words
from asr.decode.graph.word_graph import WordGraph
from asr.decode.knowledge.layout import SPACE_NAMES
from asr.errors import ConfigError, LanguageModelError
from asr.lm.arcs import arc_records, state_records
from asr.lm.automaton import ROOT, Automaton
from asr.lm.construction import UNKNOWN_NAMES, load_language_model
from asr.lm.hashing import EMPTY, insert, new_table
from asr.lm.ngrams import BEGIN, END, key
from asr.text.units import Units

UNKNOWN_LABEL = -1000.0
"""ln of the probability that ctcdecode takes for what a language model does not know."""

KENLM_BINARY = b"mmap lm http://kheafield.com/code"
"""How the files begin that KenLM's build_binary writes."""

MARK = "▁"
SPACE = " "


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """The columns of a network's output, brought into the order that has blank first.

    Attributes:
        units: What they write.
        order: The place of each token among the labels (V,).
    """

    units: Units
    order: NDArray[np.int32]


def labels_of(labels: Sequence[str], blank_id: int) -> Labels:
    """Says what labels write and how words are bounded.

    The label " " stands between words. Where there is none, labels such as "▁the" begin words, or "▁"
    alone stands between them; where there is nothing of this kind, a word may end anywhere.

    Raises:
        ConfigError: If `blank_id` is not the place of a label.
    """
    texts = [str(label) for label in labels]
    if not 0 <= blank_id < len(texts):
        raise ConfigError(
            f"blank_id is {blank_id}, and there are {len(texts)} labels, from 0 on; say where blank is"
        )
    order = [blank_id, *(place for place in range(len(texts)) if place != blank_id)]
    written = ("", *(texts[place] for place in order[1:]))
    marked = any(text.startswith(MARK) and text != MARK for text in written)
    separator = next((sign for sign in (SPACE, MARK) if sign in written), "")
    if separator == MARK and marked:
        separator = ""
    return Labels(
        Units(
            written,
            separator=written.index(separator) if separator else -1,
            mark=MARK if marked and not separator else "",
        ),
        np.array(order, np.int32),
    )


@dataclass(frozen=True, slots=True, eq=False)
class ExternalScorer:
    """A language model for some labels.

    Attributes:
        units: The labels.
        model: The model; its </s> is taken off.
        graph: Its words that the labels can spell; None for a model of characters.
    """

    units: Units
    model: Automaton
    graph: WordGraph | None

    def fusion(self, alpha: float, beta: float) -> Fusion:
        """What a search has to know.

        Raises:
            FusionError: If alpha is negative.
        """
        if self.graph is not None:
            return Fusion(
                units=self.units,
                graph=self.graph,
                vocabulary="closed",
                word_model=self.model,
                alpha=alpha,
                beta=beta,
            )
        # The search takes unknown_score for the most that one label can gain; there are no unknown labels.
        return Fusion(
            units=self.units,
            token_model=_by_label(self.model, self.units, alpha, beta),
            alpha=alpha,
            token_alpha=1.0,
            unknown_score=max(beta, 0.0),
        )


def load_scorer(path: Path, units: Units) -> ExternalScorer:
    """Reads a language model for some labels.

    Raises:
        LanguageModelError: If the file is missing, damaged or a KenLM binary, or none of its words can
            be written with the labels.
    """
    if _is_kenlm_binary(path):
        raise LanguageModelError(
            f"{path}: a KenLM binary, whose words cannot be listed; name the ARPA file that it was made from"
        )
    model = replace(load_language_model(path), end=-1)
    names = [word for word in model.words if word not in (BEGIN, END, *UNKNOWN_NAMES)]
    if all(len(name) == 1 or name in SPACE_NAMES for name in names):
        if not set(names) & set(units.texts[1:]):
            raise _foreign(path, len(names), "characters", "is a label")
        return ExternalScorer(units, model, None)
    graph = graph_of_words(names, units)
    if not graph.words:
        raise _foreign(path, len(names), "words", "can be spelled with the labels")
    return ExternalScorer(units, model, graph)


def _is_kenlm_binary(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(KENLM_BINARY)) == KENLM_BINARY
    except OSError:
        return False  # whoever reads it will say so


def _foreign(path: Path, count: int, what: str, problem: str) -> LanguageModelError:
    return LanguageModelError(
        f"{path}: none of its {count} {what} {problem}; give labels as they are written in the model's text"
    )


def _by_label(model: Automaton, units: Units, alpha: float, beta: float) -> Automaton:
    """The model with alpha, and beta for every label, in its scores, and with all labels among its words."""
    names = dict.fromkeys(units.texts[1:])
    if units.separator >= 0 and not model.ids.keys().isdisjoint(SPACE_NAMES):
        del names[units.texts[units.separator]]
    missing = [name for name in names if name not in model.ids]
    ids = len(model.words) + np.arange(len(missing))
    held = model.arc_keys != EMPTY
    keys = np.concatenate([model.arc_keys[held], key(np.full(len(ids), ROOT), ids)])
    table = new_table(len(keys))
    places = insert(table, keys)
    following, log_probs = np.zeros(len(table), np.int32), np.zeros(len(table), np.float32)
    following[places[: held.sum()]] = model.arc_next[held]
    log_probs[places] = np.append(model.arc_log_probs[held], np.full(len(ids), UNKNOWN_LABEL))
    return replace(
        model,
        words=(*model.words, *missing),
        arcs=arc_records(table, following, alpha * log_probs + beta),
        states=state_records(model.backoff_states, alpha * model.backoff_log_probs),
        unknown=-1,
    )
