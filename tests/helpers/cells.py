"""Recurrent layers as a loop over utterances and frames, one line per formula, to compare with."""

from __future__ import annotations

import torch
from torch import Tensor

from asr.model.recurrent import RecurrentLayer


def loop(layer: RecurrentLayer, x: Tensor, lengths: Tensor) -> Tensor:
    """What `layer` should give for x (N, S, D): its own weights, one frame of one utterance at a time."""
    y = x.new_zeros(x.shape[0], x.shape[1], layer.outputs)
    for n, length in enumerate(lengths.tolist()):
        forward = _direction(layer, x[n, :length], "")
        if not layer.rnn.bidirectional:
            y[n, :length] = forward
            continue
        backward = _direction(layer, x[n, :length].flip(0), "_reverse").flip(0)
        y[n, :length] = torch.cat([forward, backward], dim=1)
    return y


def _direction(layer: RecurrentLayer, frames: Tensor, suffix: str) -> Tensor:
    h = c = frames.new_zeros(layer.rnn.hidden_size)
    outputs = []
    for x in frames:
        if layer.cell == "lstm":
            h, c = _lstm(layer, suffix, x, h, c)
        else:
            h = _gru(layer, suffix, x, h) if layer.cell == "gru" else _tanh(layer, suffix, x, h)
        outputs.append(h)
    return torch.stack(outputs)


def _sums(layer: RecurrentLayer, suffix: str, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """The two sums that enter the gates: from the input, and from the hidden state."""
    of = {name: getattr(layer.rnn, f"{name}_l0{suffix}") for name in ("weight_ih", "weight_hh")}
    bias = {name: getattr(layer.rnn, f"{name}_l0{suffix}") for name in ("bias_ih", "bias_hh")}
    return of["weight_ih"] @ x + bias["bias_ih"], of["weight_hh"] @ h + bias["bias_hh"]


def _lstm(layer: RecurrentLayer, suffix: str, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    from_input, from_state = _sums(layer, suffix, x, h)
    enter, forget, candidate, output = (from_input + from_state).chunk(4)
    c = torch.sigmoid(forget) * c + torch.sigmoid(enter) * torch.tanh(candidate)
    return torch.sigmoid(output) * torch.tanh(c), c


def _gru(layer: RecurrentLayer, suffix: str, x: Tensor, h: Tensor) -> Tensor:
    from_input, from_state = (part.chunk(3) for part in _sums(layer, suffix, x, h))
    reset = torch.sigmoid(from_input[0] + from_state[0])
    update = torch.sigmoid(from_input[1] + from_state[1])
    candidate = torch.tanh(from_input[2] + reset * from_state[2])
    return (1 - update) * candidate + update * h


def _tanh(layer: RecurrentLayer, suffix: str, x: Tensor, h: Tensor) -> Tensor:
    from_input, from_state = _sums(layer, suffix, x, h)
    return torch.tanh(from_input + from_state)
