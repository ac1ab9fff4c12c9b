"""Log-mel features against librosa and torchaudio: one thread, CPU time, the same frames.

    python -m benchmarks.features [--json FILE] [--rounds 9]

The peers frame by the transform length (512); their input is padded by 56 zeros on either side, so that
all three compute the same frames, and the largest difference between the results is printed too.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import Row, Work, faster, print_rows, time_rounds, write_json  # isort: skip

import librosa
import numpy as np
import torch
import torchaudio
from numpy.typing import NDArray

from asr.audio.features import advance_log_mel, log_mel
from asr.config import FeatureConfig
from asr.environment import processor

CONFIG = FeatureConfig()
SECONDS = 10
UTTERANCES = 20
BLOCK = int(0.16 * CONFIG.sample_rate)
PAD = (CONFIG.fft - CONFIG.window) // 2

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Peer:
    """Another implementation, what it has to be beaten by, and its log-mel of padded samples."""

    name: str
    required: float
    log_mel: Callable[[Samples], Samples]


def librosa_log_mel(samples: Samples) -> Samples:
    """Log-mel by librosa, as its documentation writes it."""
    mel = librosa.feature.melspectrogram(
        y=samples,
        sr=CONFIG.sample_rate,
        n_fft=CONFIG.fft,
        win_length=CONFIG.window,
        hop_length=CONFIG.hop,
        n_mels=CONFIG.mels,
        center=False,
    )
    return np.log(np.maximum(mel, CONFIG.floor)).T


def torchaudio_log_mel() -> Callable[[Samples], Samples]:
    """Log-mel by torchaudio, the transform made once."""
    torch.set_num_threads(1)
    transform = torchaudio.transforms.MelSpectrogram(
        sample_rate=CONFIG.sample_rate,
        n_fft=CONFIG.fft,
        win_length=CONFIG.window,
        hop_length=CONFIG.hop,
        n_mels=CONFIG.mels,
        center=False,
        norm="slaney",
        mel_scale="slaney",
    )

    @torch.inference_mode()
    def compute(samples: Samples) -> Samples:
        return transform(torch.from_numpy(samples)).clamp_(min=CONFIG.floor).log_().numpy().T

    return compute


def whole(peers: list[Peer], utterances: list[Samples], rounds: int) -> list[Row]:
    """Whole utterances, one at a time."""
    padded = [np.pad(samples, PAD) for samples in utterances]
    works = [Work("asr", lambda: [log_mel(samples, CONFIG) for samples in utterances])]
    works += [
        Work(peer.name, lambda peer=peer: [peer.log_mel(samples) for samples in padded]) for peer in peers
    ]
    return _rows(
        f"{SECONDS}-second utterances", SECONDS * UTTERANCES, works, [peer.required for peer in peers], rounds
    )


def blocks(peers: list[Peer], utterances: list[Samples], rounds: int) -> list[Row]:
    """The same in blocks of 160 ms, as in a stream; the peers are given the overlap for nothing."""
    starts = range(0, SECONDS * CONFIG.sample_rate - BLOCK - CONFIG.fft + 1, BLOCK)
    overlap = CONFIG.fft - CONFIG.hop
    cut = [samples[start : start + BLOCK + overlap] for samples in utterances for start in starts]

    def stream() -> None:
        for samples in utterances:
            pending = np.empty(0, np.float32)
            for start in starts:
                _, pending = advance_log_mel(pending, samples[start : start + BLOCK], CONFIG)

    works = [Work("asr", stream)]
    works += [Work(peer.name, lambda peer=peer: [peer.log_mel(samples) for samples in cut]) for peer in peers]
    return _rows("blocks of 160 ms", 0.16 * len(cut), works, [None for _ in peers], rounds)


def _rows(task: str, audio: float, works: list[Work], required: list[float | None], rounds: int) -> list[Row]:
    ours, *others = time_rounds(works, rounds)
    rows = [Row(task, ours.name, ours.median, audio / ours.median)]
    for timing, least in zip(others, required, strict=True):
        rate = audio / timing.median
        rows.append(Row(task, timing.name, timing.median, rate, faster(ours, timing, least)))
    return rows


def main() -> None:
    """Measures, prints a table, and writes JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the results here")
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    peers = [Peer("librosa", 2.5, librosa_log_mel), Peer("torchaudio", 1.3, torchaudio_log_mel())]
    generator = np.random.default_rng(0)
    size = (UTTERANCES, SECONDS * CONFIG.sample_rate)
    utterances = list((0.1 * generator.standard_normal(size)).astype(np.float32))
    print(f"{processor()}, one thread, {arguments.rounds} rounds")
    ours = log_mel(utterances[0], CONFIG)
    for peer in peers:
        difference = np.abs(peer.log_mel(np.pad(utterances[0], PAD)) - ours).max()
        print(f"largest difference from {peer.name}: {difference:.1e}")
    rows = [*whole(peers, utterances, arguments.rounds), *blocks(peers, utterances, arguments.rounds)]
    print_rows(rows)
    if arguments.json:
        write_json(arguments.json, "features", rows)


if __name__ == "__main__":
    main()
