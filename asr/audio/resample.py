"""Changing the sample rate: a polyphase filter that gives the same bits for any way of cutting the input.

Output ``i`` lies at input position ``i * down / up``, where ``up / down`` is the reduced ratio of the
rates. It is the sum of the inputs around that position, weighted by a sinc (the ideal low-pass filter)
under a Kaiser window (J. F. Kaiser, 1974; J. O. Smith, "Digital Audio Resampling", 2002). The weights
repeat every ``up`` outputs. Runs of consecutive outputs, called tiles, are one matrix product each, and
a tile always stands at the same place in a product of the same shape: so blocks equal the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, gcd

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Samples = NDArray[np.float32]

ZERO_CROSSINGS = 64  # of the sinc, on either side
CUTOFF = 0.95  # -6 dB point, as a share of half the lower rate
KAISER_BETA = 10.06  # 100 dB between pass band and stop band

_TILE = 64  # outputs of one matrix product row
_PRODUCT = 2048  # outputs of one matrix product, about
_AT_ONCE = 1 << 16  # outputs computed at once: bounds the memory


@dataclass(frozen=True, slots=True)
class ResamplerState:
    """Where a stream stands; plain values, so it can be stored and sent.

    Attributes:
        samples: Inputs that later outputs still need (n,).
        seen: Inputs so far, those included.
        done: Outputs so far.
    """

    samples: Samples
    seen: int = 0
    done: int = 0


@dataclass(frozen=True, slots=True)
class Resampler:
    """Turns samples at one rate into samples at another, whole or block by block, without delay in time.

    Flat within 0.001 dB up to 0.9 of half the lower rate; what lies above half the lower rate is
    at least 90 dB down. The state of a stream is outside, so one resampler serves many streams.

    Attributes:
        from_rate, to_rate: Hz, positive.
    """

    from_rate: int
    to_rate: int

    def __post_init__(self) -> None:
        if self.from_rate < 1 or self.to_rate < 1:
            raise ValueError(f"sample rates must be positive: {self}")

    @property
    def up(self) -> int:
        """Outputs per `down` inputs."""
        return self.to_rate // gcd(self.from_rate, self.to_rate)

    @property
    def down(self) -> int:
        """Inputs per `up` outputs."""
        return self.from_rate // gcd(self.from_rate, self.to_rate)

    @property
    def lookahead(self) -> int:
        """Inputs after its own position that an output waits for; 0 where the rates are equal."""
        return 0 if self.up == self.down else ceil(ZERO_CROSSINGS * max(1.0, self.from_rate / self.to_rate))

    @property
    def _period(self) -> int:
        """Outputs after which the weights repeat, at least a tile."""
        return ceil(_TILE / self.up) * self.up

    def output_length(self, inputs: int) -> int:
        """Counts the outputs of a whole recording: ``ceil(inputs * to_rate / from_rate)``."""
        return -(-inputs * self.up // self.down)

    def needed(self, outputs: int) -> int:
        """How many inputs must have arrived before so many outputs are given; the reverse of `advance`."""
        if self.up == self.down or outputs < 1:
            return max(outputs, 0)
        return self.lookahead + (outputs - 1) * self.down // self.up + 1

    def start(self) -> ResamplerState:
        """The state before the first input."""
        return ResamplerState(np.zeros(0, np.float32))

    def advance(self, state: ResamplerState, samples: Samples) -> tuple[Samples, ResamplerState]:
        """Takes the next inputs and gives the outputs that no later input can change.

        Args:
            state: From `start` or the last `advance`.
            samples: The next inputs (n,), finite.

        Returns:
            The next outputs (m,), and the new state.
        """
        if self.up == self.down:
            return samples, ResamplerState(
                state.samples, state.seen + len(samples), state.done + len(samples)
            )
        held = np.concatenate([state.samples, samples]) if len(state.samples) else samples
        seen = state.seen + len(samples)
        ready = max(state.done, -(-(seen - self.lookahead) * self.up // self.down))
        outputs = self._outputs(held, seen - len(held), state.done, ready)
        needed = ready * self.down // self.up - self.lookahead + 1
        drop = min(max(0, needed - (seen - len(held))), len(held))
        return outputs, ResamplerState(held[drop:].copy(), seen, ready)

    def finish(self, state: ResamplerState) -> Samples:
        """Gives the last outputs of a stream, with zeros for the inputs after its end."""
        if self.up == self.down:
            return state.samples
        first = state.seen - len(state.samples)
        return self._outputs(state.samples, first, state.done, self.output_length(state.seen))

    def _outputs(self, held: Samples, held_first: int, first: int, last: int) -> Samples:
        """Computes outputs `first` to `last` (exclusive) from inputs `held`, which begin at `held_first`."""
        rows = max(1, _PRODUCT // self._period)
        block = self._period * rows
        at_once = block * max(1, _AT_ONCE // block)
        result = np.empty(last - first, np.float32)
        for begin in range(first - first % block, last, at_once):
            end = min(begin + at_once, last)
            position = begin // self.up * self.down - held_first
            outputs = self._blocks(held, position, -(-(end - begin) // block), rows).ravel()
            result[max(begin, first) - first : end - first] = outputs[max(0, first - begin) : end - begin]
        return result

    def _blocks(self, held: Samples, position: int, blocks: int, rows: int) -> Samples:
        """Computes whole blocks of `rows` periods; output 0 lies at `held[position]`."""
        inputs, outputs = self._period // self.up * self.down, self._period
        reach = self.lookahead
        around = np.zeros(blocks * rows * inputs + 2 * reach, np.float32)
        first = position - reach
        source = held[max(0, first) : max(0, first + len(around))]
        around[max(0, -first) : max(0, -first) + len(source)] = source
        result = np.empty((blocks, rows, outputs), np.float32)
        for begin in range(0, outputs, _TILE):
            start, weights = _tile(self.up, self.down, begin, min(begin + _TILE, outputs))
            windows = sliding_window_view(around, len(weights))[start + reach :: inputs][: blocks * rows]
            stacked = np.ascontiguousarray(windows).reshape(blocks, rows, len(weights))
            np.matmul(stacked, weights, out=result[:, :, begin : begin + _TILE])
        return result


@lru_cache(maxsize=256)
def _tile(up: int, down: int, begin: int, end: int) -> tuple[int, Samples]:
    """Weights of outputs `begin` to `end` of a period: the first input they see, and (inputs, outputs)."""
    scale = min(1.0, up / down)
    reach = ceil(ZERO_CROSSINGS / scale)
    outputs = np.arange(begin, end, dtype=np.int64)
    base, phase = np.divmod(outputs * down, up)
    offsets = np.arange(1 - reach, reach + 1)
    time = (offsets - phase[:, None] / up) * scale  # in samples of the lower rate
    inside = np.clip(1 - (time / ZERO_CROSSINGS) ** 2, 0, None)
    taps = np.sinc(CUTOFF * time) * np.i0(KAISER_BETA * np.sqrt(inside)) * (inside > 0)
    taps /= taps.sum(axis=1, keepdims=True)  # a constant stays the same constant
    start = int(base[0]) + 1 - reach
    weights = np.zeros((int(base[-1]) + reach + 1 - start, end - begin), np.float32)
    weights[base[:, None] + offsets - start, (outputs - begin)[:, None]] = taps
    return start, weights


def resample(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """Changes the sample rate of a whole recording.

    Args:
        samples: Audio (n,) float32, finite.
        from_rate: Hz, positive.
        to_rate: Hz, positive.

    Returns:
        ``ceil(n * to_rate / from_rate)`` samples, float32; `samples` itself where the rates are equal.
    """
    if from_rate == to_rate:
        return samples
    resampler = Resampler(from_rate, to_rate)
    return resampler._outputs(samples, 0, 0, resampler.output_length(len(samples)))
