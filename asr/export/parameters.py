"""The arrays of a bundle by the names that the torch model gives them, each of the shape it must have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asr.bundle import Bundle
from asr.errors import BundleError

Array = NDArray[np.generic]
COUNTER = ".num_batches_tracked"
"""What torch counts in batch norm, and nothing reads."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Arrays by name.

    Attributes:
        bundle: What messages call the model.
        arrays: As in `Bundle.weights`.
        used: Names that were looked up.
    """

    bundle: str
    arrays: Mapping[str, Array]
    used: set[str] = field(default_factory=set)

    def array(self, name: str, *shape: int) -> Array:
        """The array of a name.

        Raises:
            BundleError: If there is none, or one of another shape.
        """
        if name not in self.arrays:
            raise self._disagreement(f"no {name}")
        if (found := self.arrays[name].shape) != shape:
            raise self._disagreement(f"{name} is {found}, expected {shape}")
        self.used.add(name)
        return self.arrays[name]

    def vector(self, name: str, size: int) -> NDArray[np.float32]:
        """The array (size,) of a name, in fp32."""
        return np.asarray(self.array(name, size), np.float32)

    def check_all_used(self) -> None:
        """Checks that the whole model was made of them.

        Raises:
            BundleError: If there are others.
        """
        for name in self.arrays.keys() - self.used:
            if not name.endswith(COUNTER):
                raise self._disagreement(f"no layer for {name}")

    def _disagreement(self, problem: str) -> BundleError:
        return BundleError(
            f"{self.bundle}: weights and model.json disagree ({problem}); copy the model folder again"
        )


def parameters(bundle: Bundle) -> Parameters:
    """The arrays of a bundle.

    Raises:
        BundleError: If it was stripped of them.
    """
    if not bundle.weights:
        raise BundleError(
            f"{bundle.name}: it has ONNX graphs, but no weights to make others of; "
            "export the model folder that it came from"
        )
    return Parameters(bundle.name, bundle.weights)
