"""A bidirectional model that listens to a stream in chunks (latency-controlled BLSTM, Zhang et al., 2016).

Each chunk is read together with some frames that follow it, its right context. Forwards, every layer goes
on from where it stood after the chunk before; backwards it begins at the end of the right context, instead
of the end of the recording. What the context gives is computed again with the chunk that it belongs to.

What that guarantees: the emission depends on the samples alone, not on how they arrive. For recordings no
longer than a chunk and its right context it is that of the bidirectional model. For longer ones it differs,
the less the longer the context: the backward direction knows nothing of what follows it.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from asr.config import ModelConfig
from asr.model.acoustic import AcousticModel, StreamState
from asr.model.recurrent import RecurrentLayer, State
from asr.window import Window


class LatencyControlledModel(nn.Module):
    """Runs a bidirectional model in chunks; it has the model's weights and no others.

    Args:
        model: The model.
        chunk: Emission frames computed at once, at least 1.
        context: Emission frames after them that the backward direction begins with.

    Raises:
        ValueError: If the model is unidirectional, or a number too small.
    """

    def __init__(self, model: AcousticModel, chunk: int, context: int) -> None:
        super().__init__()
        if not model.config.bidirectional:
            raise ValueError("a unidirectional model reads streams as it is")
        if chunk < 1 or context < 0:
            raise ValueError(f"chunk must be at least 1 and context not negative: {chunk}, {context}")
        self.model = model
        self.chunk, self.context = chunk, context

    @property
    def config(self) -> ModelConfig:
        """Sizes and kinds of layers."""
        return self.model.config

    @property
    def head(self) -> nn.Linear:
        """The layer of the tokens."""
        return self.model.head

    @property
    def streams(self) -> bool:
        """Whether it can listen to a stream."""
        return True

    @property
    def window(self) -> Window:
        """The Window from feature frames to emission frames; the first of a chunk waits for all of it."""
        seen = self.chunk + self.context
        return self.model.window.then(Window(kernel=seen, right=seen - 1))

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Computes the emissions of whole utterances, chunk by chunk; see `AcousticModel.forward`."""
        rows = [
            self.step(row[None, :length], self.start(), ending=True)[0][0]
            for row, length in zip(features, lengths.tolist(), strict=True)
        ]
        log_probs = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        return log_probs, torch.tensor([len(row) for row in rows])

    def ready(self, frames: int) -> int:
        """How many emission frames a stream has had after so many feature frames, while more may follow."""
        chunks = max(0, self.model.ready(frames) - self.context) // self.chunk
        return chunks * self.chunk

    def start(self, streams: int = 1) -> StreamState:
        """The state of N streams before their first frame; its lookahead holds frames that wait."""
        front_end = self.model.front_end
        return StreamState(
            convolutions=front_end.start(streams),
            recurrent=tuple(layer.initial_state(streams) for layer in self._layers),
            lookahead=self.head.weight.new_zeros(streams, 0, front_end.outputs),
        )

    def step(self, features: Tensor, state: StreamState, ending: bool = False) -> tuple[Tensor, StreamState]:
        """Goes on with streams, by as many frames of each; see `AcousticModel.step`."""
        x, convolutions = self.model.front_end.step(features, state.convolutions, ending)
        waiting, recurrent = torch.cat([state.lookahead, x], 1), state.recurrent
        parts = [self.head.weight.new_zeros(len(x), 0, self.head.in_features)]
        while waiting.shape[1] >= self.chunk + self.context:
            y, recurrent = self._read(waiting[:, : self.chunk + self.context], self.chunk, recurrent)
            parts.append(y[:, : self.chunk])
            waiting = waiting[:, self.chunk :]
        if ending and waiting.shape[1]:
            y, recurrent = self._read(waiting, waiting.shape[1], recurrent)
            parts.append(y)
            waiting = waiting[:, :0]
        y = torch.cat(parts, 1)
        log_probs = self.model.log_probs(y, torch.full((len(y),), y.shape[1]))
        return log_probs, StreamState(convolutions, recurrent, waiting)

    @property
    def _layers(self) -> list[RecurrentLayer]:
        return [cast(RecurrentLayer, layer) for layer in self.model.layers]

    def _read(self, x: Tensor, chunk: int, states: tuple[State, ...]) -> tuple[Tensor, tuple[State, ...]]:
        """Runs the stack over a chunk and its context (N, S, D); the states are those after the chunk."""
        after = []
        lengths = torch.full((len(x),), x.shape[1])
        for norm, layer, state in zip(self.model.norms, self._layers, states, strict=True):
            x, state = layer.read_chunk(norm(x, lengths), chunk, state)
            after.append(state)
        return x, tuple(after)
