"""The acoustic model: features in, log-probabilities of tokens at every emission frame out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from asr.config import ModelConfig
from asr.model.layers import NORMS, FrontEnd, Lookahead, VariationalDropout
from asr.model.lengths import emission_window, lookahead_window
from asr.model.recurrent import Path, RecurrentLayer
from asr.window import Window


class AcousticModel(nn.Module):
    """Convolutional front-end, recurrent stack, and a linear layer for CTC (Graves et al., 2006).

    Args:
        config: Sizes and kinds of layers.
        mels: Bands F of the features.
        vocabulary: Number of tokens V, blank included.
    """

    def __init__(self, config: ModelConfig, mels: int, vocabulary: int) -> None:
        super().__init__()
        self.config = config
        self.front_end = FrontEnd(config, mels)
        norms: list[nn.Module] = []
        layers: list[RecurrentLayer] = []
        size = self.front_end.outputs
        for _ in range(config.layers):
            norms.append(NORMS[config.norm](size))
            layers.append(RecurrentLayer(config.cell, size, config.hidden, config.bidirectional))
            size = layers[-1].outputs
        self.norms = nn.ModuleList(norms)
        self.layers = nn.ModuleList(layers)
        self.dropout = VariationalDropout(config.dropout)
        self.lookahead = Lookahead(size, lookahead_window(config)) if config.lookahead else None
        self.head_norm = NORMS[config.norm](size)
        self.head = nn.Linear(size, vocabulary)
        nn.init.xavier_uniform_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    @property
    def window(self) -> Window:
        """The Window from feature frames to emission frames, lookahead included."""
        return emission_window(self.config)

    def path_on(self, device: torch.device) -> Path:
        """The way through the recurrent layers that `config.path` means on a device."""
        if self.config.path != "auto":
            return self.config.path
        return "pairs" if device.type == "cpu" else "packed"

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Computes the emissions of a batch of whole utterances.

        Args:
            features: Normalised log-mel features (N, T, F); what stands behind `lengths` is not read.
            lengths: Frames of each utterance (N,), at least 1, on the CPU.

        Returns:
            Natural-log probabilities (N, S, V) of fp32, and their lengths (N,).
        """
        x, lengths = self.front_end(features, lengths)
        path = self.path_on(features.device)
        for norm, layer in zip(self.norms, self.layers, strict=True):
            x, _ = layer(self.dropout(norm(x, lengths)), lengths, None, path)
        if self.lookahead is not None:
            x = self.lookahead(x)
        logits = self.head(self.dropout(self.head_norm(x, lengths)))
        return torch.log_softmax(logits.float(), dim=-1), lengths
