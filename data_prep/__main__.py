"""Prepares a corpus: ``python -m data_prep an4 --from an4_raw.bigendian.tar.gz --to data/an4``.

Writes ``DIR/<split>/manifest.jsonl`` for each split. Recordings stay where they are unless they come out of
an archive, `--copy` is given, or they must be converted (headerless ones become FLAC).
"""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import Progress
from soundfile import LibsndfileError

from asr.data.manifest import Utterance
from asr.errors import AsrError, did_you_mean
from asr.progress import console, say, track
from data_prep import an4, folder, prepared, yesno
from data_prep.archive import unpack
from data_prep.writing import Counts, Target, commit, copy_notices, need_empty, staging, write_split

CORPORA = {"an4": an4, "folder": folder, "yesno": yesno}
LISTED = 10  # of the things left out, of each kind


@dataclass(frozen=True, slots=True)
class Job:
    """What the command line asks for; both paths are absolute."""

    corpus: str
    source: Path
    to: Path
    copy: bool
    fractions: folder.Fractions | None


@dataclass(slots=True)
class LeftOut:
    """Gathers what could not be used: what is wrong → with what."""

    names: dict[str, list[str]] = field(default_factory=dict)

    def add(self, problem: str, name: str) -> None:
        """Takes note of one thing; a `Skip`."""
        self.names.setdefault(problem, []).append(name)

    def lines(self) -> Iterator[str]:
        """Says how many of each kind were left out, and lists the first."""
        for problem, names in self.names.items():
            yield f"left out: {len(names)} x {problem}"
            yield from (f"  {name}" for name in names[:LISTED])
            if len(names) > LISTED:
                yield f"  and {len(names) - LISTED} more"


def prepare(job: Job) -> list[Counts]:
    """Does the job; nothing appears under `job.to` before all of it is ready. Raises AsrError."""
    if not job.source.exists():
        raise AsrError(f"{job.source}: no such folder or archive; check --from")
    archived = not job.source.is_dir()
    if archived or job.copy:
        need_empty(job.to)
    if job.to.exists() and not job.to.is_dir():
        raise AsrError(f"{job.to}: not a folder; choose another --to")
    left_out = LeftOut()
    with staging(job.to) as aside:
        target = Target(job.to, aside / "ready", "move" if archived else "copy" if job.copy else "leave")
        target.aside.mkdir()
        corpus_dir = aside / "unpacked" if archived else job.source
        try:
            if archived:
                corpus_dir.mkdir()
                _unpack(job.source, corpus_dir)
            counts = _write(job, corpus_dir, target, left_out)
        except AsrError as error:
            raise type(error)(str(error).replace(str(corpus_dir), str(job.source))) from None
        finally:
            for line in left_out.lines():
                say(line.replace(f"{corpus_dir}/", ""))
        if target.placing != "leave":
            copy_notices(corpus_dir, target)
        commit(target)
    return counts


def _unpack(archive: Path, to: Path) -> None:
    with Progress(console=console, disable=not console.file.isatty()) as progress:
        bar = progress.add_task(f"unpacking {archive.name}", total=None)
        unpack(archive, to, lambda done, total: progress.update(bar, completed=done, total=total))


def _write(job: Job, corpus_dir: Path, target: Target, left_out: LeftOut) -> list[Counts]:
    if prepared.manifests(corpus_dir) and corpus_dir == job.to:
        raise AsrError(f"{job.to}: prepared already; use it, or remove its manifests to prepare it anew")
    if job.corpus == "folder":
        splits = folder.splits(corpus_dir, left_out.add, job.fractions)
    else:
        splits = CORPORA[job.corpus].splits(corpus_dir, left_out.add)
    counts = []
    for split, utterances in splits.items():
        found = list(_watched(split, utterances))
        if found:
            counts.append(write_split(split, found, target))
        else:
            say(f"no utterances for the split {split!r}")
    if not counts:
        raise AsrError(f"{corpus_dir}: nothing that can be used; see what was left out")
    return counts


def _watched(split: str, utterances: Iterator[Utterance]) -> Iterator[Utterance]:
    yield from track(utterances, f"reading {split}")


def table(counts: list[Counts]) -> str:
    """Shows the size of each split."""
    lines = [f"{'split':16}{'utterances':>12}{'hours':>9}{'speakers':>10}{'words':>9}"]
    for one in counts:
        speakers = str(one.speakers or "?")
        lines.append(f"{one.split:16}{one.utterances:12}{one.seconds / 3600:9.3f}{speakers:>10}{one.words:9}")
    return "\n".join(lines)


def parse(arguments: list[str] | None = None) -> Job:
    """Reads the command line. Raises AsrError if the corpus is not known."""
    parser = argparse.ArgumentParser(
        prog="python -m data_prep", description="Prepares a corpus for training."
    )
    parser.add_argument("corpus", metavar="CORPUS", help=", ".join(CORPORA))
    parser.add_argument("--from", dest="source", type=Path, required=True, metavar="DIR_OR_ARCHIVE")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="where the manifests go")
    parser.add_argument("--copy", action="store_true", help="copy the recordings to DIR as well")
    only = "folder only: share of the speech for"
    parser.add_argument("--dev-fraction", type=float, metavar="X", help=f"{only} dev (default 0)")
    parser.add_argument("--test-fraction", type=float, metavar="X", help=f"{only} test (default 0.1)")
    chosen = parser.parse_args(arguments)
    if chosen.corpus not in CORPORA:
        raise AsrError(f"unknown corpus {chosen.corpus!r}{did_you_mean(chosen.corpus, CORPORA)}")
    given = {"dev": chosen.dev_fraction, "test": chosen.test_fraction}
    given = {name: value for name, value in given.items() if value is not None}
    if given and chosen.corpus != "folder":
        raise AsrError(f"{chosen.corpus} has its own splits; leave out --dev-fraction and --test-fraction")
    fractions = folder.Fractions(**given) if given else None
    return Job(chosen.corpus, chosen.source.resolve(), chosen.to.resolve(), chosen.copy, fractions)


def main(arguments: list[str] | None = None) -> int:
    """Prepares a corpus; 0 is success, 2 something the user can mend, 130 an interruption."""
    try:
        job = parse(arguments)
        counts = prepare(job)
    except AsrError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (OSError, LibsndfileError) as error:
        print(f"error: {error}; nothing was written", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: nothing was written", file=sys.stderr)
        return 130
    say(table(counts))
    first = next(
        path
        for path in (job.to / counts[0].split / "manifest.jsonl", job.to / f"{counts[0].split}.jsonl")
        if path.exists()
    )
    print(f"asr check {shlex.quote(str(first))}")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that nothing half-made stays behind
    raise SystemExit(main())
