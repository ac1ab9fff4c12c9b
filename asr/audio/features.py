"""Log-mel features: what the acoustic model sees of a recording.

A frame is 400 samples under a periodic Hann window, zero-padded to 512; frames start 160 samples
apart and never reach beyond the recording. Power spectra are pooled in 80 mel bands (Slaney's scale
and norm, as in the Auditory Toolbox, 1998) and compressed by the natural logarithm above a floor.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from asr.audio.mel import framing, hann, mel_filters
from asr.config import FeatureConfig

Number = TypeVar("Number", bound=np.generic)


def log_mel(samples: NDArray[np.float32], config: FeatureConfig) -> NDArray[np.float32]:
    """Computes the log-mel features of a whole recording.

    Args:
        samples: Audio (n,) in -1 … 1 at `config.sample_rate`.
        config: Frame length, hop and bands.

    Returns:
        Natural-log mel energies (T, F) with T = ``framing(config).output_length(n)``.
    """
    return log_mels([samples], config)[0]


def log_mels(recordings: Sequence[NDArray[np.float32]], config: FeatureConfig) -> list[NDArray[np.float32]]:
    """Computes what `log_mel` gives for each of some recordings (n_i,), to the last bit.

    Where they are short, that is faster than one by one. The features (T_i, F) are parts of one array.
    """
    from asr.audio.log_mel_kernel import mel_energies  # not above: it imports numba

    counts = [framing(config).output_length(len(samples)) for samples in recordings]
    begins = accumulate(map(len, recordings), initial=0)
    starts = [begin + config.hop * np.arange(count) for begin, count in zip(begins, counts, strict=False)]
    features = mel_energies(joined(recordings), joined(starts), config)
    np.maximum(features, np.float32(config.floor), out=features)
    np.log(features, out=features)
    ends = list(accumulate(counts, initial=0))
    return [features[first:last] for first, last in pairwise(ends)]


def advance_log_mel(
    pending: NDArray[np.float32], samples: NDArray[np.float32], config: FeatureConfig
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Computes the frames that a further block of a stream completes.

    They are the same to the last bit, however the stream is cut into blocks.

    Args:
        pending: The samples that earlier blocks left over; empty at the start of a stream.
        samples: The next samples (n,), any number of them.
        config: Frame length, hop and bands.

    Returns:
        The new frames (T, F), and the samples to pass as `pending` next time.
    """
    stream = np.concatenate([pending, samples]) if len(pending) else samples
    features = log_mel(stream, config)
    return features, stream[framing(config).first(len(features)) :].copy()


def joined(arrays: Sequence[NDArray[Number]]) -> NDArray[Number]:
    """Arrays one behind the other; a single one is not copied."""
    return np.concatenate(arrays) if len(arrays) > 1 else arrays[0]


def reference_log_mel(samples: NDArray[np.float32], config: FeatureConfig) -> NDArray[np.float64]:
    """The definition of `log_mel`, in numpy and double precision: slow, and all frames at once.

    The two agree within 1e-5 in bands up to 40 dB below the loudest of the same frame. Fainter ones hold
    the rounding of single precision, and the difference grows tenfold with every 20 dB.

    Returns:
        What `log_mel` returns, as float64 (T, F).
    """
    if len(samples) < config.window:
        return np.empty((0, config.mels))
    frames = np.lib.stride_tricks.sliding_window_view(samples, config.window)[:: config.hop]
    spectrum = np.fft.rfft(frames * hann(config.window).astype(np.float64), n=config.fft)
    mel = np.abs(spectrum) ** 2 @ mel_filters(config).astype(np.float64)
    return np.asarray(np.log(np.maximum(mel, config.floor)))
