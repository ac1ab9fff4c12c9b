"""Connectionist temporal classification as a training objective."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from asr.data.batching import Batch
from asr.decode.ctc import BLANK, blank_ratio, greedy
from asr.model.acoustic import AcousticModel
from asr.model.lengths import required_frames
from asr.model.recurrent import frame_mask
from asr.recognize.batches import emissions
from asr.recognize.scoring import Scored, score
from asr.recognize.torch_engine import TorchEngine
from asr.text.error_rate import ErrorCounts
from asr.text.tokenizer import Tokenizer
from asr.train.consistency import disagreement
from asr.train.distributed import ALONE, Ranks
from asr.train.monitor import StuckLoss
from asr.train.objective import Loss, Metrics


@dataclass(frozen=True, slots=True)
class DevUtterance:
    """An utterance to judge the model on: its features (T, F) and normalised reference."""

    id: str
    speaker: str
    features: NDArray[np.float32]
    reference: str
    duration: float


class CTCObjective:
    """Trains an acoustic model by CTC, and judges it by the greedy word error rate on the dev set.

    With consistency, batches hold two views of each utterance, one after the other; see
    `asr.train.consistency`.

    Args:
        model: The acoustic model.
        tokenizer: Turns its tokens into text.
        dev: The dev set, or the part of it that this process hears.
        ranks: The processes among which the dev set is divided.
        consistency: What it counts when two views of an utterance differ; 0 where there is one.
    """

    def __init__(
        self,
        model: AcousticModel,
        tokenizer: Tokenizer,
        dev: Sequence[DevUtterance],
        ranks: Ranks = ALONE,
        consistency: float = 0.0,
    ) -> None:
        self.model = model
        self._tokenizer = tokenizer
        self._dev = tuple(dev)
        self._ranks = ranks
        self._consistency = consistency
        self._engine = TorchEngine(model)
        self._stuck = StuckLoss()

    def loss(self, batch: Batch) -> Loss:
        """The CTC loss of a batch, summed over utterances; those shorter than a frame are skipped."""
        batch, silent = _audible(batch)
        if not batch.ids:
            return Loss(torch.zeros(()), 0, silent, {})
        features = torch.from_numpy(batch.features).to(self.model.head.weight.device)
        log_probs, lengths = self.model(features, torch.from_numpy(batch.feature_lengths))
        loss = ctc_loss(log_probs, lengths, batch)
        mean = float(loss.total.detach()) / max(loss.count, 1)
        advice = self._stuck.update(mean, loss.parts["blank_ratio"])
        if self._consistency:
            apart = disagreement(log_probs, lengths)
            parts = {**loss.parts, "disagreement": float(apart.detach()) / len(batch.ids)}
            loss = replace(loss, total=loss.total + self._consistency * apart, parts=parts)
        return replace(loss, skipped=loss.skipped + silent, advice=advice)

    def validate(self) -> Metrics:
        """Greedy word and character error rates over the dev set, and how much of it is blank."""
        scored: list[Scored] = []
        blanks: list[float] = []
        for index, log_probs in emissions(self._engine, [utterance.features for utterance in self._dev]):
            utterance = self._dev[index]
            hypothesis = self._tokenizer.decode(greedy(log_probs).tokens)
            scored.append(
                score(utterance.id, utterance.speaker, utterance.reference, hypothesis, utterance.duration)
            )
            blanks.append(blank_ratio(log_probs))
        words = self._summed([one.words for one in scored])
        characters = self._summed([one.characters for one in scored])
        blank, count = self._ranks.sum([float(np.sum(blanks)), len(blanks)])
        parts = {"dev_character_error_rate": characters.rate, "dev_blank_ratio": blank / count}
        summary = f"dev WER {100 * words.rate:6.2f} %  CER {100 * characters.rate:6.2f} %"
        return Metrics(words.rate, summary, parts)

    def _summed(self, counts: Sequence[ErrorCounts]) -> ErrorCounts:
        """The errors of the whole dev set."""
        own = sum(counts, ErrorCounts.zero())
        return ErrorCounts(*map(int, self._ranks.sum(astuple(own))))


def _audible(batch: Batch) -> tuple[Batch, int]:
    """A batch without its utterances of no frame at all, and how many they are."""
    rows = np.flatnonzero(batch.feature_lengths)
    silent = len(batch.ids) - len(rows)
    if not silent:
        return batch, 0
    heard = Batch(
        ids=tuple(batch.ids[row] for row in rows),
        features=batch.features[rows],
        feature_lengths=batch.feature_lengths[rows],
        tokens=batch.tokens[rows],
        token_lengths=batch.token_lengths[rows],
    )
    return heard, silent


def ctc_loss(log_probs: Tensor, lengths: Tensor, batch: Batch) -> Loss:
    """Connectionist temporal classification (Graves et al., 2006), summed over utterances.

    Args:
        log_probs: Emissions (N, S, V) in fp32.
        lengths: Emission frames (N,).
        batch: Its tokens; an utterance may have none.

    Returns:
        The loss; utterances with fewer frames than CTC needs, and those whose loss is not finite,
        are skipped and counted.
    """
    losses = nn.functional.ctc_loss(
        log_probs.transpose(0, 1),
        torch.from_numpy(batch.tokens).to(log_probs.device),
        lengths,
        torch.from_numpy(batch.token_lengths),
        blank=BLANK,
        reduction="none",
        zero_infinity=True,
    )
    needed = [
        required_frames(tokens[:length])
        for tokens, length in zip(batch.tokens, batch.token_lengths, strict=True)
    ]
    feasible = lengths >= torch.tensor(np.array(needed), dtype=lengths.dtype)
    counted = feasible.to(losses.device) & torch.isfinite(losses)
    total = torch.where(counted, losses, torch.zeros_like(losses)).sum()
    count = int(counted.sum())
    blank = log_probs.detach().argmax(-1).cpu() == BLANK
    mask = frame_mask(lengths, blank.shape[1])
    blanks = float((blank & mask).sum() / mask.sum().clamp(min=1))
    return Loss(total, count, len(batch.ids) - count, {"blank_ratio": blanks})
