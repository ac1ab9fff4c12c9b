"""From an utterance to an example: samples, augmentation, features, tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.audio.augment import augment_samples, generator, non_speech, spec_augment, warp_frequencies
from asr.audio.features import log_mel
from asr.audio.io import load_audio
from asr.audio.mel import framing
from asr.audio.normalization import Statistics, normalize
from asr.config import AugmentConfig, FeatureConfig
from asr.data.manifest import Utterance

NON_SPEECH_SECONDS = (0.5, 6.0)


@dataclass(frozen=True, slots=True)
class Example:
    """One utterance as the model trains on it.

    Attributes:
        id: Of the utterance.
        features: Normalised log-mel features (T, F).
        tokens: What it says (U,); nothing for non-speech.
    """

    id: str
    features: NDArray[np.float32]
    tokens: NDArray[np.int64]


class Recordings:
    """The samples of utterances, read once and kept as 16-bit integers (115 MB an hour).

    Args:
        utterances: Transcribed stretches of speech.
        sample_rate: Hz; recordings of any other rate are resampled.
    """

    def __init__(self, utterances: Sequence[Utterance], sample_rate: int) -> None:
        self.utterances = tuple(utterances)
        self._sample_rate = sample_rate
        self._kept: dict[int, NDArray[np.int16]] = {}

    def __len__(self) -> int:
        return len(self.utterances)

    def samples(self, index: int) -> NDArray[np.float32]:
        """The samples (n,) of an utterance.

        Raises:
            AudioError: If its recording cannot be read.
        """
        if index not in self._kept:
            utterance = self.utterances[index]
            samples = load_audio(
                utterance.audio,
                sample_rate=self._sample_rate,
                start=utterance.start,
                duration=utterance.duration,
            )
            self._kept[index] = np.round(np.clip(samples, -1, 32767 / 32768) * 32768).astype(np.int16)
        return self._kept[index].astype(np.float32) / np.float32(32768)


class Dataset:
    """The training utterances, ready to be drawn as examples in any order.

    Example `index` of epoch `epoch` depends on nothing but the seed: not on what was drawn before.

    Args:
        recordings: What is heard.
        tokens: What is said in each of them, as token ids.
        features: How features are computed.
        statistics: Mean and deviation of the corpus.
        augment: How utterances vary; the plain default changes nothing.
        seed: Of the augmentation.
    """

    def __init__(
        self,
        recordings: Recordings,
        tokens: Sequence[Sequence[int]],
        features: FeatureConfig,
        statistics: Statistics,
        augment: AugmentConfig | None = None,
        seed: int = 0,
    ) -> None:
        self._recordings = recordings
        self._tokens = [np.asarray(ids, np.int64) for ids in tokens]
        self._features = features
        self._statistics = statistics
        self._augment = augment or AugmentConfig()
        self._seed = seed
        durations = [utterance.duration for utterance in recordings.utterances]
        extra = round(self._augment.non_speech * len(durations))
        lengths = np.random.default_rng([seed, extra]).uniform(*NON_SPEECH_SECONDS, extra)
        self.durations: NDArray[np.float64] = np.concatenate([durations, lengths])

    def __len__(self) -> int:
        return len(self.durations)

    def example(self, index: int, epoch: int) -> Example:
        """Draws example `index` as it sounds in epoch `epoch`.

        Raises:
            AudioError: If its recording cannot be read.
        """
        name, tokens = self._text(index)
        random = generator(self._seed, epoch, name)
        rate = self._features.sample_rate
        if index < len(self._recordings):
            samples = augment_samples(self._recordings.samples(index), rate, self._augment, random)
        else:
            samples = non_speech(float(self.durations[index]), rate, random)
        features = log_mel(samples, self._features)
        if self._augment.vocal_tract:
            factor = 1 + self._augment.vocal_tract * random.uniform(-1, 1)
            features = warp_frequencies(features, self._features, factor)
        features = normalize(features, self._features, self._statistics)
        if epoch >= self._augment.spec_from_epoch:
            features = spec_augment(features, self._augment, random)
        return Example(name, features.astype(np.float32, copy=False), tokens)

    def _text(self, index: int) -> tuple[str, NDArray[np.int64]]:
        if index < len(self._recordings):
            return self._recordings.utterances[index].id, self._tokens[index]
        return f"non-speech {index - len(self._recordings)}", np.empty(0, np.int64)


def feature_frames(durations: NDArray[np.float64], features: FeatureConfig) -> NDArray[np.int64]:
    """How many frames recordings of these durations (s) have, at normal speed."""
    samples = np.floor(durations * features.sample_rate + 0.5).astype(np.int64)
    return framing(features).output_length(samples)
