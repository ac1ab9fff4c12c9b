"""The end of a run: which weights to keep, and a bundle that is read back and judged as a user would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from asr.bundle import Bundle, save_bundle
from asr.config import Recipe
from asr.errors import RunError
from asr.files import write_atomically
from asr.progress import counter
from asr.recognize.evaluate import recognize
from asr.recognize.recognizer import load
from asr.recognize.report_formats import report_json
from asr.recognize.scoring import Report, report
from asr.text.error_rate import format_wer
from asr.train.card import model_card
from asr.train.checkpoint import average, read_checkpoint
from asr.train.corpus import Corpus
from asr.train.distributed import ALONE, Ranks
from asr.train.objective import Objective
from asr.train.precision import Precision
from asr.train.state import TrainState


@dataclass(frozen=True, slots=True)
class Chosen:
    """The weights that a run keeps, and where they come from."""

    weights: Mapping[str, NDArray[np.generic]]
    description: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run leaves: the folder of the bundle, and how good it is on each split."""

    bundle: Path
    reports: Mapping[str, Report]


def choose_weights(objective: Objective, paths: Sequence[Path], ranks: Ranks = ALONE) -> Chosen:
    """Takes the best weights of the run, or the mean of several if that is at least as good on dev.

    Args:
        objective: Judges the mean; its model is left with those weights.
        paths: Weights of the best epochs, best first.
        ranks: The processes that judge; only the first one reads files, and knows the result.

    Raises:
        RunError: If no epoch was validated, or a file of weights is damaged.
    """
    if not paths:
        raise RunError("no epoch was validated, so there are no weights to keep; train for more epochs")
    if not ranks.first:
        if len(paths) > 1:
            _judge(objective, ranks)
        return Chosen({}, "")
    kept = [read_checkpoint(path) for path in paths]
    best, lowest = kept[0].tensors, float(kept[0].values["error_rate"])
    single = f"epoch {kept[0].values['epoch']}, dev WER {100 * lowest:.2f} %"
    if len(kept) == 1:
        return Chosen(stored(best), single)
    mean = average([checkpoint.tensors for checkpoint in kept])
    objective.model.load_state_dict(mean)
    error_rate = _judge(objective, ranks)
    if error_rate > lowest:
        return Chosen(stored(best), f"{single} (mean of the best {len(kept)}: {100 * error_rate:.2f} %)")
    epochs = sorted(int(checkpoint.values["epoch"]) for checkpoint in kept)
    return Chosen(
        stored(mean), f"mean of epochs {epochs}, dev WER {100 * error_rate:.2f} % (best alone: {single})"
    )


def _judge(objective: Objective, ranks: Ranks) -> float:
    """The error rate of the first process's model."""
    ranks.copy_first(objective.model)
    return objective.validate().error_rate


def training_facts(states: Sequence[TrainState], precision: Precision, chosen: Chosen) -> dict[str, Any]:
    """How weights were trained, once or several times, for their bundle."""
    return {
        "epochs": sum(state.epoch for state in states),
        "steps": sum(state.step for state in states),
        "cpu_minutes": round(sum(state.cpu_seconds for state in states) / 60, 2),
        "precision": precision.name,
        "skipped_utterances": sum(state.skipped for state in states),
        "skipped_steps": sum(state.skipped_steps for state in states),
        "weights": chosen.description,
    }


def finish(bundle: Bundle, recipe: Recipe, corpus: Corpus, out: Path, device: torch.device) -> Outcome:
    """Writes the bundle, reads it back, evaluates it, and adds the results to its card.

    Args:
        bundle: Without results and card.
        recipe: The resolved recipe, for the card.
        corpus: What to evaluate on.
        out: The run folder.
        device: Where to evaluate.
    """
    folder = out / "bundle"
    save_bundle(bundle, folder)
    recognizer = load(folder, device=str(device))
    reports: dict[str, Report] = {}
    for split, utterances in {"dev": corpus.dev, **corpus.tests}.items():
        with counter(f"evaluating on {split}", len(utterances)) as advance:
            reports[split] = report(recognize(recognizer, utterances, advance, corpus.tokenizer.heard))
        write_atomically(out / "results" / f"{split}.json", report_json(reports[split]))
    results = {
        split: {"wer": format_wer(result.words), "cer": format_wer(result.characters, "CER")}
        for split, result in reports.items()
    }
    facts = {**bundle.facts, "results": results}
    card = model_card(
        recipe,
        facts,
        vocabulary=len(bundle.vocabulary),
        parameters=sum(int(array.size) for array in bundle.weights.values()),
        terms=corpus.terms,
    )
    save_bundle(replace(bundle, facts=facts, card=card), folder)
    return Outcome(folder, reports)


def stored(weights: Mapping[str, Tensor]) -> dict[str, NDArray[np.generic]]:
    """Matrices in half precision, two bytes a weight; norms, biases and counters as they are."""
    return {
        name: (tensor.half() if tensor.dim() > 1 else tensor).cpu().numpy()
        for name, tensor in weights.items()
    }
