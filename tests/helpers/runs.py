"""Tiny training runs in this process, opened up so that tests can look inside and stop them."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from asr.audio.features import log_mel
from asr.audio.normalization import Statistics, collect_statistics
from asr.config import AugmentConfig, FeatureConfig, ModelConfig, Recipe, TrainingConfig
from asr.data.batching import Batch, BatchSource
from asr.data.dataset import Dataset, Recordings, Texts
from asr.data.manifest import Utterance
from asr.model.acoustic import AcousticModel
from asr.text.normalize import normalize
from asr.train.checkpoint import read_checkpoint
from asr.train.corpus import prepare_corpus
from asr.train.ctc import CTCObjective, DevUtterance
from asr.train.journal import Journal
from asr.train.learner import Learner
from asr.train.loop import Trainer
from asr.train.objective import Loss, Metrics, Objective
from asr.train.precision import Precision
from asr.train.state import TrainState, checkpoint_path
from asr.train.stopping import Interrupted

FEATURES = FeatureConfig(mels=20)
MODEL = ModelConfig(cell="gru", layers=1, hidden=8, channels=2, dropout=0.2)
AUGMENT = AugmentConfig(
    speeds=(0.9, 1.0, 1.1), noise=0.5, time_masks=1, mel_masks=1, mel_mask_bins=4, non_speech=0.2
)
FP32 = Precision("fp32", "for tests")


def tiny_recipe(**training: Any) -> Recipe:
    """A recipe for `tests.helpers.corpora` that takes a fraction of a second an epoch."""
    settings = {"epochs": 3, "batch_seconds": 3.0, "learning_rate": 0.01, "precision": "fp32"} | training
    return Recipe(
        name="tiny",
        dev=("dev",),
        features=FEATURES,
        augment=AUGMENT,
        model=MODEL,
        training=TrainingConfig(**settings),
    )


def measured(utterances: Sequence[Utterance], features: FeatureConfig) -> Statistics:
    """Mean and deviation of what utterances sound like without augmentation."""
    recordings = Recordings(utterances, features.sample_rate)
    return collect_statistics(
        (log_mel(recordings.samples(index), features) for index in range(len(recordings))), features
    )


def as_they_are(features: FeatureConfig = FEATURES) -> Statistics:
    """Statistics that leave features unchanged."""
    return Statistics(np.zeros(features.mels, np.float32), np.ones(features.mels, np.float32))


def dataset(
    utterances: Sequence[Utterance],
    augment: AugmentConfig | None = None,
    seed: int = 0,
    statistics: Statistics | None = None,
) -> Dataset:
    """Utterances as a dataset; number i says token i + 1 twice."""
    tokens = [[index + 1] * 2 for index in range(len(utterances))]
    recordings = Recordings(utterances, FEATURES.sample_rate)
    return Dataset(recordings, Texts(tokens), FEATURES, statistics or as_they_are(), augment, seed)


@contextmanager
def opened(
    recipe: Recipe,
    data: Path,
    run: Path,
    *,
    resume: bool = False,
    around: Callable[[Objective], Objective] = lambda objective: objective,
) -> Iterator[Trainer]:
    """A trainer of a recipe, ready to train or, from the checkpoint in `run`, to go on."""
    corpus = prepare_corpus(replace(recipe, test=()), data)
    torch.manual_seed(recipe.training.seed)
    model = AcousticModel(recipe.model, recipe.features.mels, len(corpus.tokenizer.vocabulary))
    statistics = measured(corpus.train, recipe.features)
    dataset = Dataset(
        Recordings(corpus.train, recipe.features.sample_rate),
        Texts(corpus.tokens, corpus.tokenizer.units.separator),
        recipe.features,
        statistics,
        recipe.augment,
        recipe.training.seed,
    )
    recordings = Recordings(corpus.dev, recipe.features.sample_rate)
    judged = Dataset(recordings, Texts([()] * len(corpus.dev)), recipe.features, statistics)
    dev = [
        DevUtterance(u.id, u.speaker, judged.example(index, 0).features, normalize(u.text), u.duration)
        for index, u in enumerate(corpus.dev)
    ]
    objective = around(CTCObjective(model, corpus.tokenizer, dev))
    source = BatchSource(dataset, recipe.training.batch_seconds, recipe.training.seed)
    checkpoint = read_checkpoint(checkpoint_path(run)) if resume else None
    done = checkpoint.values if checkpoint else {}
    with Journal(run, done.get("step", 0), done.get("epoch", 0)) as journal:
        trainer = Trainer(Learner(objective, recipe.training, FP32), source, journal, run)
        if checkpoint:
            trainer.resume(checkpoint)
        yield trainer


def trained(recipe: Recipe, data: Path, run: Path, **options: Any) -> tuple[TrainState, nn.Module]:
    """Trains to the end: the last state, and the model."""
    with opened(recipe, data, run, **options) as trainer:
        return trainer.train(), trainer.objective.model


def interrupted(
    recipe: Recipe,
    data: Path,
    run: Path,
    batches: int,
    *,
    resume: bool = False,
    around: Callable[[Objective], Objective] = lambda objective: objective,
) -> bool:
    """Trains, and presses Ctrl-C in batch `batches` (counted from 1); False if it came to the end."""
    try:
        trained(recipe, data, run, resume=resume, around=lambda inner: CtrlC(around(inner), batches))
    except Interrupted:
        return True
    return False


class CtrlC:
    """An objective at whose loss number `at` somebody presses Ctrl-C."""

    def __init__(self, inner: Objective, at: int) -> None:
        self.model = inner.model
        self._inner = inner
        self._left = at

    def loss(self, batch: Batch) -> Loss:
        self._left -= 1
        if self._left == 0:
            signal.raise_signal(signal.SIGINT)
        return self._inner.loss(batch)

    def validate(self) -> Metrics:
        return self._inner.validate()


class Line:
    """The smallest objective: a single weight that is pulled towards 3; what dev says is given in advance."""

    def __init__(self, rates: list[float] | None = None, advice: dict[int, str] | None = None) -> None:
        self.model = nn.Linear(1, 1, bias=False)
        nn.init.ones_(self.model.weight)
        self.rates = rates or []
        self.judged = 0
        self.losses = 0
        self._advice = advice or {}

    def loss(self, batch: Batch) -> Loss:
        self.losses += 1
        count = len(batch.ids)
        total = ((self.model.weight - 3.0) ** 2).sum() * count
        return Loss(total, count, 0, {}, self._advice.get(self.losses, ""))

    def validate(self) -> Metrics:
        self.judged += 1
        rate = self.rates[self.judged - 1] if self.judged <= len(self.rates) else 0.5
        return Metrics(rate, f"dev {rate}", {})


@contextmanager
def line_trainer(objective: Objective, source: BatchSource, run: Path, **training: Any) -> Iterator[Trainer]:
    """A trainer of any objective over any batches."""
    config = replace(TrainingConfig(precision="fp32", checkpoint_seconds=1e6), **training)
    with Journal(run) as journal:
        yield Trainer(Learner(objective, config, FP32), source, journal, run)
