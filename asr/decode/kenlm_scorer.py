"""KenLM's models behind the `WordScorer` protocol: for those who have a KenLM binary and no ARPA file.

An ARPA file needs nothing of this: `asr.lm.construction.load_language_model` reads it, and the search
is faster with it. KenLM comes as the optional package ``kenlm``, which a C++ compiler builds.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from asr.errors import LanguageModelError
from asr.lm.ngrams import END, LN_10, UNKNOWN

MISSING_UNKNOWN = -100.0
"""What KenLM takes for the base-10 log-probability of <unk> where a model has none."""


def load_kenlm(path: Path) -> KenlmScorer:
    """Opens a KenLM binary of any kind (probing, trie, quantised), or an ARPA file, through KenLM.

    Raises:
        LanguageModelError: If the package kenlm is not installed, or the file is missing, damaged or no
            model that this KenLM reads.
    """
    if not path.is_file():
        raise LanguageModelError(f"{path}: no such file; check the path")
    try:
        kenlm = importlib.import_module("kenlm")
    except ModuleNotFoundError:
        raise LanguageModelError(
            f"{path}: reading it needs the package kenlm; pip install 'recurrent-asr[kenlm]', "
            "or use the ARPA file that the model was made from"
        ) from None
    config = kenlm.Config()
    config.show_progress = False
    config.arpa_complain = kenlm.ARPALoadComplain.NONE
    try:
        model = kenlm.Model(str(path), config)
    except (OSError, RuntimeError) as error:
        raise LanguageModelError(
            f"{path}: KenLM cannot read it ({_reason(error)}); copy it again, or make it anew by build_binary"
        ) from None
    return KenlmScorer(model, kenlm.State, _has_unknown(model, kenlm.State()))


def _reason(error: Exception) -> str:
    """What KenLM found, without the place in its source."""
    text = re.sub(r"\s+", " ", str(error)).removesuffix(")")
    reason = re.split(r"^Cannot read model '.*?' \(|threw [\w:]+(?: because `.*?'\.|\.) ", text)[-1]
    return reason.strip(" .")[:120]


def _has_unknown(model: Any, state: Any) -> bool:
    model.NullContextWrite(state)
    return bool(model.BaseScore(state, UNKNOWN, state.__class__()) > MISSING_UNKNOWN)


@dataclass(frozen=True, slots=True, eq=False)
class KenlmScorer:
    """A KenLM model as a `asr.decode.scorer.WordScorer`; `load_kenlm` makes it.

    Attributes:
        model: A ``kenlm.Model``.
        new_state: Makes an empty ``kenlm.State``.
        has_unknown: Whether the model has <unk>.
    """

    model: Any
    new_state: type[Any]
    has_unknown: bool

    @property
    def reads(self) -> Literal["words"]:
        """Words."""
        return "words"

    def start(self) -> Any:
        """After <s>; see WordScorer."""
        state = self.new_state()
        self.model.BeginSentenceWrite(state)
        return state

    def knows(self, word: str) -> bool:
        """Whether KenLM has a number for it; see WordScorer."""
        return word in self.model

    def advance(self, states: Sequence[Any], words: Sequence[str]) -> tuple[NDArray[np.float64], list[Any]]:
        """Reads one word in each state; see WordScorer."""
        following = [self.new_state() for _ in states]
        read = map(self.model.BaseScore, states, words, following)
        log_probs = np.fromiter(read, np.float64, len(following)) * LN_10
        if not self.has_unknown:
            log_probs[[word not in self.model for word in words]] = 0.0
        return log_probs, following

    def finish(self, states: Sequence[Any]) -> NDArray[np.float64]:
        """Reads </s>; see WordScorer."""
        if END not in self.model:
            return np.zeros(len(states))
        return self.advance(states, [END] * len(states))[0]
