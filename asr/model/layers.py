"""The layers around the recurrent ones: masked convolutions, norms, variational dropout, lookahead."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from asr.config import ModelConfig
from asr.model.buffers import extended, opening
from asr.model.lengths import BAND_WINDOW, convolution_windows, convolved_bands
from asr.model.recurrent import frame_mask
from asr.window import Window

Buffers = tuple[Tensor, ...]
"""For each convolution, the inputs that later outputs still need."""


class FrontEnd(nn.Module):
    """Two convolutions over time and frequency that shorten an utterance 2 or 4 times.

    Before and after each of them everything behind the end of an utterance is set to zero, which is
    what the convolution would read there if the utterance were alone; so padding never leaks.

    Args:
        config: Channels C of both convolutions, and the subsampling.
        mels: Bands F of the input.
    """

    def __init__(self, config: ModelConfig, mels: int) -> None:
        super().__init__()
        self.mels = mels
        self.windows = convolution_windows(config)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(
                inputs,
                config.channels,
                (window.kernel, BAND_WINDOW.kernel),
                stride=(window.stride, BAND_WINDOW.stride),
                padding=(window.left, BAND_WINDOW.left),
            )
            for inputs, window in zip((1, config.channels), self.windows, strict=True)
        )
        self.outputs = config.channels * convolved_bands(mels)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Turns features (N, T, F) with lengths (N,) into (N, S, C · bands) with their lengths."""
        x = features.masked_fill(~frame_mask(lengths, features.shape[1]).to(features.device)[..., None], 0)
        x = x[:, None]
        if x.device.type == "cpu":
            x = x.contiguous(memory_format=torch.channels_last)
        for convolution, window in zip(self.convolutions, self.windows, strict=True):
            x = torch.relu(convolution(x))
            lengths = torch.from_numpy(window.output_length(lengths.numpy()))
            x = x * frame_mask(lengths, x.shape[2]).to(x.device)[:, None, :, None]
        return _columns(x), lengths

    def start(self, streams: int) -> Buffers:
        """The buffers (N, channels, n, bands) of both convolutions before the first frame."""
        first, _ = self._layers
        sizes = ((1, self.mels), (first.out_channels, BAND_WINDOW.output_length(self.mels)))
        return tuple(
            opening(window, first.weight.new_zeros(streams, channels, 1, bands), 2)
            for window, (channels, bands) in zip(self.windows, sizes, strict=True)
        )

    def step(self, features: Tensor, held: Buffers, ending: bool) -> tuple[Tensor, Buffers]:
        """Goes on with streams by features (N, T, F); outputs (N, S, C · bands), and the new buffers."""
        x = features[:, None]
        kept = []
        for layer, window, before in zip(self._layers, self.windows, held, strict=True):
            seen, outputs, rest = extended(window, before, x, 2, ending)
            kept.append(rest)
            x = seen.new_zeros(len(seen), layer.out_channels, 0, BAND_WINDOW.output_length(seen.shape[3]))
            if outputs:
                padding = (0, BAND_WINDOW.left)
                y = nn.functional.conv2d(seen, layer.weight, layer.bias, layer.stride, padding)
                x = torch.relu(y)
        return _columns(x), tuple(kept)

    @property
    def _layers(self) -> tuple[nn.Conv2d, ...]:
        return tuple(cast(nn.Conv2d, layer) for layer in self.convolutions)


def _columns(x: Tensor) -> Tensor:
    """Channels and bands (N, C, S, bands) of every frame side by side (N, S, C · bands)."""
    return x.permute(0, 2, 3, 1).flatten(2)


class MaskedBatchNorm(nn.Module):
    """Batch norm over the frames of utterances (Ioffe and Szegedy, 2015); padding counts nowhere.

    A single frame has no deviation to divide by; in training, too, it is normalised by the running
    statistics, and leaves them as they are.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(size)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Normalises x (N, S, D); frames behind the lengths (N,) become zero."""
        mask = frame_mask(lengths, x.shape[1]).to(x.device)
        y = torch.zeros_like(x)
        y[mask] = self._normalized(x[mask])
        return y

    def _normalized(self, frames: Tensor) -> Tensor:
        norm = self.norm
        if self.training and len(frames) == 1:
            mean, variance = norm.running_mean, norm.running_var
            return nn.functional.batch_norm(frames, mean, variance, norm.weight, norm.bias, eps=norm.eps)
        y: Tensor = norm(frames)
        return y


class LayerNorm(nn.Module):
    """Layer norm of every frame by itself (Ba et al., 2016)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Normalises x (N, S, D)."""
        y: Tensor = self.norm(x)
        return y


class NoNorm(nn.Module):
    """Leaves everything as it is."""

    def __init__(self, size: int) -> None:
        super().__init__()

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Returns x."""
        return x


NORMS: dict[str, type[nn.Module]] = {"layer": LayerNorm, "batch": MaskedBatchNorm, "none": NoNorm}


class VariationalDropout(nn.Module):
    """Dropout with one mask per utterance, the same at all frames (Gal and Ghahramani, 2016)."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        """Drops units of x (N, S, D) in training, and scales the others up."""
        if not self.training or self.probability == 0:
            return x
        keep = 1 - self.probability
        mask = x.new_empty(x.shape[0], 1, x.shape[2]).bernoulli_(keep) / keep
        return x * mask


class Lookahead(nn.Module):
    """Lets every unit of a unidirectional stack see its own next frames (Wang et al., 2016).

    Args:
        size: Units D.
        window: From input to output frames: how far each output looks ahead.
    """

    def __init__(self, size: int, window: Window) -> None:
        super().__init__()
        self.window = window
        self.convolution = nn.Conv1d(size, size, kernel_size=window.kernel, groups=size, bias=False)
        with torch.no_grad():
            self.convolution.weight.zero_()
            self.convolution.weight[:, :, 0] = 1.0

    def forward(self, x: Tensor) -> Tensor:
        """Mixes x (N, S, D), which must be zero behind each utterance, with its future."""
        padded = nn.functional.pad(x.transpose(1, 2), (0, self.window.right))
        y: Tensor = self.convolution(padded).transpose(1, 2)
        return y

    def step(self, x: Tensor, held: Tensor, ending: bool) -> tuple[Tensor, Tensor]:
        """Goes on with streams by x (N, S, D), from a buffer (N, n, D); outputs, and the new buffer."""
        seen, outputs, kept = extended(self.window, held, x, 1, ending)
        if not outputs:
            return x[:, :0], kept
        y: Tensor = self.convolution(seen.transpose(1, 2)).transpose(1, 2)
        return y, kept
