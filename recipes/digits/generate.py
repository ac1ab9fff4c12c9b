"""Makes a corpus of spoken digit strings, in many voices, out of nothing.

    python recipes/digits/generate.py --to data/digits

writes `train`, `dev` and `test`, each a folder of FLAC files (16 kHz) with a `manifest.jsonl`. The words are
the eleven of telephone numbers, "zero" to "nine" and "oh"; a string has one to seven of them. No voice and no
string stands in two splits. The same seed gives the same corpus.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from asr.audio.io import AudioSource
from asr.audio.resample import resample
from asr.data.manifest import Utterance, write_manifest
from asr.errors import AsrError
from asr.progress import track

SAMPLE_RATE = 16_000
WORDS = ("zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LONGEST = 7  # words
ACCENTS = ("en-us", "en", "en-gb-scotland", "en-gb-x-rp", "en-029", "en-us-nyc")
LOW = ("m1", "m2", "m4", "m5", "m7", "Andy", "Lee", "adam", "max", "michel", "quincy", "robert", "victor")
HIGH = ("f1", "f3", "f5", "Annie", "belinda", "grandma", "linda", "shelby")
VARIANTS = {  # of eSpeak NG's voices; whispers, robots and those that clip are left out
    "train": (*LOW, *HIGH, "klatt3"),
    "dev": ("m6", "Reed", "f4", "steph"),
    "test": ("m3", "m8", "croak", "f2", "aunty", "edward"),
}
SPEEDS = (120, 200)  # words per minute
PITCHES = (25, 75)  # of 0 to 99
MARGINS = (0.05, 0.3)  # seconds of near-silence before and after
FLOOR = 1e-3  # its deviation, full scale being 1
STOPPED = "the synthesizer stopped unexpectedly; install espeakng-loader anew"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a corpus depends on: utterances per split, and the seed."""

    train: int
    dev: int
    test: int
    seed: int


@dataclass(frozen=True, slots=True)
class Speaking:
    """One utterance to be spoken; voice, speed and pitch are those of eSpeak NG."""

    text: str
    voice: str
    speed: int
    pitch: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """Samples (n,) at 16 kHz, and begin and end of each word in seconds, None where they are not known."""

    samples: NDArray[np.float32]
    words: tuple[tuple[float, float], ...] | None


Plan = Callable[[str, int, int], Iterator[Speaking]]
"""What is said in a split: its name, how many utterances, the seed."""


class Speaker:
    """The other process, which speaks; see speak.py."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._header()

    def say(self, speaking: Speaking) -> Spoken:
        """Speaks one text. Raises AsrError if it cannot."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(asdict(speaking)).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise AsrError(STOPPED) from None
        header = self._header()
        content = self._process.stdout.read(2 * int(header["samples"]))
        samples = np.frombuffer(content, "<i2").astype(np.float32) / np.float32(32768)
        rate, words = int(header["sample_rate"]), header["words"]
        seconds = None if words is None else tuple((begin / rate, end / rate) for begin, end in words)
        return Spoken(resample(samples, rate, SAMPLE_RATE), seconds)

    def _header(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        header = json.loads(line) if line else {"error": STOPPED}
        if "error" in header:
            raise AsrError(header["error"])
        return dict(header)


@contextmanager
def speaker() -> Iterator[Speaker]:
    """Starts the process that speaks, and ends it."""
    command = [sys.executable, str(Path(__file__).with_name("speak.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield Speaker(process)
        finally:
            process.kill()


def split_of(text: str, seed: int) -> str:
    """Says which split a string may stand in: a tenth of all strings each for dev and test."""
    bucket = hashlib.sha256(f"{seed} {text}".encode()).digest()[0] * 10 // 256
    return {0: "test", 1: "dev"}.get(bucket, "train")


def plan(split: str, count: int, seed: int) -> Iterator[Speaking]:
    """Draws what is said in a split, and by whom."""
    draw = random.Random(f"{seed} {split}")
    while count:
        text = " ".join(draw.choices(WORDS, k=draw.randint(1, LONGEST)))
        if split_of(text, seed) == split:
            voice = f"{draw.choice(ACCENTS)}+{draw.choice(VARIANTS[split])}"
            yield Speaking(text, voice, draw.randint(*SPEEDS), draw.randint(*PITCHES))
            count -= 1


def with_margins(spoken: Spoken, noise: np.random.Generator) -> Spoken:
    """Puts near-silence before and after, and the same faint noise under the speech."""
    before, after = (int(SAMPLE_RATE * seconds) for seconds in noise.uniform(*MARGINS, size=2))
    padded = np.pad(spoken.samples, (before, after))
    noisy = np.clip(padded + FLOOR * noise.standard_normal(len(padded), np.float32), -1, 32767 / 32768)
    shift, words = before / SAMPLE_RATE, spoken.words
    return Spoken(noisy, words and tuple((begin + shift, end + shift) for begin, end in words))


def generate(folder: Path, settings: Settings, plan: Plan = plan) -> None:
    """Speaks all splits into `folder`, which must exist. Raises AsrError without a synthesizer."""
    counts = {"train": settings.train, "dev": settings.dev, "test": settings.test}
    planned = [(split, speaking) for split, n in counts.items() for speaking in plan(split, n, settings.seed)]
    spoken: dict[str, list[Utterance]] = {split: [] for split in counts}
    noise = np.random.default_rng(settings.seed)
    with speaker() as other:
        for split, speaking in track(planned, "speaking"):
            samples = with_margins(other.say(speaking), noise).samples
            name = f"{split}-{len(spoken[split]):04d}"
            path = folder / split / f"{name}.flac"
            path.parent.mkdir(exist_ok=True)
            soundfile.write(path, samples, SAMPLE_RATE, subtype="PCM_16")
            duration = round(len(samples) / SAMPLE_RATE, 4)
            utterance = Utterance(name, AudioSource(path), duration, speaking.text, speaker=speaking.voice)
            spoken[split].append(utterance)
    for split, utterances in spoken.items():
        write_manifest(folder / split / "manifest.jsonl", utterances)
    (folder / "settings.json").write_text(json.dumps(asdict(settings)) + "\n")


def is_there(folder: Path, settings: Settings) -> bool:
    """Says whether this very corpus was made before. Raises AsrError if something else is there."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    stored = folder / "settings.json"
    if stored.is_file() and stored.read_text() == json.dumps(asdict(settings)) + "\n":
        return True
    raise AsrError(f"{folder}: something else is there; remove it or choose another --to")


def main(
    arguments: list[str] | None = None, plan: Plan = plan, what: str = "digit strings", train: int = 600
) -> int:
    """Generates a corpus as the command line says; 0 is success, 2 something the user can mend.

    Args:
        arguments: Those of the command line, if others.
        plan: Says what is spoken; recipes/german has another one.
        what: Names it in the help text.
        train: How many utterances to train on, if the command line does not say it.
    """
    parser = argparse.ArgumentParser(description=f"Makes a corpus of spoken {what} in many voices.")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="folder to make")
    for split, count in (("train", train), ("dev", 60), ("test", 100)):
        parser.add_argument(f"--{split}", type=int, default=count, help=f"utterances (default {count})")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other speech (default 0)")
    chosen = parser.parse_args(arguments)
    settings = Settings(chosen.train, chosen.dev, chosen.test, chosen.seed)
    try:
        if min(settings.train, settings.dev, settings.test) < 1:
            raise AsrError("--train, --dev and --test must be at least 1")
        if is_there(chosen.to, settings):
            print(f"{chosen.to} is there already", file=sys.stderr)
            return 0
        chosen.to.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{chosen.to.name}.", dir=chosen.to.parent) as aside:
            made = Path(aside) / "made"
            made.mkdir()
            generate(made, settings, plan)
            if chosen.to.exists():
                chosen.to.rmdir()  # it is empty: `is_there` looked
            made.replace(chosen.to)
    except (AsrError, OSError, soundfile.LibsndfileError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: nothing was written", file=sys.stderr)
        return 130
    print(f"{chosen.to}: {settings.train} + {settings.dev} + {settings.test} utterances", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
