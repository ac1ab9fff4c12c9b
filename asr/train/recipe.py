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
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from asr.audio.features import log_mel
from asr.audio.normalization import Moments, Statistics, collect_moments, statistics_of
from asr.bundle import Bundle
from asr.config import FeatureConfig, Recipe
from asr.data.batching import BatchSource
from asr.data.dataset import Dataset, Recordings, Texts
from asr.data.weighted import Weighted
from asr.model.acoustic import AcousticModel
from asr.progress import say, track, warn
from asr.settings import from_dict, to_dict
from asr.text.normalize import normalize
from asr.train.checkpoint import Checkpoint, read_checkpoint
from asr.train.corpus import Corpus, count_corpus, impossible_utterances, prepare_corpus
from asr.train.ctc import CTCObjective
from asr.train.curves import draw_curves
from asr.train.dev_set import dev_set
from asr.train.distributed import Ranks, joined
from asr.train.environment import describe_environment
from asr.train.finish import Chosen, Outcome, choose_weights, finish, training_facts
from asr.train.forecast import check_memory, demand_of, explaining_memory
from asr.train.initial import begin_with, initial_hash
from asr.train.journal import Journal, Silence
from asr.train.learner import Learner
from asr.train.lock import locked
from asr.train.loop import Trainer
from asr.train.precision import Precision, choose_precision
from asr.train.settle import record, settle_data, settle_recipe
from asr.train.state import TrainState, checkpoint_path, kept_path


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
    ranks: Ranks
    environment: Mapping[str, Any]
    initial: Mapping[str, torch.Tensor]


def run_recipe(recipe: Recipe, options: RunOptions) -> Outcome:
    """Trains, evaluates, and writes the bundle; together with the other processes that torchrun started.

    Returns:
        What the run leaves; without reports in processes other than the first.

    Raises:
        AsrError: If data, recipe or run folder do not allow it; Interrupted after Ctrl-C; ToldElsewhere in
            a process that ends for a reason which another one tells.
    """
    with joined() as ranks, locked(options.out) if ranks.first else nullcontext():
        plan = _settle(recipe, options, ranks)
        objective, source, statistics = _prepare(plan)
        state, chosen = _train(plan, objective, source, options)
        if not ranks.first:
            return Outcome(options.out / "bundle", {})
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


def _settle(recipe: Recipe, options: RunOptions, ranks: Ranks) -> _Plan:
    """Checks recipe, data and device against each other and against the run so far."""
    settled = settle_recipe(recipe, options.out, options.settings, options.resume) if ranks.first else None
    shared = ranks.share_value(to_dict(settled.recipe) if settled else {})
    recipe = settled.recipe if settled else from_dict(Recipe, shared)
    device = ranks.device(options.device)
    precision = choose_precision(recipe.training.precision, device)
    corpus = prepare_corpus(recipe, options.data)
    ranks.agree(corpus.hashes)
    environment: dict[str, Any] = {}
    initial: Mapping[str, torch.Tensor] = {}
    if settled:
        hashes = dict(corpus.hashes)
        if recipe.init and not (options.resume and checkpoint_path(options.out).exists()):
            initial = begin_with(recipe, corpus.tokenizer.vocabulary)
            hashes |= initial_hash(recipe)
        if options.resume:
            settle_data(options.out, hashes)
        now = {**describe_environment(device), "processes": ranks.count}
        environment = record(options.out, settled, now, hashes, resume=options.resume)
    return _Plan(recipe, corpus, device, precision, ranks, environment, initial)


def _prepare(plan: _Plan) -> tuple[CTCObjective, BatchSource, Statistics]:
    """Makes the model, reads the recordings, and says what is going to be trained."""
    recipe, corpus, ranks = plan.recipe, plan.corpus, plan.ranks
    seed = recipe.training.seed
    torch.manual_seed(seed)
    model = AcousticModel(recipe.model, recipe.features.mels, len(corpus.tokenizer.vocabulary))
    if plan.initial:
        model.load_state_dict(plan.initial)
    _introduce(plan, model)
    recordings = Recordings(corpus.train, recipe.features.sample_rate)
    statistics = _measure(recordings, recipe.features, ranks)
    texts = Texts(corpus.tokens, corpus.tokenizer.units.separator)
    training = recipe.training
    dataset = Dataset(recordings, texts, recipe.features, statistics, recipe.augment, seed)
    own = corpus.dev[ranks.number :: ranks.count]
    dev = dev_set(own, corpus.tokenizer, recipe.tokenizer.normalizer, recipe.features, statistics)
    objective = CTCObjective(model.to(plan.device), corpus.tokenizer, dev, ranks, training.consistency)
    weighted = Weighted(dataset, corpus.weights, seed)
    source = BatchSource(weighted, training.batch_seconds, seed, ranks.share, training.views)
    return objective, source, statistics


def _measure(recordings: Recordings, features: FeatureConfig, ranks: Ranks) -> Statistics:
    """Mean and deviation of the training utterances; each process reads a part of them."""
    own = range(ranks.number, len(recordings), ranks.count)
    indices = track(own, "reading recordings to train on")
    part = collect_moments((log_mel(recordings.samples(index), features) for index in indices), features)
    if ranks.count == 1:
        return statistics_of(part, features)
    frames, *sums = ranks.sum([part.frames, *part.total, *part.squares])
    total, squares = np.split(np.array(sums), 2)
    return statistics_of(Moments(int(frames), total, squares), features)


def _train(
    plan: _Plan, objective: CTCObjective, source: BatchSource, options: RunOptions
) -> tuple[TrainState, Chosen]:
    """Trains from the beginning or the last checkpoint on, and chooses the weights to keep."""
    ranks, run = plan.ranks, options.out
    found = last_checkpoint(run, resume=options.resume) if ranks.first else None
    checkpoint = ranks.share_checkpoint(found)
    done = checkpoint.values if checkpoint else {}
    with Journal(run, done.get("step", 0), done.get("epoch", 0)) if ranks.first else Silence() as journal:
        trainer = Trainer(
            Learner(objective, plan.recipe.training, plan.precision, ranks), source, journal, run
        )
        if checkpoint:
            trainer.resume(checkpoint)
        ranks.copy_first(objective.model)
        _forecast(plan, objective, source)
        with explaining_memory(plan.recipe.training.batch_seconds):
            state = trainer.train()
        if ranks.first:
            draw_curves(run / "metrics.jsonl", run / "curves.png")
        chosen = choose_weights(objective, [kept_path(run, kept.epoch) for kept in state.kept], ranks)
        say(f"{state.cpu_seconds / 60:.2f} CPU minutes of training; weights: {chosen.description}")
    return state, chosen


def _forecast(plan: _Plan, objective: CTCObjective, source: BatchSource) -> None:
    """Says how much memory is going to be needed; other processes have read a part of the recordings."""
    recipe, ranks = plan.recipe, plan.ranks
    unread = sum(one.duration for one in plan.corpus.train) * (1 - 1 / ranks.count)
    demand = demand_of(objective.model, recipe.model, recipe.features, plan.precision, unread)
    check_memory(demand, source.longest(), recipe.training, recipe.augment, plan.device, ranks)


def _facts(plan: _Plan, state: TrainState, chosen: Chosen) -> dict[str, Any]:
    """Where the model comes from, for its bundle."""
    return {
        "environment": plan.environment,
        "data": count_corpus(plan.corpus),
        "training": training_facts([state], plan.precision, chosen),
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
        + (f"; begins with {recipe.init}" if plan.initial else "")
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
