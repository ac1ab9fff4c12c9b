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

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from asr.audio.normalization import Statistics
from asr.bundle import Bundle
from asr.config import Recipe
from asr.data.batching import BatchSource
from asr.data.dataset import Dataset
from asr.data.manifest import Utterance, read_manifest, split_path
from asr.files import write_atomically
from asr.model.acoustic import AcousticModel
from asr.model.device import choose_device
from asr.text.normalize import normalize
from asr.train.checkpoint import Checkpoint, read_checkpoint
from asr.train.corpus import Corpus, count_corpus, impossible_utterances, prepare_corpus
from asr.train.ctc import CTCObjective, DevUtterance
from asr.train.curves import draw_curves
from asr.train.environment import describe_environment
from asr.train.finish import Chosen, Outcome, choose_weights, finish
from asr.train.journal import Journal
from asr.train.loop import Trainer, TrainState, checkpoint_path, kept_path
from asr.train.precision import Precision, choose_precision
from asr.train.settle import settle_data, settle_recipe


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
class _Run:
    """Everything that a run needs before its first step."""

    recipe: Recipe
    corpus: Corpus
    tests: Mapping[str, Sequence[Utterance]]
    objective: CTCObjective
    source: BatchSource
    statistics: Statistics
    precision: Precision
    environment: Mapping[str, Any]


def run_recipe(recipe: Recipe, options: RunOptions) -> Outcome:
    """Trains, evaluates, and writes the bundle.

    Raises:
        AsrError: If data, recipe or run folder do not allow it; Interrupted after Ctrl-C.
    """
    run = _prepare(recipe, options)
    state, chosen = _train(run, options)
    facts = {
        "environment": run.environment,
        "data": count_corpus(run.corpus),
        "training": {
            "epochs": state.epoch,
            "steps": state.step,
            "cpu_minutes": round(state.cpu_seconds / 60, 2),
            "precision": run.precision.name,
            "skipped_utterances": state.skipped,
            "skipped_steps": state.skipped_steps,
            "weights": chosen.description,
        },
    }
    bundle = Bundle(
        name=run.recipe.name,
        features=run.recipe.features,
        statistics=run.statistics,
        tokenizer_config=run.recipe.tokenizer,
        vocabulary=run.corpus.tokenizer.vocabulary,
        model=run.recipe.model,
        weights=chosen.weights,
        facts=facts,
    )
    return finish(bundle, run.recipe, {"dev": run.corpus.dev, **run.tests}, options.out)


def _prepare(recipe: Recipe, options: RunOptions) -> _Run:
    """Reads and checks all that the run depends on, and writes down what it is."""
    recipe = settle_recipe(recipe, options.out, options.settings, options.resume)
    device = choose_device(options.device)
    corpus = prepare_corpus(recipe, options.data)
    if options.resume:
        settle_data(options.out, corpus.hashes)
    tests = {split: read_manifest(split_path(options.data, split)) for split in recipe.test}
    torch.manual_seed(recipe.training.seed)
    model = AcousticModel(recipe.model, recipe.features.mels, len(corpus.tokenizer.vocabulary)).to(device)
    environment = describe_environment(device) | {"data": dict(corpus.hashes)}
    write_atomically(options.out / "environment.json", json.dumps(environment, indent=2) + "\n")
    dataset = Dataset(corpus.train, corpus.tokens, recipe.features, recipe.augment, recipe.training.seed)
    statistics = dataset.measure()
    return _Run(
        recipe=recipe,
        corpus=corpus,
        tests=tests,
        objective=CTCObjective(model, corpus.tokenizer, _dev_set(corpus, recipe, statistics)),
        source=BatchSource(dataset, recipe.training.batch_seconds, recipe.training.seed),
        statistics=statistics,
        precision=choose_precision(recipe.training.precision, device),
        environment=environment,
    )


def _train(run: _Run, options: RunOptions) -> tuple[TrainState, Chosen]:
    """Trains from the beginning or the last checkpoint on, and chooses the weights to keep."""
    checkpoint = _last_checkpoint(options)
    done = checkpoint.values if checkpoint else {}
    with Journal(options.out, done.get("step", 0), done.get("epoch", 0)) as journal:
        _introduce(journal, run)
        config = run.recipe.training
        trainer = Trainer(run.objective, run.source, config, run.precision, journal, options.out)
        if checkpoint:
            trainer.resume(checkpoint)
        elif options.resume:
            journal.say(f"{options.out}: stopped before the first checkpoint; begins anew")
        state = trainer.train()
        draw_curves(options.out / "metrics.jsonl", options.out / "curves.png")
        chosen = choose_weights(run.objective, [kept_path(options.out, kept.epoch) for kept in state.kept])
        journal.say(f"{state.cpu_seconds / 60:.2f} CPU minutes of training; weights: {chosen.description}")
    return state, chosen


def _last_checkpoint(options: RunOptions) -> Checkpoint | None:
    """Where to go on; None for a new run, and for one that was stopped before its first checkpoint."""
    path = checkpoint_path(options.out)
    if not options.resume or not path.exists():
        return None
    return read_checkpoint(path, "step", "epoch", "batch", "kept")


def _dev_set(corpus: Corpus, recipe: Recipe, statistics: Statistics) -> list[DevUtterance]:
    dataset = Dataset(corpus.dev, [()] * len(corpus.dev), recipe.features)
    dataset.statistics = statistics
    return [
        DevUtterance(
            id=utterance.id,
            speaker=utterance.speaker,
            features=dataset.example(index, 0).features,
            reference=normalize(utterance.text, recipe.tokenizer.normalizer),
            duration=utterance.duration,
        )
        for index, utterance in enumerate(corpus.dev)
    ]


def _introduce(journal: Journal, run: _Run) -> None:
    """Says what is going to be trained, and what of the data cannot be used."""
    recipe, corpus, model = run.recipe, run.corpus, run.objective.model
    counts = count_corpus(corpus)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    journal.say(
        f"{recipe.name}: {parameters / 1e6:.2f} M parameters, {len(corpus.tokenizer.vocabulary)} tokens; "
        f"{counts['train_utterances']} utterances ({counts['train_hours']} h) to train, "
        f"{counts['dev_utterances']} ({counts['dev_hours']} h) to choose on; "
        f"{run.precision.name} ({run.precision.reason})"
    )
    impossible = impossible_utterances(corpus, recipe, model.window)
    if impossible:
        journal.warn(
            f"{len(impossible)} utterances are too short for their texts and teach nothing at times, "
            f"{impossible[0]!r} for one; asr check MANIFEST --recipe RECIPE lists them"
        )
    known = corpus.tokenizer
    strange = {
        unit for u in corpus.dev for unit in known.unknown(normalize(u.text, recipe.tokenizer.normalizer))
    }
    if strange:
        journal.warn(
            f"the dev texts hold {len(strange)} units that no training text has: {sorted(strange)[:10]}"
        )
