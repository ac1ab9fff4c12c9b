"""Fine-tuning: a model that exists learns a voice, an accent, words or a room, and keeps what it could.

The run folder is that of a recipe (see `asr.train.recipe`), with `results/comparison.json` beside the error
rates of each set before and after. Where a model is trained several times from the base, further trainings
have folders of their own in it: run-2, run-3, …
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from asr.bundle import LEXICON, Bundle, load_bundle, save_bundle
from asr.data.batching import BatchSource
from asr.data.dataset import Dataset, Recordings, Texts
from asr.data.weighted import Weighted
from asr.graphs import Graphs
from asr.model.acoustic import AcousticModel
from asr.model.device import choose_device
from asr.progress import say, warn
from asr.recognize.language import Language
from asr.train.before_after import Comparison, compare_models, comparison_card
from asr.train.choice import HeardWords, choose_retaining
from asr.train.ctc import CTCObjective
from asr.train.curves import draw_curves
from asr.train.dev_set import dev_set
from asr.train.distributed import ALONE
from asr.train.environment import describe_environment
from asr.train.finish import Chosen, training_facts
from asr.train.forecast import check_memory, demand_of, explaining_memory
from asr.train.initial import weights_of
from asr.train.journal import Journal
from asr.train.learner import Learner
from asr.train.lock import locked
from asr.train.loop import Trainer
from asr.train.material import FineTuning, Material, read_material
from asr.train.precision import Precision, choose_precision
from asr.train.recipe import last_checkpoint
from asr.train.replay import replay_weights
from asr.train.retention import RetainingObjective, freeze
from asr.train.settle import record, settle_data, settle_recipe
from asr.train.state import TrainState, kept_path


@dataclass(frozen=True, slots=True)
class FineTuningOptions:
    """Where and how to fine-tune.

    Attributes:
        out: The run folder.
        settings: Changes, ``training.epochs=2`` each.
        device: `auto`, `cpu` or a torch device.
        resume: Go on with the run in `out`.
    """

    out: Path
    settings: tuple[str, ...] = ()
    device: str = "auto"
    resume: bool = False


@dataclass(frozen=True, slots=True)
class FineTuned:
    """What fine-tuning leaves: the folder of the bundle, and how it compares with the base on each set."""

    bundle: Path
    comparison: Comparison
    weights: str


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a run follows, settled and written down before any recording is read."""

    wanted: FineTuning
    base: Bundle
    material: Material
    device: torch.device
    precision: Precision
    environment: Mapping[str, Any]

    @property
    def tuned(self) -> Bundle:
        """The new model, still with the weights of the base."""
        words = self.material.words or self.base.words
        return replace(self.base, graphs=Graphs(), calibrations={}, words=words)


def run_finetuning(wanted: FineTuning, options: FineTuningOptions) -> FineTuned:
    """Trains a model on, compares it with what it was, and writes it as a bundle of its own.

    Raises:
        AsrError: If model, data or run folder do not allow it; Interrupted after Ctrl-C.
    """
    with locked(options.out):
        plan = _settle(wanted, options)
        objective, base = _prepare(plan)
        states = [_train(plan, objective, base, options, number) for number in range(plan.wanted.runs)]
        chosen = _choose(plan, base, states, options.out)
        return _finish(plan, states, chosen, options)


def _settle(wanted: FineTuning, options: FineTuningOptions) -> _Plan:
    """Checks settings, model and data against each other and against the run so far."""
    settled = settle_recipe(wanted, options.out, options.settings, options.resume)
    wanted = settled.recipe
    device = choose_device(options.device)
    precision = choose_precision(wanted.training.precision, device)
    base = load_bundle(Path(wanted.model))
    material = read_material(wanted, base)
    if options.resume:
        settle_data(options.out, material.hashes)
    environment = record(
        options.out, settled, describe_environment(device), material.hashes, resume=options.resume
    )
    return _Plan(wanted, base, material, device, precision, environment)


def _prepare(plan: _Plan) -> tuple[RetainingObjective, dict[str, torch.Tensor]]:
    """Makes the model, judges it as it is, and says what is going to be trained."""
    base, wanted, material = plan.base, plan.wanted, plan.material
    torch.manual_seed(wanted.training.seed)
    model = AcousticModel(base.model, base.features.mels, len(base.vocabulary))
    weights = weights_of(base)
    model.load_state_dict(weights)
    frozen = freeze(model.to(plan.device), wanted.freeze)
    _introduce(plan, model)
    objectives = {
        name: CTCObjective(
            model,
            material.tokenizer,
            dev_set(
                material.judged[name],
                material.tokenizer,
                base.tokenizer_config.normalizer,
                base.features,
                base.statistics,
            ),
            consistency=wanted.training.consistency,
        )
        for name in ("new dev", "old dev")
        if name in material.judged
    }
    objective = RetainingObjective(
        objectives["new dev"], objectives.get("old dev"), wanted.most_forgotten / 100, frozen
    )
    say(f"before:    {objective.validate().summary}")
    return objective, weights


def _train(
    plan: _Plan,
    objective: RetainingObjective,
    base: Mapping[str, torch.Tensor],
    options: FineTuningOptions,
    number: int,
) -> TrainState:
    """Trains from the base or from the last checkpoint on; every training has a seed of its own."""
    out, training = _run_folder(options.out, number), plan.wanted.training
    training = replace(training, seed=training.seed + number)
    if number:
        say(f"training {number + 1} of {plan.wanted.runs}, with seed {training.seed}")
    objective.model.load_state_dict(base)
    source = _source(plan, training.seed)
    checkpoint = last_checkpoint(out, resume=options.resume and out.exists())
    done = checkpoint.values if checkpoint else {}
    out.mkdir(exist_ok=True)
    with Journal(out, done.get("step", 0), done.get("epoch", 0)) as journal:
        trainer = Trainer(Learner(objective, training, plan.precision), source, journal, out)
        if checkpoint:
            trainer.resume(checkpoint)
        if not number:
            _forecast(plan, objective.model, source)
        with explaining_memory(training.batch_seconds):
            state = trainer.train()
        draw_curves(out / "metrics.jsonl", out / "curves.png")
    return state


def _run_folder(out: Path, number: int) -> Path:
    """Where a training keeps its files: the first one in the run folder itself."""
    return out / f"run-{number + 1}" if number else out


def _choose(plan: _Plan, base: Mapping[str, torch.Tensor], states: Sequence[TrainState], out: Path) -> Chosen:
    """The weights to keep, of all that the trainings led to."""
    kept = [
        (one.error_rate, kept_path(_run_folder(out, number), one.epoch))
        for number, state in enumerate(states)
        for one in state.kept
    ]
    judged = plan.material.judged
    judge = HeardWords(plan.tuned, judged["new dev"], judged.get("old dev", ()), plan.device)
    paths = [path for _, path in sorted(kept)]
    chosen = choose_retaining(judge, base, paths, plan.wanted.most_forgotten / 100)
    minutes = sum(state.cpu_seconds for state in states) / 60
    times = f" in {len(states)} trainings" if len(states) > 1 else ""
    say(f"{minutes:.2f} CPU minutes of training{times}; weights: {chosen.description}")
    return chosen


def _source(plan: _Plan, seed: int) -> BatchSource:
    """Batches of the new utterances and, where there are old ones, of a share of these."""
    base, wanted, material = plan.base, plan.wanted, plan.material
    new, old = material.new, material.old
    recordings = Recordings((*new.utterances, *old.utterances), base.features.sample_rate)
    texts = Texts((*new.tokens, *old.tokens), material.tokenizer.units.separator)
    dataset = Dataset(recordings, texts, base.features, base.statistics, wanted.augment, seed)
    counts = len(new.utterances), len(old.utterances)
    weights = replay_weights(dataset.durations, *counts, wanted.replay_share)
    weighted = Weighted(dataset, weights.tolist(), seed)
    return BatchSource(weighted, wanted.training.batch_seconds, seed, views=wanted.training.views)


def _forecast(plan: _Plan, model: AcousticModel, source: BatchSource) -> None:
    """Says how much memory is going to be needed; recordings are read while it is trained."""
    base, wanted = plan.base, plan.wanted
    unread = 3600 * (plan.material.new.hours + plan.material.old.hours)
    demand = demand_of(model, base.model, base.features, plan.precision, unread)
    check_memory(demand, source.longest(), wanted.training, wanted.augment, plan.device, ALONE)


def _finish(
    plan: _Plan, states: Sequence[TrainState], chosen: Chosen, options: FineTuningOptions
) -> FineTuned:
    """Writes the bundle, reads it back, and compares it with the base."""
    base, folder = plan.base, options.out / "bundle"
    if base.calibrations:
        say("confidences are no longer calibrated: asr calibrate does it anew")
    if base.graphs.files:
        say("the ONNX graphs of the base are left out: asr export makes those of the new weights")
    facts = _facts(plan, states, chosen)
    tuned = replace(plan.tuned, weights=chosen.weights, facts=facts)
    save_bundle(tuned, folder)
    lexicon = plan.material.lexicon
    languages = (Language(lexicon=lexicon), Language(lexicon=folder / LEXICON)) if lexicon else (None, None)
    comparison = compare_models(
        (Path(plan.wanted.model), folder),
        plan.material.judged,
        languages,
        plan.device,
        options.out / "results",
    )
    card = comparison_card(base, facts, comparison)
    save_bundle(replace(tuned, card=card, facts={**facts, "results": comparison.results}), folder)
    return FineTuned(folder, comparison, chosen.description)


def _facts(plan: _Plan, states: Sequence[TrainState], chosen: Chosen) -> dict[str, Any]:
    """Where the model comes from, for its bundle."""
    return {
        "environment": plan.environment,
        "base": {"name": plan.base.name, "facts": dict(plan.base.facts)},
        "data": {
            "new_hours": round(plan.material.new.hours, 3),
            "old_hours": round(plan.material.old.hours, 3),
        },
        "training": training_facts(states, plan.precision, chosen),
    }


def _introduce(plan: _Plan, model: AcousticModel) -> None:
    """Says what is going to be trained, and what nobody watches."""
    material = plan.material
    trained = sum(one.numel() for one in model.parameters() if one.requires_grad)
    everything = sum(one.numel() for one in model.parameters())
    say(
        f"{plan.base.name}: {trained / 1e6:.2f} of {everything / 1e6:.2f} M parameters; "
        f"{len(material.new.utterances)} new utterances ({60 * material.new.hours:.1f} min) to train, "
        f"{len(material.judged['new dev'])} to choose on; replay of {60 * material.old.hours:.1f} min; "
        f"{plan.precision.name} ({plan.precision.reason})"
    )
    if material.guessed:
        words = "; ".join(f"{word} {' '.join(phones)}" for word, phones in list(material.guessed.items())[:5])
        warn(
            f"{len(material.guessed)} words have guessed pronunciations ({words}); look at them, and add the "
            "right ones to the lexicon with asr lexicon add"
        )
    if "old dev" not in material.judged:
        warn("without --old-dev nobody sees what is forgotten")
    elif not material.old.utterances:
        say("without --replay more is forgotten")
