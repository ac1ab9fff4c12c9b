"""The corpus of a run: which utterances train, which choose, and what their tokens are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr.config import Recipe
from asr.data.dataset import feature_frames
from asr.data.manifest import Utterance, file_hash, read_manifest, split_path
from asr.errors import ManifestError
from asr.model.lengths import required_frames
from asr.text.normalize import normalize
from asr.text.tokenizer import Tokenizer, tokenizer_from_texts
from asr.window import Window


@dataclass(frozen=True, slots=True)
class Corpus:
    """What a run trains on and chooses on.

    Attributes:
        train, dev: Utterances.
        tokenizer: Derived from the training texts.
        tokens: Token ids of each training utterance.
        hashes: SHA-256 of every manifest that was read, by path relative to the data folder.
    """

    train: tuple[Utterance, ...]
    dev: tuple[Utterance, ...]
    tokenizer: Tokenizer
    tokens: tuple[tuple[int, ...], ...]
    hashes: Mapping[str, str]


def prepare_corpus(recipe: Recipe, data: Path) -> Corpus:
    """Reads the manifests of a recipe, sets the dev utterances apart, and derives the vocabulary.

    Raises:
        ManifestError: If a split is missing or damaged, a text is empty, a dev speaker does not
            occur, or nothing is left to train or to choose on.
    """
    hashes: dict[str, str] = {}
    everything = _read(recipe, recipe.train, data, hashes)
    if recipe.dev:
        train, dev = everything, _read(recipe, recipe.dev, data, hashes)
    else:
        chosen = _dev_ids(recipe, everything, data)
        train = [utterance for utterance in everything if utterance.id not in chosen]
        dev = [utterance for utterance in everything if utterance.id in chosen]
    if not train or not dev:
        raise ManifestError(
            f"{data}: {len(train)} utterances to train on and {len(dev)} to choose on; "
            "both are needed: correct train, dev, dev_speakers or dev_fraction of the recipe"
        )
    texts = [normalize(utterance.text, recipe.tokenizer.normalizer) for utterance in train]
    tokenizer = tokenizer_from_texts(recipe.tokenizer, texts)
    tokens = tuple(tuple(tokenizer.encode(text)) for text in texts)
    return Corpus(tuple(train), tuple(dev), tokenizer, tokens, hashes)


def impossible_utterances(corpus: Corpus, recipe: Recipe, window: Window) -> list[str]:
    """Ids of training utterances with fewer emission frames than CTC needs at the fastest speed."""
    durations = np.array([utterance.duration for utterance in corpus.train]) / max(recipe.augment.speeds)
    frames = window.output_length(feature_frames(durations, recipe.features))
    return [
        utterance.id
        for utterance, tokens, available in zip(corpus.train, corpus.tokens, frames, strict=True)
        if available < required_frames(np.array(tokens))
    ]


def _read(recipe: Recipe, splits: Sequence[str], data: Path, hashes: dict[str, str]) -> list[Utterance]:
    utterances: list[Utterance] = []
    for split in splits:
        path = split_path(data, split)
        hashes[path.relative_to(data).as_posix()] = file_hash(path)
        read = read_manifest(path)
        for utterance in read:
            if not normalize(utterance.text, recipe.tokenizer.normalizer):
                raise ManifestError(
                    f"{path}: the text of {utterance.id!r} is empty; write it, or remove the line"
                )
        utterances += read
    return utterances


def _dev_ids(recipe: Recipe, utterances: Sequence[Utterance], data: Path) -> set[str]:
    """Which utterances to choose on: those of the dev speakers, else a share fixed by hashes of ids."""
    if recipe.dev_speakers:
        missing = set(recipe.dev_speakers) - {utterance.speaker for utterance in utterances}
        if missing:
            raise ManifestError(
                f"{data}: no utterance of dev speaker {min(missing)!r}; correct dev_speakers of the recipe"
            )
        return {utterance.id for utterance in utterances if utterance.speaker in recipe.dev_speakers}
    ranked = sorted(utterances, key=lambda utterance: hashlib.sha256(utterance.id.encode()).digest())
    return {utterance.id for utterance in ranked[: max(1, round(recipe.dev_fraction * len(utterances)))]}


def count_corpus(corpus: Corpus) -> dict[str, float]:
    """Utterances and hours of a corpus, for the run's first line and the model card."""
    return {
        "train_utterances": len(corpus.train),
        "train_hours": round(sum(utterance.duration for utterance in corpus.train) / 3600, 3),
        "dev_utterances": len(corpus.dev),
        "dev_hours": round(sum(utterance.duration for utterance in corpus.dev) / 3600, 3),
    }
