"""What is tried out, each in a process of its own; an exception here is a finding of the one above."""

from __future__ import annotations

import json
import os
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from asr.doctor.findings import Finding

FORMATS = (
    ("WAV", "PCM_16"),
    ("FLAC", "PCM_16"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
)
RATE = 16_000
KERNELS = {
    "features": "asr.audio.log_mel_kernel",
    "normalisation": "asr.audio.running_kernel",
    "search": "asr.decode.search.kernel",
    "alignment": "asr.decode.align_kernel",
}
CODE_CACHE = "export NUMBA_CACHE_DIR=~/.cache/asr  # or another folder that can be written"
CACHE = "export ASR_CACHE_DIR=~/asr-cache  # or another folder that can be written"
DOUBLING = b64decode("CAg6NQoOCgF4CgF4EgF5IgNBZGQSAWdaDwoBeBIKCggIARIECgIIAmIPCgF5EgoKCAgBEgQKAggCQgQKABAN")
"""The smallest graph (ONNX): two floats x, and y = x + x."""


def audio(_: str) -> Iterator[Finding]:
    """Writes and reads a tone in every format."""
    import numpy as np
    import soundfile

    newer = "pip install -U soundfile"
    yield Finding("audio", "libsndfile", "good", soundfile.__libsndfile_version__)
    sound = (0.3 * np.sin(2 * np.pi * 440 / RATE * np.arange(RATE))).astype(np.float32)
    for kind, subtype in FORMATS:
        name, needed = subtype if kind == "OGG" else kind, kind == "WAV"
        if subtype not in soundfile.available_subtypes(kind):
            state = "broken" if needed else "missing"
            yield Finding("audio", name.lower(), state, "not in this libsndfile", newer, needed)  # type: ignore[arg-type]
        elif (problem := _difference(sound, kind, subtype)) is not None:
            yield Finding("audio", name.lower(), "broken", problem, newer, needed)
        else:
            yield Finding("audio", name.lower(), "good", "written and read")
    yield _video()


def kernels(_: str) -> Iterator[Finding]:
    """Looks at the machine code that is stored, and computes features."""
    import numpy as np

    from asr.audio.features import log_mel
    from asr.config import FeatureConfig

    for name, module in KERNELS.items():
        yield _stored(f"stored code for {name}", module)
    yield _kept()
    start = time.perf_counter()
    features = log_mel(np.random.default_rng(0).standard_normal(RATE).astype(np.float32), FeatureConfig())
    fine = features.shape == (98, 80) and bool(np.isfinite(features).all())
    text = f"first computed in {time.perf_counter() - start:.1f} s" if fine else "wrong values"
    yield Finding("kernels", "log-mel features", "good" if fine else "broken", text, needed=True)
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        text = "NUMBA_DISABLE_JIT is set, so nothing is compiled and everything is slow"
        yield Finding("kernels", "compiling", "note", text, "unset NUMBA_DISABLE_JIT")


def onnx(_: str) -> Iterator[Finding]:
    """Runs a graph of one addition."""
    import numpy as np
    import onnxruntime

    session = onnxruntime.InferenceSession(DOUBLING, providers=["CPUExecutionProvider"])
    (result,) = session.run(None, {"x": np.array([1, 2.5], np.float32)})
    fine = result.tolist() == [2, 5]
    text = f"onnxruntime {onnxruntime.__version__} {'computes' if fine else 'computes wrong values'}"
    yield Finding("engines", "onnx", "good" if fine else "broken", text, needed=not fine)


def torch(_: str) -> Iterator[Finding]:
    """Runs an LSTM, which torch hands on to other libraries."""
    import torch

    torch.manual_seed(0)
    with torch.inference_mode():
        result, _state = torch.nn.LSTM(8, 8)(torch.ones(4, 2, 8))
    fine = bool(torch.isfinite(result).all())
    gpu = f"with {torch.cuda.get_device_name()}" if torch.cuda.is_available() else "without a GPU"
    threads = f"{torch.get_num_threads()} threads"
    text = f"torch {torch.__version__} {'computes' if fine else 'computes wrong values'}, {threads}, {gpu}"
    yield Finding("engines", "torch", "good" if fine else "broken", text)


def microphone(_: str) -> Iterator[Finding]:
    """Looks for microphones; none is opened."""
    try:
        import sounddevice
    except OSError:
        text, remedy = "PortAudio is not installed", "apt install libportaudio2  # or your system's package"
        yield Finding("microphone", "sounddevice", "missing", text, remedy)
        return
    version = sounddevice.get_portaudio_version()[1].partition(",")[0]
    names = [one["name"] for one in sounddevice.query_devices() if one["max_input_channels"]]
    if names:
        yield Finding("microphone", "sounddevice", "good", f"{version}: {', '.join(names[:5])}")
    else:
        yield Finding("microphone", "sounddevice", "missing", f"{version} finds no microphone; plug one in")


def model(folder: str) -> Iterator[Finding]:
    """Transcribes a second of noise."""
    import numpy as np

    from asr.errors import AsrError
    from asr.recognize.recognizer import load

    start = time.perf_counter()
    try:
        recognizer = load(Path(folder))
        recognizer.transcribe_samples(
            0.01 * np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
        )
    except AsrError as error:
        yield Finding("models", folder, "broken", " ".join(str(error).removeprefix(f"{folder}: ").split()))
        return
    way = "torch" if "torch" in sys.modules else "ONNX Runtime"
    took = time.perf_counter() - start
    yield Finding("models", folder, "good", f"transcribes, with {way}; {took:.1f} s from its start on")


def _stored(name: str, module: str) -> Finding:
    from asr.compiled import stored

    try:
        found = stored(import_module(module))
    except (RuntimeError, OSError):
        text = "no folder can be written, so every process compiles anew, which takes seconds"
        return Finding("kernels", name, "note", text, CODE_CACHE)
    text = f"{found.files} files in {found.folder}"
    if found.damaged:
        text += f"; {len(found.damaged)} damaged, and compiled again when next needed"
    return Finding("kernels", name, "note" if found.damaged else "good", text)


def _kept() -> Finding:
    from asr.cache import cache_folder
    from asr.errors import RunError
    from asr.files import write_atomically

    folder, name = cache_folder(), "language models made ready"
    try:
        write_atomically(folder / "trial.txt", "")
        (folder / "trial.txt").unlink()
        sizes = [file.stat().st_size for ending in ("*.lm", "*.graph") for file in folder.glob(ending)]
    except (RunError, OSError):
        return Finding("kernels", name, "note", f"{folder} cannot be written: starts take longer", CACHE)
    return Finding("kernels", name, "good", f"{len(sizes)} files, {sum(sizes) / 1e6:.0f} MB in {folder}")


def _difference(sound, kind: str, subtype: str) -> str | None:  # type: ignore[no-untyped-def]
    """What is wrong with a sound that was written and read; None if nothing is."""
    import io

    import numpy as np
    import soundfile

    from asr.audio.io import load_bytes
    from asr.errors import AudioError

    file = io.BytesIO()
    try:
        soundfile.write(file, sound, RATE, format=kind, subtype=subtype)
        heard = load_bytes(file.getvalue(), kind)
    except (AudioError, soundfile.LibsndfileError) as error:
        return " ".join(str(error).split())
    strength = np.abs(np.fft.rfft(heard[: len(sound)]))
    hz = float(strength.argmax()) * RATE / len(sound)
    return None if abs(hz - 440) < 5 else f"a tone of 440 Hz comes back as one of {hz:.0f} Hz"


def _video() -> Finding:
    if find_spec("av") is None:
        text, remedy = "needs PyAV, which is not installed", "pip install 'recurrent-asr[video]'"
        return Finding("audio", "m4a, video", "missing", text, remedy)
    import av

    av.Codec("aac", "r")
    return Finding("audio", "m4a, video", "good", f"PyAV {av.__version__} reads AAC")


TRIALS: dict[str, Callable[[str], Iterator[Finding]]] = {
    "audio": audio,
    "kernels": kernels,
    "onnx": onnx,
    "torch": torch,
    "microphone": microphone,
    "model": model,
}


def main(name: str, given: str) -> None:
    """Runs a trial, and prints its findings as JSON on the last line."""
    found = [asdict(one) for one in TRIALS[name](given)]
    sys.stdout.write("\n" + json.dumps(found) + "\n")
