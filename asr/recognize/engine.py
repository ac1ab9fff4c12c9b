"""What runs an acoustic model. Recognition reaches the model only through an Engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from asr.decode.ctc import Emission
from asr.errors import StreamError
from asr.window import Window

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class AcousticState:
    """Where an acoustic model stands in one stream.

    It is plain arrays, the same for every engine, so a stream can be stored, sent, and gone on with by
    another engine.

    Attributes:
        convolutions: For each convolution, the inputs that later outputs still need: features (n, F) for
            the first, what the first one gave (n, channels, bands) for the second.
        recurrent: For each recurrent layer, h (H,) and, for an LSTM, c (H,).
        lookahead: The outputs of the last recurrent layer that the lookahead still needs (n, D); of a
            model without one (0, D).
    """

    convolutions: tuple[Array, ...]
    recurrent: tuple[tuple[Array, ...], ...]
    lookahead: Array


class Engine(Protocol):
    """Computes emissions from features."""

    @property
    def window(self) -> Window:
        """The Window from feature frames to emission frames."""

    @property
    def streams(self) -> bool:
        """Whether the model can listen to a stream, which a bidirectional one cannot."""

    @property
    def variant(self) -> str:
        """How it differs from the model as it was trained: in chunks, in 8 bits; empty where it does not."""

    def run(self, features: NDArray[np.float32], lengths: NDArray[np.int64]) -> Emission:
        """Computes the emissions of whole utterances.

        Args:
            features: Normalised features (N, T, F), zero behind each length.
            lengths: Frames of each utterance (N,); one may be 0.

        Returns:
            Log-probabilities (N, S, V) and lengths.
        """

    def ready(self, frames: int) -> int:
        """How many emission frames a stream has had after so many feature frames, while more may follow."""

    def start(self) -> AcousticState:
        """The state before the first frame.

        Raises:
            StreamError: If the model cannot listen to a stream.
        """

    def step(
        self, states: Sequence[AcousticState], features: Sequence[Array], ending: bool = False
    ) -> list[tuple[Array, AcousticState]]:
        """Goes on with some streams.

        All that a stream gives together is what `run` gives for it as a whole, within 1e-5.

        Args:
            states: Of each stream, from `start` or the last `step`.
            features: The next normalised features (T_i, F) of each; T_i may be 0.
            ending: Whether all these streams end here.

        Returns:
            For each stream the log-probabilities (S_i, V) that no later frame can change, and its state.
        """


def side_by_side(states: Sequence[AcousticState], features: Sequence[Array]) -> list[list[int]]:
    """Which streams have equal shapes, and so can be one batch: their numbers, in groups."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, (state, frames) in enumerate(zip(states, features, strict=True)):
        shapes = (len(frames), *map(len, state.convolutions), len(state.lookahead))
        groups.setdefault(shapes, []).append(index)
    return list(groups.values())


def cannot_stream() -> StreamError:
    """What is raised where a bidirectional model is to listen to a stream."""
    return StreamError(
        "a bidirectional model reads whole recordings and cannot listen to a stream; use a unidirectional "
        "one (--set model.bidirectional=false in training), or let it listen in chunks (--chunk)"
    )
