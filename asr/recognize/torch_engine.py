"""The engine that needs torch: the one file of recognition that imports it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from asr.bundle import Bundle
from asr.decode.ctc import Emission
from asr.errors import BundleError, StreamError
from asr.model.acoustic import AcousticModel, StreamState
from asr.model.device import choose_device
from asr.model.latency_controlled import LatencyControlledModel
from asr.recognize.engine import AcousticState, Array, cannot_stream, side_by_side
from asr.window import Window


class TorchEngine:
    """Runs an acoustic model with torch, in fp32.

    Args:
        model: The model; it is put into evaluation mode for each run and back afterwards.
    """

    def __init__(self, model: AcousticModel | LatencyControlledModel) -> None:
        self._model = model

    @classmethod
    def from_bundle(
        cls, bundle: Bundle, device: str = "cpu", chunks: tuple[int, int] | None = None
    ) -> TorchEngine:
        """Builds the model of a bundle.

        Args:
            bundle: With its weights.
            device: Where to compute.
            chunks: Emission frames of a chunk and of its right context, for a bidirectional model that is
                to listen to a stream.

        Raises:
            BundleError: If the weights do not fit the description.
            RunError: If there is no such device.
            StreamError: If there are chunks, and the model is unidirectional.
        """
        place = choose_device(device)
        weights = {name: torch.from_numpy(np.array(array)) for name, array in bundle.weights.items()}
        try:
            model = AcousticModel(bundle.model, bundle.features.mels, len(bundle.vocabulary))
            model.load_state_dict(weights)
        except RuntimeError as error:
            problem = textwrap.shorten(str(error).partition("AcousticModel:")[2] or str(error), 150)
            raise BundleError(
                f"{bundle.name}: weights and model.json disagree ({problem}); copy the model folder again"
            ) from None
        model.to(place).eval()
        if chunks is None:
            return cls(model)
        if not model.config.bidirectional:
            raise StreamError(f"{bundle.name}: a unidirectional model listens to streams without chunks")
        return cls(LatencyControlledModel(model, *chunks).eval())

    @property
    def window(self) -> Window:
        """The Window from feature frames to emission frames."""
        return self._model.window

    @property
    def streams(self) -> bool:
        """Whether the model can listen to a stream; see Engine."""
        return self._model.streams

    @property
    def variant(self) -> str:
        """How it differs from the model as it was trained; see Engine."""
        if isinstance(self._model, LatencyControlledModel):
            return f"in chunks of {self._model.chunk} and {self._model.context}"
        return ""

    def run(self, features: NDArray[np.float32], lengths: NDArray[np.int64]) -> Emission:
        """Computes the emissions of whole utterances; see Engine."""
        outputs = self.window.output_length(lengths)
        spoken = outputs > 0
        vocabulary = self._model.head.out_features
        log_probs = np.zeros((len(lengths), int(outputs.max(initial=0)), vocabulary), np.float32)
        if spoken.any():
            with self._evaluating():
                result, _ = self._model(self._tensor(features[spoken]), torch.from_numpy(lengths[spoken]))
            log_probs[spoken] = result.cpu().numpy()[:, : log_probs.shape[1]]
        return Emission(log_probs, outputs)

    def ready(self, frames: int) -> int:
        """How many emission frames a stream has had; see Engine."""
        return self._model.ready(frames)

    def start(self) -> AcousticState:
        """The state before the first frame; see Engine."""
        if not self.streams:
            raise cannot_stream()
        return _taken_apart(self._model.start())[0]

    def step(
        self, states: Sequence[AcousticState], features: Sequence[Array], ending: bool = False
    ) -> list[tuple[Array, AcousticState]]:
        """Goes on with some streams, those of equal shapes side by side; see Engine."""
        found: dict[int, tuple[Array, AcousticState]] = {}
        for rows in side_by_side(states, features):
            with self._evaluating():
                batch = self._tensor(np.stack([features[row] for row in rows]))
                log_probs, after = self._model.step(
                    batch, self._together([states[row] for row in rows]), ending
                )
            found |= zip(rows, zip(_array(log_probs), _taken_apart(after), strict=True), strict=True)
        return [found[index] for index in range(len(states))]

    def _together(self, states: Sequence[AcousticState]) -> StreamState:
        """States of N streams as one of tensors."""
        first, second = zip(*(state.convolutions for state in states), strict=True)
        layers = zip(*(state.recurrent for state in states), strict=True)
        return StreamState(
            convolutions=(
                self._tensor(np.stack(first)[:, None]),
                self._tensor(np.stack(second).transpose(0, 2, 1, 3)),
            ),
            recurrent=tuple(
                tuple(self._tensor(np.stack(part)[None]) for part in zip(*layer, strict=True))
                for layer in layers
            ),
            lookahead=self._tensor(np.stack([state.lookahead for state in states])),
        )

    def _tensor(self, array: Array) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._model.head.weight.device)

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """Evaluation mode without gradients, and back to the mode before."""
        training = self._model.training
        if training:
            self._model.eval()
        with torch.inference_mode():
            yield
        if training:
            self._model.train()


def _taken_apart(state: StreamState) -> list[AcousticState]:
    """One state for each of N streams, none of which keeps the arrays of the others."""
    first, second = state.convolutions
    convolutions = (_array(first[:, 0]), _array(second.transpose(1, 2)))
    layers = [[_array(part[0]) for part in layer] for layer in state.recurrent]
    lookahead = _array(state.lookahead)
    return [
        AcousticState(
            convolutions=tuple(held[row].copy() for held in convolutions),
            recurrent=tuple(tuple(part[row].copy() for part in layer) for layer in layers),
            lookahead=lookahead[row].copy(),
        )
        for row in range(len(lookahead))
    ]


def _array(tensor: Tensor) -> Array:
    return np.asarray(tensor.cpu().numpy())
