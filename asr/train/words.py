"""Finds out in the middle of a training when each word was spoken, so that words can be exchanged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from asr.audio.features import log_mel
from asr.audio.mel import framing
from asr.audio.normalization import Statistics, normalize
from asr.config import FeatureConfig
from asr.data.batching import Batch, Position, Source
from asr.data.dataset import Dataset, Recordings
from asr.data.splice import SpokenWord, WordBank, cut_words
from asr.decode.align import align
from asr.decode.words import to_segment
from asr.errors import RunError, TextError
from asr.files import write_atomically
from asr.progress import say, track
from asr.recognize.engine import Engine
from asr.recognize.recognizer import emissions
from asr.text.tokenizer import Tokenizer

AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class WordFinder:
    """Aligns training utterances with their texts, by the model as it is now.

    Attributes:
        engine: Runs the model.
        recordings: The utterances.
        tokens: What is said in each of them.
        tokenizer: Knows which tokens make a word.
        features, statistics: How features are computed.
    """

    engine: Engine
    recordings: Recordings
    tokens: Sequence[Sequence[int]]
    tokenizer: Tokenizer
    features: FeatureConfig
    statistics: Statistics

    def find(self) -> list[list[SpokenWord]]:
        """The words of every utterance; none where it cannot be aligned."""
        found: list[list[SpokenWord]] = []
        count = len(self.recordings)
        for first in track(range(0, count, AT_ONCE), "finding words"):
            indices = range(first, min(first + AT_ONCE, count))
            heard = emissions(self.engine, [self._features(index) for index in indices])
            words = {place: self._words(indices[place], log_probs) for place, log_probs in heard}
            found += [words[place] for place in range(len(indices))]
        return found

    def _features(self, index: int) -> NDArray[np.float32]:
        features = log_mel(self.recordings.samples(index), self.features)
        return normalize(features, self.features, self.statistics)

    def _words(self, index: int, log_probs: NDArray[np.float32]) -> list[SpokenWord]:
        samples, rate = self.recordings.samples(index), self.features.sample_rate
        try:
            hypothesis = align(log_probs, self.tokens[index]).hypothesis
        except TextError:
            return []
        window = framing(self.features).then(self.engine.window)
        segment = to_segment(hypothesis, self.tokenizer, window, rate, len(samples) / rate)
        words = [(word.text, word.start, word.end) for word in segment.words]
        return cut_words(index, samples, rate, words)


class SplicingSource:
    """Batches whose utterances are put together anew from some epoch on.

    The words are looked for once, before the first batch of that epoch, and kept in a file, so that a
    resumed run goes on with the same ones.

    Args:
        source: The batches.
        dataset: Where they come from.
        finder: Finds the words.
        from_epoch: The first epoch (counted from 0) with spliced utterances.
        path: The file.
    """

    def __init__(
        self, source: Source, dataset: Dataset, finder: WordFinder, from_epoch: int, path: Path
    ) -> None:
        self._source = source
        self._dataset = dataset
        self._finder = finder
        self._from_epoch = from_epoch
        self._path = path
        self._known = False

    def batches_in(self, epoch: int) -> int:
        """How many batches epoch `epoch` has."""
        return self._source.batches_in(epoch)

    def epoch(self, position: Position) -> Iterator[Batch]:
        """The batches of one epoch from `position` on.

        Raises:
            RunError: If the file of words is damaged, or cannot be written.
        """
        if position.epoch >= self._from_epoch and not self._known:
            words = self._words()
            speakers = [utterance.speaker for utterance in self._finder.recordings.utterances]
            self._dataset.words = WordBank(words, speakers, self._finder.tokenizer.encode)
            self._known = True
        return self._source.epoch(position)

    def _words(self) -> list[list[SpokenWord]]:
        if self._path.exists():
            return self._read()
        words = self._finder.find()
        write_atomically(self._path, msgspec.json.encode(words))
        known = [spoken for spoken in words if spoken]
        say(
            f"words are exchanged from now on: {sum(map(len, known))} words of {len(known)} utterances; "
            f"of {len(words) - len(known)} it is not known where their words are"
        )
        return words

    def _read(self) -> list[list[SpokenWord]]:
        try:
            words = msgspec.json.decode(self._path.read_bytes(), type=list[list[SpokenWord]])
        except (OSError, msgspec.DecodeError) as error:
            raise RunError(f"{self._path}: damaged ({error}); start a new run elsewhere") from None
        if len(words) != len(self._finder.recordings):
            raise RunError(f"{self._path}: damaged (of another corpus); start a new run elsewhere")
        return words
