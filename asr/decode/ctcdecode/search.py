"""The search behind ctcdecode's interface: options that decoders share, and streams under way."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from asr.config import DecodingConfig
from asr.decode.beam import BeamDecoder
from asr.decode.ctc import Hypothesis
from asr.decode.ctcdecode.models import ExternalScorer, Labels, labels_of, load_scorer
from asr.decode.ctcdecode.tensors import Beam, Emissions, Ints, beam_of, peaks, read_emissions
from asr.decode.search.state import Written
from asr.errors import ConfigError

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """What decoders are made with: the search, and how its input is read.

    Attributes:
        labels: The columns of a network's output.
        scorer: The language model.
        config: How wide to search.
        threads: Utterances that are decoded at the same time.
        is_log: Whether input is natural-log probabilities.
        alpha, beta: Factor of the language model, and bonus of a word, or of a label.
    """

    labels: Labels
    scorer: ExternalScorer | None
    config: DecodingConfig
    threads: int
    is_log: bool
    alpha: float
    beta: float
    beam: BeamDecoder = field(init=False)

    def __post_init__(self) -> None:
        fusion = self.scorer.fusion(self.alpha, self.beta) if self.scorer else None
        object.__setattr__(self, "beam", BeamDecoder(self.config, len(self.labels.order), fusion))

    def read(self, probs: Any, seq_lens: Any) -> list[Emissions]:
        """Natural-log probabilities (S, V) of each utterance, blank first."""
        return read_emissions(probs, seq_lens, self.labels.order, self.is_log)

    def character_based(self) -> bool | None:
        """Whether the language model reads characters; None without one."""
        return self.scorer.graph is None if self.scorer else None

    def max_order(self) -> int | None:
        """How many words the language model looks at together; None without one."""
        return self.scorer.model.order if self.scorer else None

    def dict_size(self) -> int | None:
        """The number of words that can be written; 0 with a model of characters, None without one."""
        if self.scorer is None:
            return None
        return len(self.scorer.graph.words) if self.scorer.graph else 0

    def each(self, function: Callable[[Item], list[Beam]], items: Sequence[Item]) -> list[list[Beam]]:
        """Applies a function to items, in threads where there are several."""
        if len(items) < 2:
            return [function(item) for item in items]
        self.beam.decode(np.zeros((1, len(self.labels.order)), np.float32))  # compiles, if need be, once
        with ThreadPoolExecutor(min(self.threads, len(items))) as pool:
            return list(pool.map(function, items))


class Stream:
    """A search under way, and the frames of which the search has not made anything final yet."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self._state = setup.beam.start()
        self._frame = 0
        self._heard = np.zeros((0, len(setup.labels.order)), np.float32)
        self._peaks: Ints = np.zeros(0, np.int32)

    def advance(self, log_probs: Emissions) -> None:
        """Goes on by frames (S, V)."""
        self._heard = np.concatenate([self._heard, log_probs])
        self.setup.beam.advance(self._state, log_probs)
        if len(self._state.final.tokens) > len(self._peaks):
            self._peaks = self._timesteps(self._state.final)
            self._heard = self._heard[self._state.first_frame - self._frame :]
            self._frame = self._state.first_frame

    def beams(self) -> list[Beam]:
        """All texts so far, best first."""
        hypotheses = self.setup.beam.finish(self._state, self.setup.config.beam_size)
        return [
            beam_of(hypothesis, self._timesteps(hypothesis), self.setup.labels.order)
            for hypothesis in hypotheses
        ]

    def _timesteps(self, text: Hypothesis | Written) -> Ints:
        rest = peaks(text, len(self._peaks), self._heard, self._frame)
        return np.concatenate([self._peaks[: len(text.tokens)], rest])


def setup_of(  # noqa: PLR0913 (ctcdecode's arguments)
    labels: Sequence[str],
    model_path: str | Path | None,
    alpha: float,
    beta: float,
    cutoff_top_n: int,
    cutoff_prob: float,
    beam_width: int,
    num_processes: int,
    blank_id: int,
    log_probs_input: bool,
) -> Setup:
    """Takes ctcdecode's arguments, which `asr.decode.ctcdecode_compat` explains.

    Raises:
        ConfigError: If a number is out of range.
        LanguageModelError: If the model is missing, damaged, a KenLM binary, or of other labels.
        FusionError: If alpha is negative.
    """
    numbers = {"cutoff_top_n": cutoff_top_n, "beam_width": beam_width, "num_processes": num_processes}
    for name, number in numbers.items():
        if number < 1:
            raise ConfigError(f"{name} is {number}; it must be at least 1")
    if not 0 < cutoff_prob <= 1:
        raise ConfigError(
            f"cutoff_prob is {cutoff_prob:g}; it must be above 0 and at most 1, which cuts nothing"
        )
    known = labels_of(labels, blank_id)
    return Setup(
        labels=known,
        scorer=load_scorer(Path(model_path), known.units) if model_path else None,
        config=DecodingConfig(
            beam_size=beam_width,
            cutoff_top_n=cutoff_top_n,
            cutoff_prob=cutoff_prob,
            beam_threshold=math.inf,
        ),
        threads=num_processes,
        is_log=bool(log_probs_input),
        alpha=alpha,
        beta=beta,
    )
