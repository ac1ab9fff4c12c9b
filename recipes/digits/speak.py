"""A process that speaks: text in on standard input, samples out on standard output.

    python recipes/digits/speak.py

Each request is a line of JSON, ``{"text": "three oh", "voice": "en-us+f2", "speed": 170, "pitch": 50}``, with
`speed` in words per minute and `pitch` from 0 to 99. Each answer is a line of JSON,
``{"samples": 31000, "sample_rate": 22050}``, then that many little-endian 16-bit samples. The first line out
names the synthesizer. Instead of either line, ``{"error": …}`` says in words what is wrong.

The synthesizer, eSpeak NG, is under the GPL, hence this process of its own: nothing else here loads it, and
nothing of this toolkit is loaded into it. It comes with the wheel `espeakng-loader`; where that is missing,
the program `espeak-ng` is run once per request.
"""

from __future__ import annotations

import ctypes
import io
import json
import shutil
import subprocess
import sys
import wave
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# From eSpeak NG's speak_lib.h.
RETURN_WHEN_SPOKEN = 2
NO_EXIT_ON_ERROR = 0x8000
RATE, PITCH = 1, 3
UTF8 = 1
SEED = 1
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


@dataclass(frozen=True, slots=True)
class Request:
    """What to say and how; the fields are those of the module's docstring."""

    text: str
    voice: str
    speed: int
    pitch: int


@dataclass(frozen=True, slots=True)
class Speech:
    """16-bit little-endian samples and their rate in Hz."""

    samples: bytes
    sample_rate: int


class SynthesizerError(Exception):
    """The synthesizer is missing, or cannot say what was asked."""


@dataclass(frozen=True, slots=True)
class Synthesizer:
    """A way of speaking: its name, and the function that speaks."""

    name: str
    say: Callable[[Request], Speech]


def started() -> tuple[Any, int] | None:
    """Loads and starts the library of the wheel `espeakng-loader`; None where it is not installed.

    Returns:
        The library, and the sample rate of its speech in Hz.

    Raises:
        SynthesizerError: If it is installed but does not start.
    """
    try:
        import espeakng_loader
    except ImportError:
        return None
    try:
        library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path()
    except (OSError, RuntimeError) as error:
        raise SynthesizerError(f"espeakng-loader does not load ({error}); install it anew") from None
    sample_rate = library.espeak_Initialize(RETURN_WHEN_SPOKEN, 0, data.encode(), NO_EXIT_ON_ERROR)
    if sample_rate <= 0:
        raise SynthesizerError("espeakng-loader does not start; install it anew")
    return library, sample_rate


def from_wheel() -> Synthesizer | None:
    """Speaks with the library of the wheel; None where it is not installed. Raises as `started`."""
    if (ready := started()) is None:
        return None
    library, sample_rate = ready
    received = bytearray()

    @CALLBACK
    def receive(samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            received.extend(ctypes.string_at(samples, 2 * count))
        return 0

    library.espeak_SetSynthCallback(receive)

    def say(request: Request) -> Speech:
        assert receive is not None  # kept alive as long as the library may call it
        if library.espeak_SetVoiceByName(request.voice.encode()) != 0:
            raise SynthesizerError(f"no voice {request.voice!r} in espeakng-loader")
        library.espeak_SetParameter(RATE, request.speed, 0)
        library.espeak_SetParameter(PITCH, request.pitch, 0)
        library.espeak_ng_SetRandSeed(SEED)  # of the breath noise that some voices have
        received.clear()
        text = request.text.encode()
        failed = library.espeak_Synth(text, len(text) + 1, 0, 1, 0, UTF8, None, None)
        if failed or library.espeak_Synchronize():
            raise SynthesizerError(f"eSpeak NG cannot say {request.text!r}")
        return Speech(bytes(received), sample_rate)

    return Synthesizer("espeakng-loader", say)


def from_program() -> Synthesizer | None:
    """Runs the program `espeak-ng` once per request; None where it is not on the PATH."""
    program = shutil.which("espeak-ng")
    if program is None:
        return None

    def say(request: Request) -> Speech:
        manner = ["-v", request.voice, "-s", str(request.speed), "-p", str(request.pitch)]
        command = [program, *manner, "--stdout", "--stdin"]
        done = subprocess.run(command, input=request.text.encode(), capture_output=True, check=False)
        if done.returncode != 0 or not done.stdout:
            raise SynthesizerError(f"espeak-ng: {done.stderr.decode(errors='replace').strip()}")
        with wave.open(io.BytesIO(done.stdout)) as file:
            # Written to a pipe, the header's length is a guess: the samples end where the output ends.
            return Speech(file.readframes(len(done.stdout)), file.getframerate())

    return Synthesizer(program, say)


def main() -> int:
    """Answers requests until standard input ends."""
    answers = sys.stdout.buffer

    def answer(content: bytes = b"", **header: str | int) -> None:
        answers.write(json.dumps(header).encode() + b"\n" + content)
        answers.flush()

    try:
        synthesizer = from_wheel() or from_program()
        if synthesizer is None:
            raise SynthesizerError("no speech synthesizer; pip install 'recurrent-asr[demo]'")
        answer(synthesizer=synthesizer.name)
        for line in sys.stdin:
            speech = synthesizer.say(Request(**json.loads(line)))
            answer(speech.samples, samples=len(speech.samples) // 2, sample_rate=speech.sample_rate)
    except SynthesizerError as error:
        answer(error=str(error))
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
