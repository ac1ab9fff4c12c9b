"""What fine-tuning reads: new and old speech, checked against the model that is to be trained on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from asr.bundle import LEXICON, Bundle
from asr.carried import Carried, carried
from asr.config import AugmentConfig, BelowOne, Natural, NotNegative, Positive, TrainingConfig
from asr.data.manifest import Utterance, file_hash
from asr.description import DESCRIPTION
from asr.errors import ManifestError, TextError
from asr.recognize.scoring import FEWEST_SPEAKERS
from asr.text.normalize import normalize
from asr.text.tokenizer import Tokenizer
from asr.train.corpus import read_present, refuse_silence
from asr.train.pronounced import find_lexicon, pronouncing, with_guesses

SHOWN = 10
"""Characters or words that a message names."""

SETS = ("new dev", "new test", "old dev", "old test")
"""What a model is judged on before and after."""


VARYING = AugmentConfig(
    speeds=(0.9, 1.0, 1.1), noise=0.2, noise_snr_db=(15, 35), vocal_tract=0.05, time_masks=1, mel_masks=1
)
"""A little of everything: there is not much to learn from."""

GENTLY = TrainingConfig(
    epochs=50,
    batch_seconds=360.0,
    learning_rate=3e-4,
    warmup=0.1,
    weight_decay=0.0,
    consistency=0.2,
    average=3,
    patience=15,
)
"""A tenth of the rate of a training from the beginning, batches as large as ten minutes of speech allow, and
two views of each utterance that have to be heard alike: small and sure steps overwrite less of what is
known."""


@dataclass(frozen=True, slots=True)
class FineTuning:
    """All that fine-tuning depends on, besides the recordings.

    Attributes:
        model: The model folder to begin with.
        train, dev, test: Manifests of new speech.
        replay, old_dev, old_test: Manifests of speech such as the model knows.
        lexicon: How words are pronounced, for models that write phones; empty: that of the model folder.
        dev_fraction: Share of `train` to choose on, where there is no `dev`.
        replay_share: Share of old speech in the seconds of each epoch, where there is `replay`.
        freeze: Parts of the model that stay as they are, from below: 1 the convolutions, 2 the lowest
            recurrent layer too, and so on.
        most_forgotten: Points by which the error rate on `old_dev` may rise.
        runs: How often to train from the base, each time with another seed.
        augment: How utterances vary.
        training: Optimiser, schedule and length.
    """

    model: str
    train: tuple[str, ...]
    dev: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    replay: tuple[str, ...] = ()
    old_dev: tuple[str, ...] = ()
    old_test: tuple[str, ...] = ()
    lexicon: str = ""
    dev_fraction: BelowOne = 0.15
    replay_share: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.5
    freeze: Natural = 0
    most_forgotten: NotNegative = 1.0
    runs: Positive = 1
    augment: AugmentConfig = VARYING
    training: TrainingConfig = GENTLY


@dataclass(frozen=True, slots=True)
class Spoken:
    """Utterances to train on, and the token ids of each."""

    utterances: tuple[Utterance, ...] = ()
    tokens: tuple[tuple[int, ...], ...] = ()

    @property
    def hours(self) -> float:
        """How long they are together."""
        return sum(utterance.duration for utterance in self.utterances) / 3600


@dataclass(frozen=True, slots=True)
class Material:
    """What a model is trained and judged on.

    Attributes:
        tokenizer: Of the model; it pronounces words, where it writes phones.
        new, old: To train on.
        judged: The sets that are given, of `SETS`; there always is a `new dev`.
        hashes: SHA-256 of every file that was read, by its path.
        guessed: Words whose pronunciation was guessed, and their phones.
        lexicon: The file that pronounces words, for a model that writes phones.
        words: What the new model carries of that, by name, where it is not what the old one carries.
    """

    tokenizer: Tokenizer
    new: Spoken
    old: Spoken
    judged: Mapping[str, tuple[Utterance, ...]]
    hashes: Mapping[str, str]
    guessed: Mapping[str, tuple[str, ...]]
    lexicon: Path | None
    words: Mapping[str, Carried]


def read_material(wanted: FineTuning, bundle: Bundle) -> Material:
    """Reads manifests, sets dev utterances apart where none are given, and encodes the texts.

    Raises:
        ManifestError: If a manifest or a recording is missing or damaged, a text is empty, too little is
            left to train or to choose on, or a recording is trained on and judged with.
        TextError: If the model cannot write a text.
        LexiconError: If it writes phones, and a word has none.
    """
    description = Path(wanted.model) / DESCRIPTION
    hashes = {str(description): file_hash(description)}  # it vouches for the weights
    normalizer = bundle.tokenizer_config.normalizer
    read = {name: _read(paths, normalizer, hashes) for name, paths in _manifests(wanted).items()}
    train, replay = read.pop("train"), read.pop("replay")
    if not wanted.dev:
        train, read["new dev"] = held_out(train, wanted.dev_fraction, normalizer, " ".join(wanted.train))
    judged = {name: tuple(read[name]) for name in SETS if read[name]}
    _refuse_overlap({"new speech to train on": train, "replay": replay}, judged)
    texts = {one: normalize(one.text, normalizer) for one in (*train, *replay)}
    heard = (normalize(one.text, normalizer) for ones in judged.values() for one in ones)
    tokenizer: Tokenizer = bundle.tokenizer
    guessed: Mapping[str, tuple[str, ...]] = {}
    words: Mapping[str, Carried] = {}
    lexicon: Path | None = None
    if bundle.tokenizer_config.kind == "phones":
        lexicon = find_lexicon(wanted.lexicon, Path(wanted.model))
        hashes[str(lexicon)] = file_hash(lexicon)
        tokenizer, guessed = pronouncing(lexicon, bundle.vocabulary, texts.values(), heard)
        if guessed or wanted.lexicon or LEXICON not in bundle.words:
            words = {**bundle.words, LEXICON: carried(with_guesses(lexicon, guessed))}
    _refuse_unknown(tokenizer, texts.values(), " ".join((*wanted.train, *wanted.replay)))
    new, old = (
        Spoken(tuple(ones), tuple(tuple(tokenizer.encode(texts[one])) for one in ones))
        for ones in (train, replay)
    )
    return Material(tokenizer, new, old, judged, hashes, guessed, lexicon, words)


def held_out(
    utterances: Sequence[Utterance], share: float, normalizer: str, where: str
) -> tuple[list[Utterance], list[Utterance]]:
    """Divides utterances into those to train on and those to choose on, fixed by hashes.

    Speakers stay together where there are five, else all readings of one text do, so that nothing that is
    chosen on was trained on.

    Args:
        utterances: All of them.
        share: Of the utterances, to choose on.
        normalizer: Texts are one text where it makes them equal.
        where: What to call them in messages.

    Raises:
        ManifestError: If there are not two speakers or texts to divide.
    """
    speakers = {utterance.speaker for utterance in utterances}
    by_speaker = "" not in speakers and len(speakers) >= FEWEST_SPEAKERS
    names = [one.speaker if by_speaker else normalize(one.text, normalizer) for one in utterances]
    sizes = Counter(names)
    if len(sizes) < 2:
        raise ManifestError(f"{where}: one text is too little to train and to choose on; add others")
    chosen: set[str] = set()
    count = 0
    for name in sorted(sizes, key=lambda name: hashlib.sha256(name.encode()).digest())[:-1]:
        if chosen and count + sizes[name] / 2 > share * len(utterances):
            break
        chosen.add(name)
        count += sizes[name]
    sides: tuple[list[Utterance], list[Utterance]] = ([], [])
    for name, one in zip(names, utterances, strict=True):
        sides[name in chosen].append(one)
    return sides


def _manifests(wanted: FineTuning) -> dict[str, tuple[str, ...]]:
    judged = zip(SETS, (wanted.dev, wanted.test, wanted.old_dev, wanted.old_test), strict=True)
    return {"train": wanted.train, "replay": wanted.replay, **dict(judged)}


def _read(paths: Iterable[str], normalizer: str, hashes: dict[str, str]) -> list[Utterance]:
    utterances: list[Utterance] = []
    for path in paths:
        read = read_present(Path(path))
        refuse_silence(Path(path), read, normalizer)
        hashes[path] = file_hash(Path(path))
        utterances += read
    return utterances


def _refuse_overlap(
    trained: Mapping[str, Sequence[Utterance]], judged: Mapping[str, Sequence[Utterance]]
) -> None:
    """Raises ManifestError if a recording is trained on and judged with: that would look too good."""
    seen = {_stretch(one): (name, one.id) for name, ones in judged.items() for one in ones}
    for name, ones in trained.items():
        for one in ones:
            if found := seen.get(_stretch(one)):
                raise ManifestError(
                    f"{one.audio}: is in the {name} and in the {found[0]} ({found[1]!r}); take it out of one"
                )


def _stretch(utterance: Utterance) -> tuple[str, float]:
    audio = utterance.audio
    return f"{audio.path.resolve()}:{audio.member or ''}", utterance.start


def _refuse_unknown(tokenizer: Tokenizer, texts: Iterable[str], where: str) -> None:
    """Raises TextError if texts hold what the model has no token for; all of it is named at once."""
    unknown: dict[str, str] = {}
    for text in texts:
        for unit in tokenizer.unknown(text):
            unknown.setdefault(unit, text)
    if unknown:
        first = next(iter(unknown))
        shown = " ".join(map(repr, sorted(unknown)[:SHOWN])) + (" …" if len(unknown) > SHOWN else "")
        raise TextError(
            f"{where}: the model has no tokens for {shown}, as in {unknown[first][:60]!r}; "
            "write these texts with what tokens.txt has, or train a model of its own with asr train"
        )
