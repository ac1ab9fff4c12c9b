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
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from asr.audio.normalization import Statistics
from asr.bundle import Bundle, save_bundle
from asr.config import Recipe
from asr.data.batching import BatchSource
from asr.data.dataset import Dataset
from asr.data.manifest import Utterance, read_manifest, split_path
from asr.files import write_atomically
from asr.model.acoustic import AcousticModel
from asr.model.device import choose_device
from asr.recognize.evaluate import recognize
from asr.recognize.recognizer import load
from asr.recognize.scoring import Report, report, report_json
from asr.text.error_rate import format_wer
from asr.text.normalize import normalize
from asr.train.card import model_card
from asr.train.checkpoint import Checkpoint, average, read_checkpoint
from asr.train.corpus import Corpus, impossible_utterances, prepare_corpus
from asr.train.ctc import CTCObjective, DevUtterance
from asr.train.curves import draw_curves
from asr.train.environment import describe_environment
from asr.train.journal import Journal
from asr.train.loop import Trainer, checkpoint_path, kept_path
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
class Outcome:
    """What a run leaves: the folder of the bundle, and how good it is on each split."""

    bundle: Path
    reports: Mapping[str, Report]


def run_recipe(recipe: Recipe, options: RunOptions) -> Outcome:
    """Trains, evaluates, and writes the bundle.

    Raises:
        AsrError: If data, recipe or run folder do not allow it; Interrupted after Ctrl-C.
    """
    recipe = settle_recipe(recipe, options.out, options.settings, options.resume)
    device = choose_device(options.device)
    precision = choose_precision(recipe.training.precision, device)
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
    objective = CTCObjective(model, corpus.tokenizer, _dev_set(corpus, recipe, statistics))
    source = BatchSource(dataset, recipe.training.batch_seconds, recipe.training.seed)
    checkpoint = _last_checkpoint(options)
    done = checkpoint.values if checkpoint else {}
    with Journal(options.out, done.get("step", 0), done.get("epoch", 0)) as journal:
        _introduce(journal, recipe, corpus, model, precision)
        trainer = Trainer(objective, source, recipe.training, precision, journal, options.out)
        if checkpoint:
            trainer.resume(checkpoint)
        elif options.resume:
            journal.say(f"{options.out}: stopped before the first checkpoint; begins anew")
        state = trainer.train()
        draw_curves(options.out / "metrics.jsonl", options.out / "curves.png")
        kept = [kept_path(options.out, entry.epoch) for entry in state.kept]
        weights, description = _best_weights(objective, kept)
        cpu_minutes = round(state.cpu_seconds / 60, 2)
        journal.say(f"{cpu_minutes} CPU minutes of training; weights: {description}")
    facts = {
        "environment": environment,
        "data": _count(corpus),
        "training": {
            "epochs": state.epoch,
            "steps": state.step,
            "cpu_minutes": cpu_minutes,
            "precision": precision.name,
            "skipped_utterances": state.skipped,
            "skipped_steps": state.skipped_steps,
            "weights": description,
        },
    }
    bundle = Bundle(
        name=recipe.name,
        features=recipe.features,
        statistics=statistics,
        tokenizer_config=recipe.tokenizer,
        vocabulary=corpus.tokenizer.vocabulary,
        model=recipe.model,
        weights={name: tensor.cpu().numpy() for name, tensor in weights.items()},
        facts=facts,
    )
    return _finish(bundle, recipe, {"dev": list(corpus.dev)} | tests, options.out)


def _last_checkpoint(options: RunOptions) -> Checkpoint | None:
    """Where to go on; None for a new run, and for one that was stopped before its first checkpoint."""
    path = checkpoint_path(options.out)
    if not options.resume or not path.exists():
        return None
    return read_checkpoint(path, "step", "epoch", "batch", "kept")


def _finish(bundle: Bundle, recipe: Recipe, sets: Mapping[str, Sequence[Utterance]], out: Path) -> Outcome:
    """Writes the bundle, reads it back as a user would, evaluates it, and adds the results to its card."""
    folder = out / "bundle"
    save_bundle(bundle, folder)
    recognizer = load(folder)
    reports = {split: report(recognize(recognizer, utterances)) for split, utterances in sets.items()}
    for split, result in reports.items():
        write_atomically(out / "results" / f"{split}.json", report_json(result))
    results = {
        split: {"wer": format_wer(result.words), "cer": format_wer(result.characters, "CER")}
        for split, result in reports.items()
    }
    facts = {**bundle.facts, "results": results}
    weights = sum(int(array.size) for array in bundle.weights.values())
    card = model_card(recipe, facts, vocabulary=len(bundle.vocabulary), parameters=weights)
    save_bundle(replace(bundle, facts=facts, card=card), folder)
    return Outcome(folder, reports)


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


def _introduce(
    journal: Journal, recipe: Recipe, corpus: Corpus, model: AcousticModel, precision: Precision
) -> None:
    """Says what is going to be trained, and what of the data cannot be used."""
    counts = _count(corpus)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    journal.say(
        f"{recipe.name}: {parameters / 1e6:.2f} M parameters, {len(corpus.tokenizer.vocabulary)} tokens; "
        f"{counts['train_utterances']} utterances ({counts['train_hours']} h) to train, "
        f"{counts['dev_utterances']} ({counts['dev_hours']} h) to choose on; "
        f"{precision.name} ({precision.reason})"
    )
    impossible = impossible_utterances(corpus, recipe, model.window)
    if impossible:
        journal.warn(
            f"{len(impossible)} utterances are too short for their texts and teach nothing at times, "
            f"{impossible[0]!r} for one; asr check lists them"
        )
    known = corpus.tokenizer
    strange = {
        unit for u in corpus.dev for unit in known.unknown(normalize(u.text, recipe.tokenizer.normalizer))
    }
    if strange:
        journal.warn(
            f"the dev texts hold {len(strange)} units that no training text has: {sorted(strange)[:10]}"
        )


def _best_weights(objective: CTCObjective, paths: Sequence[Path]) -> tuple[Mapping[str, Tensor], str]:
    """The best weights of the run, or the mean of several if that is at least as good on dev."""
    kept = [read_checkpoint(path) for path in paths]
    best, epoch = kept[0].tensors, int(kept[0].values["epoch"])
    single = f"epoch {epoch}, dev WER {100 * float(kept[0].values['error_rate']):.2f} %"
    if len(kept) == 1:
        return best, single
    mean = average([checkpoint.tensors for checkpoint in kept])
    objective.model.load_state_dict(mean)
    error_rate = objective.validate().error_rate
    if error_rate <= float(kept[0].values["error_rate"]):
        epochs = sorted(int(checkpoint.values["epoch"]) for checkpoint in kept)
        return mean, f"mean of epochs {epochs}, dev WER {100 * error_rate:.2f} % (best alone: {single})"
    return best, f"{single} (mean of the best {len(kept)}: {100 * error_rate:.2f} %)"


def _count(corpus: Corpus) -> dict[str, float]:
    return {
        "train_utterances": len(corpus.train),
        "train_hours": round(sum(utterance.duration for utterance in corpus.train) / 3600, 3),
        "dev_utterances": len(corpus.dev),
        "dev_hours": round(sum(utterance.duration for utterance in corpus.dev) / 3600, 3),
    }
