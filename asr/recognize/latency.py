"""How long a stream waits before it can know: the latency that no computer makes shorter, from Windows."""

from __future__ import annotations

from dataclasses import dataclass

from asr.audio.mel import framing
from asr.audio.resample import Resampler
from asr.bundle import Bundle
from asr.model.lengths import convolution_windows
from asr.window import Window


@dataclass(frozen=True, slots=True)
class Latency:
    """What a sound waits for, from when it is heard until its emission frame can be computed, in seconds.

    Attributes:
        resampler: For the filter that changes the sample rate.
        frame: For the end of its feature frame, from the middle on.
        convolutions: For the frames after it that the convolutions see.
        lookahead: For those that the lookahead sees, or the rest of a chunk and its right context.
        block: For the last frame of the block in which all is computed, at most.
    """

    resampler: float
    frame: float
    convolutions: float
    lookahead: float
    block: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.resampler + self.frame + self.convolutions + self.lookahead + self.block

    def __str__(self) -> str:
        parts = {
            "resampler": self.resampler,
            "frame": self.frame,
            "convolutions": self.convolutions,
            "lookahead": self.lookahead,
            "block": self.block,
        }
        named = ", ".join(f"{name} {1000 * part:.0f}" for name, part in parts.items() if part)
        return f"{1000 * self.total:.0f} ms ({named})"


def latency_of(bundle: Bundle, window: Window, sample_rate: int, block_frames: int) -> Latency:
    """The latency of a model in a stream.

    Args:
        bundle: The model.
        window: From feature frames to emission frames, of the engine that runs it.
        sample_rate: That of the stream, in Hz.
        block_frames: Feature frames that are computed at once.
    """
    config = bundle.features
    frames = framing(config)
    first, second = convolution_windows(bundle.model)
    convolutions = first.then(second)
    hop = frames.stride / config.sample_rate
    return Latency(
        resampler=Resampler(sample_rate, config.sample_rate).lookahead / sample_rate,
        frame=frames.wait / config.sample_rate,
        convolutions=convolutions.wait * hop,
        lookahead=(window.wait - convolutions.wait) * hop,
        block=block_frames * hop,
    )
