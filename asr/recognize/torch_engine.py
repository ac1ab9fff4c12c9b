"""The engine that needs torch: the one file of recognition that imports it."""

from __future__ import annotations

import textwrap

import numpy as np
import torch
from numpy.typing import NDArray

from asr.bundle import Bundle
from asr.decode.ctc import Emission
from asr.errors import BundleError
from asr.model.acoustic import AcousticModel
from asr.model.device import choose_device
from asr.window import Window


class TorchEngine:
    """Runs an acoustic model with torch, in fp32.

    Args:
        model: The model; it is put into evaluation mode for each run and back afterwards.
    """

    def __init__(self, model: AcousticModel) -> None:
        self._model = model

    @classmethod
    def from_bundle(cls, bundle: Bundle, device: str = "cpu") -> TorchEngine:
        """Builds the model of a bundle.

        Raises:
            BundleError: If the weights do not fit the description.
            RunError: If there is no such device.
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
        return cls(model.to(place).eval())

    @property
    def window(self) -> Window:
        """The Window from feature frames to emission frames."""
        return self._model.window

    def run(self, features: NDArray[np.float32], lengths: NDArray[np.int64]) -> Emission:
        """Computes the emissions of whole utterances; see Engine."""
        outputs = self.window.output_length(lengths)
        spoken = outputs > 0
        vocabulary = self._model.head.out_features
        log_probs = np.zeros((len(lengths), int(outputs.max(initial=0)), vocabulary), np.float32)
        if spoken.any():
            device = self._model.head.weight.device
            training = self._model.training
            self._model.eval()
            with torch.inference_mode():
                batch = torch.from_numpy(features[spoken]).to(device)
                result, _ = self._model(batch, torch.from_numpy(lengths[spoken]))
            self._model.train(training)
            log_probs[spoken] = result.cpu().numpy()[:, : log_probs.shape[1]]
        return Emission(log_probs, outputs)
