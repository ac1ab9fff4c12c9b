"""What runs an acoustic model. Recognition reaches the model only through an Engine."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from asr.decode.ctc import Emission
from asr.window import Window


class Engine(Protocol):
    """Computes emissions from features."""

    @property
    def window(self) -> Window:
        """The Window from feature frames to emission frames."""

    def run(self, features: NDArray[np.float32], lengths: NDArray[np.int64]) -> Emission:
        """Computes the emissions of whole utterances.

        Args:
            features: Normalised features (N, T, F), zero behind each length.
            lengths: Frames of each utterance (N,); one may be 0.

        Returns:
            Log-probabilities (N, S, V) and lengths.
        """
