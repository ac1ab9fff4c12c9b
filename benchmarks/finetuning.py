"""What ten minutes of one voice do for a model, and what they cost elsewhere.

    python -m benchmarks.finetuning --data DATA --model MODEL --out runs/lj            train, choose by dev
    python -m benchmarks.finetuning --data DATA --model MODEL --out runs/lj --report   report, once

LJSpeech in the order of its manifest: the first ten minutes train, the next ten choose, and the rest is
heard with --report alone, which trains nothing. Old speech is that of the English recipes: all but the
development speakers is replayed; eight minutes of those of each corpus tell what is forgotten, and with
--report the test splits do. OUT/splits has the manifests; OUT is the run (see asr finetune --help).

Required of the English base: a relative gain of 15 % with an interval that excludes 0, and a loss elsewhere,
over all old speech together, of one point at most. It holds with --set runs=3.
"""

from __future__ import annotations

from benchmarks.common import write_json  # isort: skip  (sets the number of threads)

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from asr.audio.io import AudioSource
from asr.bundle import LEXICON
from asr.data.manifest import Utterance, read_manifest, write_manifest
from asr.errors import AsrError
from asr.recognize.comparison import Gain
from asr.recognize.language import Language
from asr.recognize.scoring import report
from asr.text.error_rate import ErrorCounts
from asr.train.before_after import Comparison, compare_models, format_gain
from asr.train.finetune import FineTuningOptions, run_finetuning
from asr.train.material import FineTuning

VOICE = "ljspeech/train.jsonl"
TRAIN_MINUTES, DEV_MINUTES = 10.0, 10.0
OLD_DEV_MINUTES = 8.0
"""Of each corpus."""

OLD_TEST = (
    "librispeech/test-clean-a.jsonl",
    "commonvoice/test/manifest.jsonl",
    "speechocean762/test.jsonl",
    "an4/test/manifest.jsonl",
)
REQUIRED_GAIN, MOST_LOST = 0.15, 1.0


@dataclass(frozen=True, slots=True)
class Result:
    """A set before and after.

    Attributes:
        name: Of the set.
        before, after: Errors.
        gain: In relation to those before.
    """

    name: str
    before: ErrorCounts
    after: ErrorCounts
    gain: Gain


@dataclass(frozen=True, slots=True)
class Splits:
    """Manifests: a voice in three parts, and old speech to replay and to watch."""

    train: str
    dev: str
    rest: str
    replay: tuple[str, ...]
    old_dev: tuple[str, ...]


def in_minutes(utterances: Iterable[Utterance], minutes: Sequence[float]) -> list[list[Utterance]]:
    """Cuts utterances, in their order, into parts of so many minutes, and a last one of the rest.

    A part ends before the utterance that would make it longer than it may be.
    """
    parts: list[list[Utterance]] = [[]]
    seconds = 0.0
    for utterance in utterances:
        while len(parts) <= len(minutes) and seconds + utterance.duration > 60 * minutes[len(parts) - 1]:
            parts.append([])
            seconds = 0.0
        parts[-1].append(utterance)
        seconds += utterance.duration
    return parts + [[] for _ in range(len(minutes) + 1 - len(parts))]


def spread(utterances: Sequence[Utterance], minutes: float) -> list[Utterance]:
    """Every so-maniest utterance, so that they are together about so many minutes."""
    total = sum(utterance.duration for utterance in utterances) / 60
    step = max(1, round(total / minutes))
    return list(utterances[::step])


def write_part(path: Path, utterances: Sequence[Utterance]) -> str:
    """Writes a part of a manifest; where recordings are in a tar file, a link to it comes beside it."""
    archives = {one.audio.path.resolve() for one in utterances if one.audio.member}
    path.parent.mkdir(parents=True, exist_ok=True)
    for archive in archives:
        link = path.with_suffix(".tar")
        link.unlink(missing_ok=True)
        link.symlink_to(archive)
        utterances = [replace(one, audio=AudioSource(link, one.audio.member)) for one in utterances]
    write_manifest(path, utterances)
    return str(path)


def write_splits(data: Path, folder: Path) -> Splits:
    """Writes all manifests that are needed. Raises ManifestError if the data folder lacks one."""
    minutes = TRAIN_MINUTES, DEV_MINUTES
    parts = in_minutes(read_manifest(data / VOICE), minutes)
    voice = [
        write_part(folder / f"{name}.jsonl", part)
        for name, part in zip(("voice-train", "voice-dev", "voice-rest"), parts, strict=True)
    ]
    agreed = json.loads((data / "dev_speakers.json").read_text(encoding="utf-8"))
    replay, old_dev = [], []
    for corpus, entry in sorted(agreed.items()):
        utterances = read_manifest(data / entry["manifest"])
        watched = [one for one in utterances if one.speaker in entry["speakers"]]
        others = [one for one in utterances if one.speaker not in entry["speakers"]]
        replay.append(write_part(folder / f"{corpus}-replay.jsonl", others))
        old_dev.append(write_part(folder / f"{corpus}-dev.jsonl", spread(watched, OLD_DEV_MINUTES)))
    return Splits(*voice, tuple(replay), tuple(old_dev))


def trained(chosen: argparse.Namespace, splits: Splits) -> Comparison:
    """Fine-tunes the model, and compares both on the sets to choose by."""
    wanted = FineTuning(
        model=str(chosen.model),
        train=(splits.train,),
        dev=(splits.dev,),
        replay=splits.replay,
        old_dev=splits.old_dev,
        lexicon=chosen.lexicon,
        replay_share=chosen.share,
        freeze=chosen.freeze,
    )
    options = FineTuningOptions(chosen.out, tuple(chosen.set), "auto", chosen.resume)
    return run_finetuning(wanted, options).comparison


def reported(chosen: argparse.Namespace, splits: Splits) -> Comparison:
    """Compares the model with the one that is in OUT, on the rest of the voice and on test splits."""
    sets = {"new test": read_manifest(Path(splits.rest))}
    sets |= {path.rsplit("/manifest")[0]: read_manifest(chosen.data / path) for path in OLD_TEST}
    models = chosen.model, chosen.out / "bundle"
    lexicons = (Path(chosen.lexicon) if chosen.lexicon else models[0] / LEXICON, models[1] / LEXICON)
    languages = [Language(lexicon=path) if path.is_file() else None for path in lexicons]
    return compare_models(models, sets, languages, torch.device("cpu"), chosen.out / "report")


def verdict(comparison: Comparison) -> str:
    """Says whether what is required holds: on the new set, and on all the others together."""
    new, *others = comparison.sets.values()
    before = [one for other in others for one in other.before.scored]
    after = [one for other in others for one in other.after.scored]
    lost = 100 * (report(after).words.rate - report(before).words.rate)
    enough = new.gain.relative >= REQUIRED_GAIN and new.gain.low > 0
    return (
        f"gain {format_gain(new.gain)}; required: {100 * REQUIRED_GAIN:.0f} % and an interval above 0: "
        f"{'holds' if enough else 'does not hold'}\n"
        f"loss elsewhere {lost:+.2f} points; required: {MOST_LOST:.0f} at most: "
        f"{'holds' if lost <= MOST_LOST else 'does not hold'}"
    )


def main() -> int:
    """Fine-tunes or reports, as the command line says; 2 is something that a person can mend."""
    parser = argparse.ArgumentParser(description="Ten minutes of one voice: what they give, what they cost.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--model", type=Path, required=True, help="model folder to begin with")
    parser.add_argument("--out", type=Path, required=True, help="run folder to write")
    parser.add_argument("--lexicon", default="", help="for models that write phones, if it is not theirs")
    parser.add_argument("--freeze", type=int, default=0, help="parts that stay as they are, from below")
    parser.add_argument("--share", type=float, default=0.5, help="share of old speech (default 0.5)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as in asr finetune")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    parser.add_argument("--report", action="store_true", help="train nothing; hear the rest and test splits")
    parser.add_argument("--json", type=Path, help="write the results here")
    chosen = parser.parse_args()
    try:
        splits = write_splits(chosen.data, chosen.out / "splits")
        comparison = (reported if chosen.report else trained)(chosen, splits)
    except AsrError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.status
    print(comparison.table())
    print(verdict(comparison))
    if chosen.json:
        rows = [
            Result(name, one.before.words, one.after.words, one.gain) for name, one in comparison.sets.items()
        ]
        write_json(chosen.json, "finetuning", rows)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
