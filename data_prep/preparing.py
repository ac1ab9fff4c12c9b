"""Preparing a corpus: unpack, read, write aside, and put in place when all of it is ready."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from asr.data.manifest import Utterance
from asr.errors import AsrError
from asr.progress import console, say, track
from data_prep import folder, prepared
from data_prep.archive import unpack
from data_prep.catalog import CORPORA
from data_prep.download import Archive, fetch
from data_prep.writing import (
    Counts,
    Target,
    commit,
    copy_notices,
    need_empty,
    staging,
    write_split,
    write_terms,
)

LISTED = 10  # of the things left out, of each kind


@dataclass(frozen=True, slots=True)
class Job:
    """What the command line asks for; all paths are absolute.

    Attributes:
        corpus: A name of `data_prep.catalog`.
        sources: One folder or table, or archives; empty where archives are downloaded.
        archives: What to download.
        downloads: Where downloaded archives stay.
        to: Where the manifests go.
        copy: Whether recordings are copied there from a folder.
        fractions: Shares of the speech for dev and test, where the corpus has no splits.
    """

    corpus: str
    sources: tuple[Path, ...]
    archives: tuple[Archive, ...]
    downloads: Path
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
    packed = _check(job)
    archives = [*job.sources, *(_download(one, job.downloads) for one in job.archives)] if packed else []
    left_out = LeftOut()
    with staging(job.to) as aside:
        target = Target(job.to, aside / "ready", "move" if packed else "copy" if job.copy else "leave")
        target.aside.mkdir()
        corpus_dir = aside / "unpacked" if packed else job.sources[0]
        alone = len(archives) == 1
        unpacked = {corpus_dir if alone else corpus_dir / archive.name: archive for archive in archives}
        try:
            for place, archive in unpacked.items():
                place.mkdir(parents=True)
                _unpack(archive, place)
            counts = _write(job, corpus_dir, target, left_out)
        except AsrError as error:
            raise type(error)(_named(str(error), unpacked)) from None
        finally:
            for line in left_out.lines():
                say(_shortened(line, [*unpacked, corpus_dir]))
        if target.placing != "leave":
            for place in unpacked or [corpus_dir]:
                copy_notices(place, target)
        write_terms(CORPORA[job.corpus].terms, target)
        commit(target)
    return counts


def _check(job: Job) -> bool:
    """Says whether the job begins with archives. Raises AsrError if it cannot be done at all."""
    for source in job.sources:
        if not source.exists():
            raise AsrError(f"{source}: no such folder or archive; check --from")
    tables = CORPORA[job.corpus].tables
    plain = [source for source in job.sources if source.is_dir() or source.suffix in tables]
    if plain and len(job.sources) > 1:
        raise AsrError(f"{plain[0]}: --from takes one folder, or archives; leave out the others")
    if len({source.name for source in job.sources}) < len(job.sources):
        raise AsrError(f"{job.sources[0].name}: two archives of one name after --from; leave out one")
    if not plain or job.copy:
        need_empty(job.to)
    if job.to.exists() and not job.to.is_dir():
        raise AsrError(f"{job.to}: not a folder; choose another --to")
    return not plain


def _download(archive: Archive, folder: Path) -> Path:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.file.isatty()) as progress:
        bar = progress.add_task(f"downloading {archive.name}", total=None)
        path = fetch(archive, folder, lambda done, total: progress.update(bar, completed=done, total=total))
    checked = "its checksum is right" if archive.checksum else "no checksum is published for it"
    say(f"{path}: {path.stat().st_size} bytes, {checked}; it stays there until you remove it")
    return path


def _unpack(archive: Path, to: Path) -> None:
    with Progress(console=console, disable=not console.file.isatty()) as progress:
        bar = progress.add_task(f"unpacking {archive.name}", total=None)
        unpack(archive, to, lambda done, total: progress.update(bar, completed=done, total=total))


def _named(text: str, unpacked: Mapping[Path, Path]) -> str:
    """Names the archive instead of the folder that it was unpacked to."""
    for place, archive in unpacked.items():
        text = text.replace(str(place), str(archive))
    return text


def _shortened(line: str, places: Iterable[Path]) -> str:
    for place in places:
        line = line.replace(f"{place}/", "")
    return line


def _write(job: Job, corpus_dir: Path, target: Target, left_out: LeftOut) -> list[Counts]:
    if corpus_dir == job.to and prepared.manifests(corpus_dir):
        raise AsrError(f"{job.to}: prepared already; use it, or remove its manifests to prepare it anew")
    splits = {  # all are read before the first recording is moved: another split may need it as well
        split: list(track(utterances, f"reading {split}"))
        for split, utterances in _splits(job, corpus_dir, left_out).items()
    }
    if not any(splits.values()):
        raise AsrError(f"{corpus_dir}: nothing that can be used; see what was left out")
    for split, found in splits.items():
        if not found:
            say(f"no utterances for the split {split!r}")
    return [write_split(split, found, target) for split, found in splits.items() if found]


def _splits(job: Job, corpus_dir: Path, left_out: LeftOut) -> dict[str, Iterator[Utterance]]:
    """The corpus's own splits; if it has only one, and fractions are asked for, it is divided."""
    if job.corpus == "folder":
        return folder.splits(corpus_dir, left_out.add, job.fractions)
    splits = CORPORA[job.corpus].splits(corpus_dir, left_out.add)
    if job.fractions is None:
        return splits
    if len(splits) > 1:
        raise AsrError(f"{job.corpus} has its own splits; leave out --dev-fraction and --test-fraction")
    found = list(track(next(iter(splits.values())), "reading"))
    return {split: iter(chosen) for split, chosen in folder.divide(found, job.fractions).items()}
