"""Log-mel features: what the acoustic model sees of a recording.

A frame is 400 samples under a periodic Hann window, zero-padded to 512; frames start 160 samples
apart and never reach beyond the recording. Power spectra are pooled in 80 mel bands (Slaney's scale
and norm, as in the Auditory Toolbox, 1998) and compressed by the natural logarithm above a floor.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asr.audio.mel import framing, hann, mel_filters
from asr.config import FeatureConfig


def log_mel(samples: NDArray[np.float32], config: FeatureConfig) -> NDArray[np.float32]:
    """Computes the log-mel features of a whole recording.

    Args:
        samples: Audio (n,) in -1 … 1 at `config.sample_rate`.
        config: Frame length, hop and bands.

    Returns:
        Natural-log mel energies (T, F) with T = ``framing(config).output_length(n)``.
    """
    features, _ = advance_log_mel(np.empty(0, np.float32), samples, config)
    return features


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
    from asr.audio.log_mel_kernel import mel_energies  # not above: it imports numba

    window = framing(config)
    stream = np.concatenate([pending, samples]) if len(pending) else samples
    frames = window.output_length(len(stream))
    features = mel_energies(stream, config.hop * np.arange(frames), config)
    np.maximum(features, np.float32(config.floor), out=features)
    np.log(features, out=features)
    return features, stream[window.first(frames) :].copy()


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
