"""One recurrent layer over utterances of unequal length, and two exact ways to run it.

`packed` hands torch a packed sequence; it defines the result, and cuDNN runs it well. `pairs` runs
the two directions as two padded passes, the backward one over utterances that were reversed each
within its own length. A forward pass never meets the padding before it has read the utterance, and
the reversal keeps padding at the end, so no mask is needed and the results agree; on a CPU this is
several times faster, because the padded kernel computes whole batches at every frame.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

State = tuple[Tensor, ...]
"""Hidden state (1, N, H) of a unidirectional layer; for an LSTM also its cell state."""

Path = Literal["pairs", "packed"]

ROWS_OF_A_TILE = 16
LOOSE_ROWS = 64
"""More utterances are filled up to whole tiles: oneDNN takes three times longer for 71 than for 80."""

_CELLS: dict[str, type[nn.LSTM | nn.GRU | nn.RNN]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class RecurrentLayer(nn.Module):
    """An LSTM, GRU or plain tanh layer: ``layer(x, lengths, state) → (y, state)``.

    Recurrent weights start orthogonal, input weights Xavier-uniform, biases at zero, but the
    forget gate of an LSTM at one (Gers et al., 2000; Józefowicz et al., 2015).

    Args:
        cell: `lstm`, `gru` or `rnn`.
        inputs: Size D of the input.
        hidden: Units H per direction.
        bidirectional: Whether to read backwards too; the outputs are then 2 H wide.
    """

    def __init__(self, cell: str, inputs: int, hidden: int, bidirectional: bool) -> None:
        super().__init__()
        self.cell = cell
        self.rnn = _CELLS[cell](inputs, hidden, batch_first=True, bidirectional=bidirectional)
        self.outputs = hidden * (2 if bidirectional else 1)
        self._initialize()

    def _initialize(self) -> None:
        hidden = self.rnn.hidden_size
        for name, parameter in self.rnn.named_parameters():
            if name.startswith("bias"):
                nn.init.zeros_(parameter)
                if self.cell == "lstm" and name.startswith("bias_ih"):
                    nn.init.ones_(parameter.data[hidden : 2 * hidden])
                continue
            fill = nn.init.orthogonal_ if name.startswith("weight_hh") else nn.init.xavier_uniform_
            for gate in torch.split(parameter.data, hidden):
                fill(gate)

    def forward(
        self, x: Tensor, lengths: Tensor, state: State | None = None, path: Path = "pairs"
    ) -> tuple[Tensor, State | None]:
        """Runs the layer.

        Args:
            x: Inputs (N, S, D); what stands behind `lengths` is not read.
            lengths: True lengths (N,), integers of at least 1, on the CPU.
            state: For unidirectional layers: the state that a former call returned, or
                `initial_state`. With a state given, utterances of unequal length run packed.
            path: Which of the two ways.

        Returns:
            Outputs (N, S, H or 2 H), zero behind each length; and the state after the last frame of
            each utterance, or None if no state was given.

        Raises:
            ValueError: If a bidirectional layer is given a state.
        """
        if state is not None and self.rnn.bidirectional:
            raise ValueError("a bidirectional layer reads whole utterances and takes no state")
        if path == "packed" or (state is not None and int(lengths.min()) < x.shape[1]):
            return self._packed(x, lengths, state)
        return self._pairs(x, lengths, state)

    def read_chunk(self, x: Tensor, chunk: int, state: State) -> tuple[Tensor, State]:
        """Runs a bidirectional layer over a chunk of a stream and some frames that follow it.

        Args:
            x: Inputs (N, S, D), all of them read.
            chunk: How many of the S frames the chunk has; the others are its right context.
            state: Of the forward direction before the chunk; the backward one begins at the end of x.

        Returns:
            Outputs (N, S, 2 H), and the state of the forward direction after the chunk.
        """
        weights: list[Tensor] = list(self.rnn.parameters())
        forward, after = self._one_direction(x[:, :chunk], weights[:4], state)
        if chunk < x.shape[1]:
            ahead, _ = self._one_direction(x[:, chunk:], weights[:4], after)
            forward = torch.cat([forward, ahead], dim=1)
        backward, _ = self._one_direction(x.flip(1), weights[4:], None)
        return torch.cat([forward, backward.flip(1)], dim=-1), after

    def initial_state(self, batch: int) -> State:
        """The state before the first frame: zeros (1, N, H) each."""
        zeros = next(self.rnn.parameters()).new_zeros(1, batch, self.rnn.hidden_size)
        return (zeros, zeros) if self.cell == "lstm" else (zeros,)

    def _packed(self, x: Tensor, lengths: Tensor, state: State | None) -> tuple[Tensor, State | None]:
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        initial = state[0] if state is not None and self.cell != "lstm" else state
        packed, last = self.rnn(packed, initial)
        y, _ = pad_packed_sequence(packed, batch_first=True, total_length=x.shape[1])
        if state is None:
            return y, None
        return y, tuple(last) if self.cell == "lstm" else (last,)

    def _pairs(self, x: Tensor, lengths: Tensor, state: State | None) -> tuple[Tensor, State | None]:
        weights: list[Tensor] = list(self.rnn.parameters())
        y, last = self._one_direction(x, weights[:4], state)
        mask = frame_mask(lengths, x.shape[1]).to(x.device)
        if not self.rnn.bidirectional:
            return y * mask[:, :, None].to(y.dtype), last if state is not None else None
        order = reversal(lengths, x.shape[1]).to(x.device)
        backward, _ = self._one_direction(reorder(x, order), weights[4:], None)
        y = torch.cat([y, reorder(backward, order)], dim=-1)
        return y * mask[:, :, None].to(y.dtype), None

    def _one_direction(self, x: Tensor, weights: list[Tensor], state: State | None) -> tuple[Tensor, State]:
        rows = x.shape[0]
        if state is None:
            state = self.initial_state(rows)
        if x.device.type == "cpu" and rows > LOOSE_ROWS:
            surplus = -rows % ROWS_OF_A_TILE
            x = F.pad(x, (0, 0, 0, 0, 0, surplus))
            state = tuple(F.pad(part, (0, 0, 0, surplus)) for part in state)
        y, after = self._run(x, weights, state)
        return y[:rows], tuple(part[:, :rows] for part in after)

    def _run(self, x: Tensor, weights: list[Tensor], state: State) -> tuple[Tensor, State]:
        options = (True, 1, 0.0, self.training, False, True)
        if self.cell == "lstm":
            y, h, c = torch.lstm(x, state, weights, *options)
            return y, (h, c)
        function = torch.gru if self.cell == "gru" else torch.rnn_tanh
        y, h = function(x, state[0], weights, *options)
        return y, (h,)


def frame_mask(lengths: Tensor, frames: int) -> Tensor:
    """True (N, S) at the frames of each utterance, False behind them."""
    return torch.arange(frames, device=lengths.device)[None] < lengths[:, None]


def reversal(lengths: Tensor, frames: int) -> Tensor:
    """Indices (N, S) that reverse each utterance within its length and leave the padding in place."""
    frame = torch.arange(frames, device=lengths.device)[None]
    mirrored = lengths[:, None] - 1 - frame
    return torch.where(mirrored >= 0, mirrored, frame)


def reorder(x: Tensor, order: Tensor) -> Tensor:
    """Takes frames of x (N, S, D) in the given order (N, S)."""
    starts = torch.arange(x.shape[0], device=x.device)[:, None] * x.shape[1]
    return x.flatten(0, 1).index_select(0, (starts + order).flatten()).view(x.shape)
