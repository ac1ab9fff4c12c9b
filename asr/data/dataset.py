"""From an utterance to an example: samples, augmentation, features, tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.audio.augment import augment_samples, generator, spec_augment, warp_frequencies
from asr.audio.features import log_mel
from asr.audio.io import load_audio
from asr.audio.mel import framing
from asr.audio.non_speech import non_speech
from asr.audio.normalization import Statistics, normalize
from asr.config import AugmentConfig, FeatureConfig
from asr.data.draws import Draws
from asr.data.manifest import Utterance
from asr.data.stream import Stretch, Stretches, drawn_as, with_pauses

NON_SPEECH_SECONDS = (0.5, 12.0)


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


@dataclass(frozen=True, slots=True)
class Texts:
    """What utterances say.

    Attributes:
        tokens: Token ids of each utterance.
        separator: The token between words; -1 if there is none.
    """

    tokens: Sequence[Sequence[int]]
    separator: int = -1

    def joined(self, numbers: Sequence[int]) -> NDArray[np.int64]:
        """The tokens (U,) of utterances that follow each other."""
        between = [] if self.separator < 0 else [self.separator]
        first, *others = (self.tokens[number] for number in numbers)
        return np.array([*first, *(token for other in others for token in (*between, *other))], np.int64)


class Dataset:
    """The training utterances, ready to be drawn as examples in any order.

    Example `index` of epoch `epoch` depends on nothing but the seed: not on what was drawn before.

    Args:
        recordings: What is heard.
        texts: What is said in each of them.
        features: How features are computed.
        statistics: Mean and deviation of the corpus.
        augment: How utterances vary; the plain default changes nothing.
        seed: Of the augmentation.
    """

    def __init__(
        self,
        recordings: Recordings,
        texts: Texts,
        features: FeatureConfig,
        statistics: Statistics,
        augment: AugmentConfig | None = None,
        seed: int = 0,
    ) -> None:
        self._recordings = recordings
        self._texts = texts
        self._features = features
        self._statistics = statistics
        self._augment = augment or AugmentConfig()
        self._seed = seed
        self._stretches = Stretches(recordings.utterances, self._augment, seed)
        durations = [utterance.duration for utterance in recordings.utterances]
        extra = round(self._augment.non_speech * len(durations))
        lengths = np.random.default_rng([seed, extra]).uniform(*NON_SPEECH_SECONDS, extra)
        self.durations: NDArray[np.float64] = np.concatenate([durations, lengths])

    def __len__(self) -> int:
        return len(self.durations)

    def seconds(self, epoch: int, draws: Draws | None = None) -> NDArray[np.float64]:
        """How long what is drawn (M,) in an epoch is, at normal speed; by default, each example once."""
        draws = draws or Draws.once(len(self))
        seconds = self.durations[draws.indices]
        if self._augment.stream:
            for place, (index, again) in enumerate(draws):
                if index < len(self._recordings):
                    seconds[place] = self._stretches.seconds(index, epoch, again)
        return seconds

    def example(self, index: int, epoch: int, again: int = 0) -> Example:
        """The first of the `views` of an example."""
        return self.views(index, epoch, 1, again)[0]

    def views(self, index: int, epoch: int, count: int, again: int = 0) -> tuple[Example, ...]:
        """Draws example `index` as it sounds in epoch `epoch`, in several views.

        They are as long as one another, with vocal tract and masks (SpecAugment) drawn anew for each.

        Args:
            index: Of the example.
            epoch: Counted from 0.
            count: How many views; the first ones are the same, however many there are.
            again: How often it was drawn before in this epoch.

        Raises:
            AudioError: If its recording cannot be read.
        """
        name = self._name(index)
        random = generator(self._seed, epoch, drawn_as(name, again))
        if index < len(self._recordings):
            samples, tokens = self._speech(self._stretches.stretch(index, epoch, again), random)
        else:
            samples = non_speech(float(self.durations[index]), self._features.sample_rate, random)
            tokens = np.empty(0, np.int64)
        features = log_mel(samples, self._features)
        return tuple(Example(name, self._varied(features, epoch, random), tokens) for _ in range(count))

    def _varied(
        self, features: NDArray[np.float32], epoch: int, random: np.random.Generator
    ) -> NDArray[np.float32]:
        """A view (T, F) of log-mel features (T, F), normalised."""
        if self._augment.vocal_tract:
            factor = 1 + self._augment.vocal_tract * random.uniform(-1, 1)
            features = warp_frequencies(features, self._features, factor)
        features = normalize(features, self._features, self._statistics)
        if epoch >= self._augment.spec_from_epoch:
            features = spec_augment(features, self._augment, random)
        return features.astype(np.float32, copy=False)

    def _name(self, index: int) -> str:
        if index < len(self._recordings):
            return self._recordings.utterances[index].id
        return f"non-speech {index - len(self._recordings)}"

    def _speech(
        self, stretch: Stretch, random: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """What is heard around an utterance, and its tokens."""
        rate = self._features.sample_rate
        spoken = [self._recordings.samples(number) for number in stretch.utterances]
        samples = spoken[0]
        if any(stretch.pauses):
            samples = with_pauses(spoken, stretch.pauses, rate, random)
        return augment_samples(samples, rate, self._augment, random), self._texts.joined(stretch.utterances)


def feature_frames(durations: NDArray[np.float64], features: FeatureConfig) -> NDArray[np.int64]:
    """How many frames recordings of these durations (s) have, at normal speed."""
    samples = np.floor(durations * features.sample_rate + 0.5).astype(np.int64)
    return framing(features).output_length(samples)
