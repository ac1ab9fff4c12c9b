"""The model card: what a model is, what it was trained on, how long, and how good it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asr.config import Recipe


def model_card(
    recipe: Recipe, facts: Mapping[str, Any], *, vocabulary: int, parameters: int, terms: str = ""
) -> str:
    """Writes the README.md of a bundle.

    Args:
        recipe: The resolved recipe.
        facts: As `asr.train.recipe` gathers them: data, training, environment, results.
        vocabulary: Number of tokens.
        parameters: Number of weights.
        terms: The licence of the corpus, word for word.
    """
    model, data, training = recipe.model, facts["data"], facts["training"]
    environment = facts["environment"]
    direction = "bidirectional" if model.bidirectional else "unidirectional"
    corpus = f"{recipe.corpus}, " if recipe.corpus else ""
    begun = f" from the weights of {recipe.init} on" if recipe.init else ""
    lines = [
        "---",
        "library_name: asr",
        "pipeline_tag: automatic-speech-recognition",
        "---",
        f"# {recipe.name}",
        "",
        f"{model.layers} {direction} {model.cell.upper()} layers of {model.hidden} units, "
        f"{model.subsampling}x subsampling, {recipe.tokenizer.kind} ({vocabulary} tokens), "
        f"{parameters:,} parameters, CTC.",
        "",
        f"- Training data: {corpus}{data['train_utterances']} utterances, {data['train_hours']:.2f} h; "
        f"chosen on {data['dev_utterances']} utterances, {data['dev_hours']:.2f} h.",
        f"- Training: {training['epochs']} epochs{begun}, {training['cpu_minutes']:.1f} CPU minutes "
        f"in {training['precision']} on {environment['processor']}; "
        f"seed {recipe.training.seed}; commit {environment['commit'] or 'unknown'}.",
        f"- Weights: {training['weights']}.",
        f"- Normaliser of texts: `{recipe.tokenizer.normalizer}`.",
        "",
        "| split | WER % | CER % | decoding |",
        "|---|---|---|---|",
    ]
    sounds = recipe.tokenizer.kind == "phones"
    how = "greedy, words as their phones" if sounds else "greedy, no language model"
    for split, result in facts["results"].items():
        lines.append(f"| {split} | {result['wer']} | {result['cer']} | {how} |")
    lines += ["", "```", f"asr transcribe recording.wav --model {recipe.name}", "```", ""]
    if terms:
        lines += ["## Licence of the training data", "", "```", *terms.rstrip().splitlines(), "```", ""]
    return "\n".join(lines)
