"""The corpus of a run: which utterances train, choose and test, and what their tokens are."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr.config import Recipe, TokenizerConfig
from asr.data.dataset import feature_frames
from asr.data.manifest import Utterance, file_hash, read_manifest, split_path
from asr.errors import ManifestError
from asr.model.lengths import required_frames
from asr.text.normalize import normalize
from asr.text.phones import read_pronunciations
from asr.text.tokenizer import Tokenizer, tokenizer_from_pronunciations, tokenizer_from_texts
from asr.window import Window

LICENSE = "LICENSE"


@dataclass(frozen=True, slots=True)
class Corpus:
    """What a run trains on, chooses on and is judged on.

    Attributes:
        train, dev: Utterances.
        tests: Utterances of each test split.
        tokenizer: Derived from the training texts.
        tokens: Token ids of each training utterance.
        weights: How often each training utterance is drawn in an epoch.
        hashes: SHA-256 of every manifest that was read, by path relative to the data folder.
        terms: What the files LICENSE of the data folder, and of the folders of the splits in it, say.
    """

    train: tuple[Utterance, ...]
    dev: tuple[Utterance, ...]
    tests: Mapping[str, tuple[Utterance, ...]]
    tokenizer: Tokenizer
    tokens: tuple[tuple[int, ...], ...]
    weights: tuple[float, ...]
    hashes: Mapping[str, str]
    terms: str


def prepare_corpus(recipe: Recipe, data: Path) -> Corpus:
    """Reads the manifests of a recipe, sets the dev utterances apart, and derives the vocabulary.

    Raises:
        ManifestError: If a split is missing or damaged, a recording is missing, a text is empty, a
            dev speaker does not occur, two utterances have one id, or nothing is left to train or to
            choose on.
        LexiconError: If phones are wanted, and the lexicon lacks a word.
    """
    hashes: dict[str, str] = {}
    weights: dict[str, float] = {}
    everything = []
    for split in recipe.train:
        spoken = _spoken(recipe, (split,), data, hashes)
        everything += spoken
        weights |= dict.fromkeys((one.id for one in spoken), recipe.train_weights.get(split, 1.0))
    _distinct(everything, data)
    tests = {split: tuple(_read(data, split, hashes)) for split in recipe.test}
    if recipe.dev:
        train, dev = everything, _spoken(recipe, recipe.dev, data, hashes)
    else:
        chosen = _dev_ids(recipe, everything, data)
        train = [utterance for utterance in everything if utterance.id not in chosen]
        dev = [utterance for utterance in everything if utterance.id in chosen]
    train = _share_of_each_speaker(train, recipe.train_fraction)
    if not train or not dev:
        raise ManifestError(
            f"{data}: {len(train)} utterances to train on and {len(dev)} to choose on; "
            "both are needed: correct train, dev, dev_speakers or dev_fraction of the recipe"
        )
    texts = [normalize(utterance.text, recipe.tokenizer.normalizer) for utterance in train]
    tokenizer = _tokenizer(recipe.tokenizer, texts, data, hashes)
    tokens = tuple(tuple(tokenizer.encode(text)) for text in texts)
    return Corpus(
        train=tuple(train),
        dev=tuple(dev),
        tests=tests,
        tokenizer=tokenizer,
        tokens=tokens,
        weights=tuple(weights[utterance.id] for utterance in train),
        hashes=hashes,
        terms=_terms(data, recipe),
    )


def impossible_utterances(corpus: Corpus, recipe: Recipe, window: Window) -> list[str]:
    """Ids of training utterances with fewer emission frames than CTC needs at the fastest speed."""
    durations = np.array([utterance.duration for utterance in corpus.train]) / max(recipe.augment.speeds)
    frames = window.output_length(feature_frames(durations, recipe.features))
    return [
        utterance.id
        for utterance, tokens, available in zip(corpus.train, corpus.tokens, frames, strict=True)
        if available < required_frames(np.array(tokens))
    ]


def _tokenizer(
    config: TokenizerConfig, texts: Sequence[str], data: Path, hashes: dict[str, str]
) -> Tokenizer:
    if config.kind != "phones":
        return tokenizer_from_texts(config, texts)
    path = data / config.lexicon
    pronunciations = read_pronunciations(path, texts)
    hashes[config.lexicon] = file_hash(path)
    return tokenizer_from_pronunciations(pronunciations)


def _spoken(recipe: Recipe, splits: Sequence[str], data: Path, hashes: dict[str, str]) -> list[Utterance]:
    """Reads splits whose every utterance must say something."""
    utterances: list[Utterance] = []
    for split in splits:
        read = _read(data, split, hashes)
        refuse_silence(split_path(data, split), read, recipe.tokenizer.normalizer)
        utterances += read
    return utterances


def _distinct(utterances: Sequence[Utterance], data: Path) -> None:
    """Makes sure that no two utterances have one id, since the dev set and augmentation go by ids."""
    seen: set[str] = set()
    for one in utterances:
        if one.id in seen:
            raise ManifestError(f"{data}: two training utterances have the id {one.id!r}; rename one of them")
        seen.add(one.id)


def _read(data: Path, split: str, hashes: dict[str, str]) -> list[Utterance]:
    path = split_path(data, split)
    hashes[path.relative_to(data).as_posix()] = file_hash(path)
    return read_present(path)


def read_present(path: Path) -> list[Utterance]:
    """Reads a manifest whose every recording must be there. Raises ManifestError if one is not."""
    utterances = read_manifest(path)
    missing = [utterance.audio for utterance in utterances if not utterance.audio.path.exists()]
    if missing:
        raise ManifestError(
            f"{path}: {len(missing)} of {len(utterances)} recordings are missing, {missing[0]} for one; "
            "correct the manifest, or copy them there"
        )
    return utterances


def refuse_silence(path: Path, utterances: Sequence[Utterance], normalizer: str) -> None:
    """Raises ManifestError if an utterance of the manifest at `path` says nothing."""
    for utterance in utterances:
        if not normalize(utterance.text, normalizer):
            raise ManifestError(
                f"{path}: the text of {utterance.id!r} is empty; write it, or remove the line"
            )


def _terms(data: Path, recipe: Recipe) -> str:
    """The terms of the data folder and of every corpus in it that is trained on."""
    folders = [Path()]
    for split in recipe.train:
        folders += [one for one in reversed(Path(split).parents) if one not in folders]
    found = {
        folder: (data / folder / LICENSE).read_text(encoding="utf-8", errors="replace")
        for folder in folders
        if (data / folder / LICENSE).is_file()
    }
    if len(found) == 1:
        return next(iter(found.values()))
    return "\n".join(f"{folder.as_posix()}:\n\n{text}" for folder, text in found.items())


def _dev_ids(recipe: Recipe, utterances: Sequence[Utterance], data: Path) -> set[str]:
    """Which utterances to choose on: those of the dev speakers, else a share fixed by hashes of ids."""
    if recipe.dev_speakers:
        missing = set(recipe.dev_speakers) - {utterance.speaker for utterance in utterances}
        if missing:
            raise ManifestError(
                f"{data}: no utterance of dev speaker {min(missing)!r}; correct dev_speakers of the recipe"
            )
        return {utterance.id for utterance in utterances if utterance.speaker in recipe.dev_speakers}
    ranked = sorted(utterances, key=_lot)
    return {utterance.id for utterance in ranked[: max(1, round(recipe.dev_fraction * len(utterances)))]}


def _share_of_each_speaker(utterances: list[Utterance], share: float) -> list[Utterance]:
    """A share of every speaker's utterances, at least one, fixed by hashes of ids; in the given order."""
    if share == 1:
        return utterances
    spoken: dict[str, list[Utterance]] = {}
    for one in utterances:
        spoken.setdefault(one.speaker, []).append(one)
    chosen = {
        one.id
        for own in spoken.values()
        for one in sorted(own, key=_lot)[: max(1, math.ceil(share * len(own)))]
    }
    return [one for one in utterances if one.id in chosen]


def _lot(utterance: Utterance) -> bytes:
    """What decides where an utterance stands when some are chosen by chance, whatever else there is."""
    return hashlib.sha256(utterance.id.encode()).digest()


def count_corpus(corpus: Corpus) -> dict[str, float]:
    """Utterances and hours of a corpus, for the run's first line and the model card."""
    return {
        "train_utterances": len(corpus.train),
        "train_hours": round(sum(utterance.duration for utterance in corpus.train) / 3600, 3),
        "dev_utterances": len(corpus.dev),
        "dev_hours": round(sum(utterance.duration for utterance in corpus.dev) / 3600, 3),
    }
