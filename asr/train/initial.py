"""Initial weights that come from another model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from asr.bundle import Bundle, load_bundle
from asr.config import Recipe
from asr.data.manifest import file_hash
from asr.description import DESCRIPTION
from asr.errors import BundleError


def weights_of(bundle: Bundle) -> dict[str, Tensor]:
    """The weights of a bundle as tensors in which one can train: fp32, counters as they are.

    Where it has ONNX graphs alone, they come from these.

    Raises:
        BundleError: If the graphs do not say which weights are which.
    """
    arrays = bundle.weights
    if not arrays:
        from asr.export.reading import read_weights

        arrays = read_weights(bundle)
    tensors = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()
    }


def begin_with(recipe: Recipe, vocabulary: tuple[str, ...]) -> dict[str, Tensor]:
    """The weights that a recipe wants to begin with.

    Args:
        recipe: Its `init` names the model folder.
        vocabulary: Of the model that is going to be trained.

    Raises:
        BundleError: If that model is missing or damaged, or has other layers, features (normalisation
            aside) or tokens.
    """
    folder = Path(recipe.init)
    bundle = load_bundle(folder)
    layers = replace(bundle.model, dropout=recipe.model.dropout, path=recipe.model.path)
    features = replace(bundle.features, normalization=recipe.features.normalization)
    for what, theirs, ours in (
        ("layers", layers, recipe.model),
        ("features", features, recipe.features),
        ("tokens", bundle.vocabulary, vocabulary),
    ):
        if theirs != ours:
            raise BundleError(
                f"{folder}: has other {what} than {recipe.name} wants, so training cannot begin with it; "
                "change the recipe, or let asr finetune train the model as it is"
            )
    return weights_of(bundle)


def initial_hash(recipe: Recipe) -> dict[str, str]:
    """SHA-256 of what vouches for the model that a recipe begins with, by its path; nothing without one."""
    path = Path(recipe.init) / DESCRIPTION
    return {str(path): file_hash(path)} if recipe.init else {}
