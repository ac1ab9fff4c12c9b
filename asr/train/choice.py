"""Which weights fine-tuning keeps: the best on new speech, of those that forget no more than is allowed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from asr.bundle import Bundle
from asr.data.manifest import Utterance
from asr.progress import track
from asr.recognize.engines import TORCH, start_engine
from asr.recognize.evaluate import recognize
from asr.recognize.language import Language, default_search, fusion_for
from asr.recognize.recognizer import Recognizer
from asr.recognize.scoring import Report, report
from asr.train.checkpoint import average, read_checkpoint
from asr.train.finish import Chosen, stored

TIE = 1e-3
"""What the error rate of characters counts beside that of words, which is often equal on little speech."""

SHARES = tuple(eighth / 8 for eighth in range(1, 9))
"""How much of the way from the base to the trained weights is tried out."""

Weights = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Rates:
    """Error rates on what is learnt.

    Attributes:
        words, characters: Of either, 0.1 for ten per cent.
    """

    words: float
    characters: float

    @property
    def rank(self) -> float:
        """How bad the model is; among equal word error rates, characters tell."""
        return self.words + TIE * self.characters


class Judge(Protocol):
    """Says how good weights are."""

    def new_rates(self, weights: Weights) -> Rates:
        """The error rates on new speech."""

    def old_rate(self, weights: Weights) -> float:
        """The error rate of words on old speech; nan where there is none."""


class HeardWords:
    """Judges weights by the words that users get: with the language that the model carries, if it does.

    Args:
        bundle: What the model is besides its weights.
        new, old: Speech to choose on; the second may be empty.
        device: Where to compute.
    """

    def __init__(
        self, bundle: Bundle, new: Sequence[Utterance], old: Sequence[Utterance], device: torch.device
    ) -> None:
        self._bundle, self._device = bundle, str(device)
        self._new, self._old = new, old
        self._fusion = fusion_for(bundle, Language())
        self._search = default_search(bundle, Language()) if self._fusion else None

    def new_rates(self, weights: Weights) -> Rates:
        """The error rates on new speech. Raises AudioError if a recording cannot be read."""
        found = self._report(weights, self._new)
        return Rates(found.words.rate, found.characters.rate)

    def old_rate(self, weights: Weights) -> float:
        """The error rate of words on old speech, or nan. Raises AudioError as well."""
        return self._report(weights, self._old).words.rate if self._old else math.nan

    def _report(self, weights: Weights, utterances: Sequence[Utterance]) -> Report:
        bundle = replace(self._bundle, weights=stored(weights))
        engine = start_engine(bundle, TORCH, self._device)
        return report(recognize(Recognizer(bundle, engine, self._search, self._fusion), utterances))


def choose_retaining(judge: Judge, base: Weights, kept: Sequence[Path], allowed: float) -> Chosen:
    """Takes the weights that are best on new speech, of those that forget no more than is allowed.

    Besides the best epoch and the mean of the best ones, weights between the base and these are tried: on
    the way there, what is learnt and what is kept often add up (Wortsman et al., "Robust fine-tuning of
    zero-shot models", CVPR 2022). The best epochs may be those of several trainings from the same base, whose
    mean has learnt what they agree on, and less of the texts that they were shown (Wortsman et al., "Model
    soups", ICML 2022). The base itself stays where nothing is better.

    Args:
        judge: Says how good weights are.
        base: The weights before training.
        kept: Files of the weights of the best epochs, best first.
        allowed: How much the error rate on old speech may rise, 0.01 for one point.
    """
    before, old = judge.new_rates(base), judge.old_rate(base)
    ways = [(name, trained, share) for name, trained in _trained(kept) for share in SHARES]
    rates = [
        judge.new_rates(mixed(base, trained, share)) for _, trained, share in track(ways, "choosing weights")
    ]
    ranked = sorted(zip(rates, ways, strict=True), key=lambda pair: (pair[0].rank, pair[1][2]))
    for after, (name, trained, share) in ranked:
        if after.rank >= before.rank:
            break
        weights = mixed(base, trained, share)
        now = judge.old_rate(weights)
        if not now > old + allowed:
            way = "" if share == 1 else f", {100 * share:.0f} % of the way from the base to it"
            return Chosen(stored(weights), f"{name}{way}; {_change(before, after, old, now)}")
    reason = "nothing was better on the new dev set without forgetting more than is allowed"
    return Chosen(stored(base), f"those of the base, as {reason}; {_change(before, before, old, old)}")


def mixed(base: Weights, trained: Weights, share: float) -> dict[str, Tensor]:
    """Weights between two sets of them: 0 is the base; counters (integers) are those of the trained."""
    return {
        name: torch.lerp(base[name].cpu(), tensor.cpu(), share) if tensor.is_floating_point() else tensor
        for name, tensor in trained.items()
    }


def _trained(kept: Sequence[Path]) -> Iterator[tuple[str, Weights]]:
    """The weights that training led to: the best epoch, and the mean of the best ones."""
    checkpoints = [read_checkpoint(path) for path in kept]
    for checkpoint in checkpoints[:1]:
        yield f"epoch {checkpoint.values['epoch']}", checkpoint.tensors
    if len(checkpoints) > 1:
        epochs = sorted(int(checkpoint.values["epoch"]) for checkpoint in checkpoints)
        yield f"mean of epochs {epochs}", average([checkpoint.tensors for checkpoint in checkpoints])


def _change(before: Rates, after: Rates, old: float, now: float) -> str:
    text = f"new dev WER {100 * before.words:.2f} → {100 * after.words:.2f} %"
    return text if math.isnan(old) else f"{text}, old dev WER {100 * old:.2f} → {100 * now:.2f} %"
