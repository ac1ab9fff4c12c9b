"""Who takes part: the project in several ways of decoding, and PocketSphinx in a process of its own."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import soundfile

from asr.errors import RunError
from asr.recognize.recognizer import Recognizer
from benchmarks.streams.material import Samples

WORKER = Path(__file__).with_name("sphinx_worker.py")
RATE = 16_000


class Contestant(Protocol):
    """Writes down what an utterance says."""

    name: str

    def hear(self, samples: Samples) -> tuple[str, float]:
        """The text of samples (n,) at 16 kHz, and the CPU seconds that it took."""
        ...


@dataclass(frozen=True, slots=True)
class Ours:
    """A recogniser of the project, features included."""

    name: str
    recognizer: Recognizer

    def hear(self, samples: Samples) -> tuple[str, float]:
        """See Contestant."""
        start = time.process_time()
        text = self.recognizer.transcribe_samples(samples).text
        return text, time.process_time() - start


class Sphinx:
    """PocketSphinx; samples reach it as a file.

    Args:
        python: Interpreter of an environment that has it.
        folder: For that file.
    """

    def __init__(self, python: Path, folder: Path) -> None:
        pipe = subprocess.PIPE
        self._file = folder / "utterance.wav"
        self._process = subprocess.Popen([str(python), str(WORKER)], stdin=pipe, stdout=pipe, text=True)
        self.name = f"pocketsphinx {self._answer()['version']}"

    def hear(self, samples: Samples) -> tuple[str, float]:
        """See Contestant."""
        soundfile.write(self._file, samples, RATE, subtype="PCM_16")
        assert self._process.stdin
        self._process.stdin.write(json.dumps(str(self._file)) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        return str(answer["text"]), float(answer["seconds"])

    def close(self) -> None:
        """Ends its process."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(60)

    def _answer(self) -> dict[str, object]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RunError("PocketSphinx has ended; install it there: pip install -r benchmarks/peers.txt")
        answer: dict[str, object] = json.loads(line)
        return answer
