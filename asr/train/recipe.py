"""Runs a recipe: data, model, training, averaging, bundle, evaluation, all in one run folder.

recipe.json              the resolved recipe; a resumed run must agree with it
environment.json         commit, versions, processor, data hashes
metrics.jsonl            every 20th step and every epoch; also in tensorboard/
checkpoint.safetensors   everything needed to go on
best/                    the weights of the best epochs
curves.png               learning curves
bundle/                  the trained model, ready for asr transcribe
results/<split>.json     error rates, utterance by utterance
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from asr.audio.features import log_mel
from asr.audio.normalization import Statistics, collect_statistics
from asr.bundle import Bundle
from asr.config import Recipe
from asr.data.batching import BatchSource
from asr.data.dataset import Dataset, Recordings, Texts
from asr.model.acoustic import AcousticModel
from asr.model.device import choose_device
from asr.progress import say, track, warn
from asr.text.normalize import normalize
from asr.train.checkpoint import Checkpoint, read_checkpoint
from asr.train.corpus import Corpus, count_corpus, impossible_utterances, prepare_corpus
from asr.train.ctc import CTCObjective
from asr.train.curves import draw_curves
from asr.train.dev_set import dev_set
from asr.train.environment import describe_environment
from asr.train.finish import Chosen, Outcome, choose_weights, finish
from asr.train.journal import Journal
from asr.train.lock import locked
from asr.train.loop import Trainer, TrainState, checkpoint_path, kept_path
from asr.train.precision import Precision, choose_precision
from asr.train.settle import record, settle_data, settle_recipe


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Where and how to run a recipe.

    Attributes:
        data: The folder of the splits.
        out: The run folder.
        settings: Changes to the recipe, ``training.epochs=2`` each.
        device: `auto`, `cpu` or a torch device.
        resume: Go on with the run in `out`.
    """

    data: Path
    out: Path
    settings: tuple[str, ...] = ()
    device: str = "auto"
    resume: bool = False


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a run follows, settled and written down before any recording is read."""

    recipe: Recipe
    corpus: Corpus
    device: torch.device
    precision: Precision
    environment: Mapping[str, Any]


def run_recipe(recipe: Recipe, options: RunOptions) -> Outcome:
    """Trains, evaluates, and writes the bundle.

    Raises:
        AsrError: If data, recipe or run folder do not allow it; Interrupted after Ctrl-C.
    """
    with locked(options.out):
        plan = _settle(recipe, options)
        objective, source, statistics = _prepare(plan)
        state, chosen = _train(plan, objective, source, options)
        bundle = Bundle(
            name=plan.recipe.name,
            features=plan.recipe.features,
            statistics=statistics,
            tokenizer_config=plan.recipe.tokenizer,
            vocabulary=plan.corpus.tokenizer.vocabulary,
            model=plan.recipe.model,
            weights=chosen.weights,
            facts=_facts(plan, state, chosen),
        )
        return finish(bundle, plan.recipe, plan.corpus, options.out, plan.device)


def _settle(recipe: Recipe, options: RunOptions) -> _Plan:
    """Checks recipe, data and device against each other and against the run so far."""
    settled = settle_recipe(recipe, options.out, options.settings, options.resume)
    device = choose_device(options.device)
    precision = choose_precision(settled.recipe.training.precision, device)
    corpus = prepare_corpus(settled.recipe, options.data)
    if options.resume:
        settle_data(options.out, corpus.hashes)
    environment = record(
        options.out, settled, describe_environment(device), corpus.hashes, resume=options.resume
    )
    return _Plan(settled.recipe, corpus, device, precision, environment)


def _prepare(plan: _Plan) -> tuple[CTCObjective, BatchSource, Statistics]:
    """Makes the model, reads the recordings, and says what is going to be trained."""
    recipe, corpus = plan.recipe, plan.corpus
    torch.manual_seed(recipe.training.seed)
    model = AcousticModel(recipe.model, recipe.features.mels, len(corpus.tokenizer.vocabulary))
    _introduce(plan, model)
    recordings = Recordings(corpus.train, recipe.features.sample_rate)
    indices = track(range(len(recordings)), "reading recordings to train on")
    statistics = collect_statistics(
        (log_mel(recordings.samples(index), recipe.features) for index in indices), recipe.features
    )
    texts = Texts(corpus.tokens, corpus.tokenizer.units.separator)
    dataset = Dataset(recordings, texts, recipe.features, statistics, recipe.augment, recipe.training.seed)
    dev = dev_set(corpus.dev, corpus.tokenizer, recipe.tokenizer.normalizer, recipe.features, statistics)
    objective = CTCObjective(model.to(plan.device), corpus.tokenizer, dev)
    return objective, BatchSource(dataset, recipe.training.batch_seconds, recipe.training.seed), statistics


def _train(
    plan: _Plan, objective: CTCObjective, source: BatchSource, options: RunOptions
) -> tuple[TrainState, Chosen]:
    """Trains from the beginning or the last checkpoint on, and chooses the weights to keep."""
    checkpoint = last_checkpoint(options.out, resume=options.resume)
    done = checkpoint.values if checkpoint else {}
    with Journal(options.out, done.get("step", 0), done.get("epoch", 0)) as journal:
        trainer = Trainer(objective, source, plan.recipe.training, plan.precision, journal, options.out)
        if checkpoint:
            trainer.resume(checkpoint)
        state = trainer.train()
        draw_curves(options.out / "metrics.jsonl", options.out / "curves.png")
        chosen = choose_weights(objective, [kept_path(options.out, kept.epoch) for kept in state.kept])
        say(f"{state.cpu_seconds / 60:.2f} CPU minutes of training; weights: {chosen.description}")
    return state, chosen


def _facts(plan: _Plan, state: TrainState, chosen: Chosen) -> dict[str, Any]:
    """Where the model comes from, for its bundle."""
    return {
        "environment": plan.environment,
        "data": count_corpus(plan.corpus),
        "training": {
            "epochs": state.epoch,
            "steps": state.step,
            "cpu_minutes": round(state.cpu_seconds / 60, 2),
            "precision": plan.precision.name,
            "skipped_utterances": state.skipped,
            "skipped_steps": state.skipped_steps,
            "weights": chosen.description,
        },
    }


def last_checkpoint(run: Path, *, resume: bool) -> Checkpoint | None:
    """Where to go on; None for a new run, and for one that was stopped before its first checkpoint."""
    path = checkpoint_path(run)
    if resume and path.exists():
        return read_checkpoint(path, "step", "epoch", "batch", "kept")
    if resume:
        say(f"{run}: stopped before the first checkpoint; begins anew")
    return None


def _introduce(plan: _Plan, model: AcousticModel) -> None:
    """Says what is going to be trained, and what of the data cannot be used."""
    recipe, corpus = plan.recipe, plan.corpus
    counts = count_corpus(corpus)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    say(
        f"{recipe.name}: {parameters / 1e6:.2f} M parameters, {len(corpus.tokenizer.vocabulary)} tokens; "
        f"{counts['train_utterances']} utterances ({counts['train_hours']} h) to train, "
        f"{counts['dev_utterances']} ({counts['dev_hours']} h) to choose on; "
        f"{plan.precision.name} ({plan.precision.reason})"
    )
    impossible = impossible_utterances(corpus, recipe, model.window)
    if impossible:
        warn(
            f"{len(impossible)} utterances are too short for their texts and teach nothing at times, "
            f"{impossible[0]!r} for one; asr check MANIFEST --recipe RECIPE lists them"
        )
    known = corpus.tokenizer
    strange = {
        unit for u in corpus.dev for unit in known.unknown(normalize(u.text, recipe.tokenizer.normalizer))
    }
    if strange:
        warn(f"the dev texts hold {len(strange)} units that no training text has: {sorted(strange)[:10]}")
