"""The acoustic model: features in, log-probabilities of tokens at every emission frame out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from asr.config import ModelConfig
from asr.model.buffers import opening
from asr.model.layers import NORMS, Buffers, FrontEnd, Lookahead, VariationalDropout
from asr.model.lengths import emission_window, lookahead_window
from asr.model.recurrent import Path, RecurrentLayer, State
from asr.window import Window


@dataclass(frozen=True, slots=True, eq=False)
class StreamState:
    """Where the model stands in N streams.

    Attributes:
        convolutions: The buffer (N, channels, n, bands) of each convolution.
        recurrent: The state of each recurrent layer.
        lookahead: The buffer (N, n, D) of the lookahead; n is 0 where there is none.
    """

    convolutions: Buffers
    recurrent: tuple[State, ...]
    lookahead: Tensor


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

    @property
    def streams(self) -> bool:
        """Whether it can listen to a stream."""
        return not self.config.bidirectional

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
        x, _ = self._recurrent(x, lengths, None)
        if self.lookahead is not None:
            x = self.lookahead(x)
        return self.log_probs(x, lengths), lengths

    def ready(self, frames: int) -> int:
        """How many emission frames a stream has had after so many feature frames, while more may follow."""
        return self.window.ready(frames)

    def start(self, streams: int = 1) -> StreamState:
        """The state of N streams before their first frame. Only unidirectional models have one."""
        nothing = self.head.weight.new_zeros(streams, 1, self.head.in_features)
        return StreamState(
            convolutions=self.front_end.start(streams),
            recurrent=tuple(cast(RecurrentLayer, layer).initial_state(streams) for layer in self.layers),
            lookahead=opening(lookahead_window(self.config), nothing, 1),
        )

    def step(self, features: Tensor, state: StreamState, ending: bool = False) -> tuple[Tensor, StreamState]:
        """Goes on with streams, by as many frames of each.

        Args:
            features: The next normalised frames (N, T, F); T may be 0.
            state: From `start` or the last step.
            ending: Whether the streams end here.

        Returns:
            The log-probabilities (N, S, V) that no later frame can change, and the new state.
        """
        x, convolutions = self.front_end.step(features, state.convolutions, ending)
        lengths = torch.full((len(x),), x.shape[1])
        recurrent, lookahead = state.recurrent, state.lookahead
        if x.shape[1]:
            x, recurrent = self._recurrent(x, lengths, recurrent)
        else:
            x = x.new_zeros(len(x), 0, self.head.in_features)
        if self.lookahead is not None:
            x, lookahead = self.lookahead.step(x, lookahead, ending)
        lengths = torch.full((len(x),), x.shape[1])
        return self.log_probs(x, lengths), StreamState(convolutions, recurrent, lookahead)

    def _recurrent(
        self, x: Tensor, lengths: Tensor, states: tuple[State, ...] | None
    ) -> tuple[Tensor, tuple[State, ...]]:
        """Runs the recurrent stack over (N, S, D), from its states where streams go on."""
        path = self.path_on(x.device)
        after = []
        for index, (norm, layer) in enumerate(zip(self.norms, self.layers, strict=True)):
            before = states[index] if states is not None else None
            x, state = layer(self.dropout(norm(x, lengths)), lengths, before, path)
            after.append(state)
        return x, tuple(after)

    def log_probs(self, x: Tensor, lengths: Tensor) -> Tensor:
        """The log-probabilities (N, S, V) of what the recurrent stack gave (N, S, D), of lengths (N,)."""
        logits = self.head(self.dropout(self.head_norm(x, lengths)))
        return torch.log_softmax(logits.float(), dim=-1)
