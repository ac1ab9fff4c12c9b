"""Whole recordings against PocketSphinx: word error rates and CPU time, utterance by utterance, in one run.

    python3 -m venv peers && peers/bin/pip install -r benchmarks/peers.txt
    ASR_DATA=… python -m benchmarks.transcription --peers peers/bin/python [--model FOLDER] [--json FILE]

Every utterance of a split is heard by everyone in turn, so that a busy machine slows all alike. The project
runs without torch, on one thread, in all ways that the model has: best path (not where tokens are phones,
which are no words), beam, beam with the lexicon alone, and with the language model, which is the default.
References and hypotheses go through one normaliser.
AN4 is in the training data of the English model, though its test speakers are not; PocketSphinx knows nothing
of it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.common import command  # isort: skip

from asr.audio.io import load_audio
from asr.bundle import load_bundle
from asr.config import DecodingConfig
from asr.data.manifest import Utterance, read_manifest, split_path
from asr.models import OFFLINE, shipped
from asr.progress import counter
from asr.recognize.language import SOUND_ALONE, Language
from asr.recognize.recognizer import load
from asr.recognize.scoring import Scored, bootstrap, report, score
from asr.text.normalize import normalize
from benchmarks.recognizers.contestants import RATE, Contestant, Ours, Sphinx
from benchmarks.streams.material import Samples

SPLITS = ("librispeech/test-clean-a", "commonvoice/test", "speechocean762/test", "an4/test")
NORMALIZER = "lower_words"
REQUIRED = 10.0
"""Times less CPU than PocketSphinx."""


@dataclass(frozen=True, slots=True)
class Row:
    """How one contestant did on one split.

    Attributes:
        split, name: Which.
        wer: Per cent, with the ends of its 95 % interval (bootstrap over speakers).
        least, greatest: These ends.
        substitutions, deletions, insertions, reference: Words.
        seconds: CPU seconds for each second of audio.
        times_less: CPU time of PocketSphinx for each of this one's.
    """

    split: str
    name: str
    wer: float
    least: float
    greatest: float
    substitutions: int
    deletions: int
    insertions: int
    reference: int
    seconds: float
    times_less: float | None = None

    def __str__(self) -> str:
        """A line of the table."""
        errors = f"{self.substitutions} / {self.deletions} / {self.insertions}"
        less = "" if self.times_less is None else f"{self.times_less:6.1f}x less (required {REQUIRED:g}x)"
        return (
            f"{self.split:<26} {self.name:<22} {self.wer:6.2f} % ({self.least:.2f}–{self.greatest:.2f})  "
            f"{errors:<18} of {self.reference:<6} {self.seconds:.4f} CPU-s/s  {less}"
        )


def measure(arguments: argparse.Namespace) -> list[Row]:
    """Hears all splits."""
    model = arguments.model or shipped(OFFLINE)
    data = arguments.data or Path(os.environ["ASR_DATA"])
    contestants: list[Contestant] = [*_ours(model, arguments.engine)]
    with TemporaryDirectory() as folder:
        sphinx = Sphinx(arguments.peers, Path(folder)) if arguments.peers else None
        rows: list[Row] = []
        try:
            for split in arguments.splits:
                utterances = read_manifest(split_path(data, split))[:: arguments.every]
                rows += of_split(split, utterances, [*contestants, *([sphinx] if sphinx else [])])
        finally:
            if sphinx:
                sphinx.close()
    return rows


def _ours(model: Path, engine: str) -> list[Ours]:
    """The ways of decoding that a model has."""
    bundle, search = load_bundle(model, weights=False), DecodingConfig()
    ways: dict[str, tuple[Language, DecodingConfig | None]] = {}
    if not bundle.tokenizer.units.sounds:
        ways |= {"best path": (SOUND_ALONE, None), "beam": (SOUND_ALONE, search)}
    if bundle.language is not None:
        lexicon = {"beam, lexicon": (Language(alpha=0.0, beta=0.0), search)} if bundle.words else {}
        ways |= lexicon | {"beam + LM": (Language(), None)}
    return [
        Ours(name, load(model, engine=engine, language=language, decoding=decoding))
        for name, (language, decoding) in ways.items()
    ]


def of_split(split: str, utterances: Sequence[Utterance], contestants: Sequence[Contestant]) -> list[Row]:
    """Everyone's row of a split; the last contestant is who the others are compared with."""
    scored: list[list[Scored]] = [[] for _ in contestants]
    seconds = [0.0 for _ in contestants]
    for contestant in contestants:
        contestant.hear(_samples(utterances[0]))  # what is compiled or read but once does not count
    with counter(split, len(utterances)) as advance:
        for one in utterances:
            samples = _samples(one)
            reference = normalize(one.text, NORMALIZER)
            for place, contestant in enumerate(contestants):
                text, spent = contestant.hear(samples)
                seconds[place] += spent
                found = score(one.id, one.speaker, reference, normalize(text, NORMALIZER), one.duration)
                scored[place].append(found)
            advance(1)
    duration = sum(one.duration for one in utterances)
    peer = seconds[-1] if isinstance(contestants[-1], Sphinx) else None
    rows = []
    for contestant, results, spent in zip(contestants, scored, seconds, strict=True):
        words, interval = report(results).words, bootstrap(results)
        row = Row(
            split=split,
            name=contestant.name,
            wer=100 * words.rate,
            least=100 * interval.low,
            greatest=100 * interval.high,
            substitutions=words.substitutions,
            deletions=words.deletions,
            insertions=words.insertions,
            reference=words.reference,
            seconds=spent / duration,
            times_less=peer / spent if peer and isinstance(contestant, Ours) else None,
        )
        rows.append(row)
        print(row, flush=True)
    return rows


def _samples(one: Utterance) -> Samples:
    return load_audio(one.audio, sample_rate=RATE, start=one.start, duration=one.duration)


def main() -> int:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description="Word error rates and CPU time against PocketSphinx.")
    parser.add_argument("--data", type=Path, help="folder of the corpora (default: ASR_DATA)")
    parser.add_argument("--model", type=Path, help="model folder (default: the English one that comes along)")
    parser.add_argument("--engine", default="auto", help="what computes")
    parser.add_argument("--peers", type=Path, help="interpreter of an environment with PocketSphinx")
    parser.add_argument("--splits", nargs="+", default=list(SPLITS), help="what is heard")
    parser.add_argument("--every", type=int, default=1, help="hear every so many utterances only")
    return command("transcription", parser, measure)


if __name__ == "__main__":
    raise SystemExit(main())
