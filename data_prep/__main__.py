"""Prepares a corpus: ``python -m data_prep an4 --from an4_raw.bigendian.tar.gz --to data/an4``.

Writes ``DIR/<split>/manifest.jsonl`` for each split. Recordings stay where they are unless they come out of
an archive, `--copy` is given, or they must be converted (headerless ones become FLAC). With ``--download`` in
place of ``--from`` the publisher's archives are fetched first; an interrupted download goes on when the same
command is given again.
"""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from dataclasses import replace
from pathlib import Path

from soundfile import LibsndfileError

from asr.errors import AsrError
from asr.progress import say
from data_prep import cmudict, folder
from data_prep.catalog import CORPORA, archives_of, corpus_name
from data_prep.preparing import Job, prepare
from data_prep.writing import Counts


def table(counts: list[Counts]) -> str:
    """Shows the size of each split."""
    lines = [f"{'split':16}{'utterances':>12}{'hours':>9}{'speakers':>10}{'words':>9}"]
    for one in counts:
        speakers = str(one.speakers or "?")
        lines.append(f"{one.split:16}{one.utterances:12}{one.seconds / 3600:9.3f}{speakers:>10}{one.words:9}")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m data_prep", description="Prepares a corpus for training."
    )
    parser.add_argument("corpus", metavar="CORPUS", help=", ".join([*CORPORA, "cmudict"]))
    origin = parser.add_mutually_exclusive_group(required=True)
    what = "a folder, a table of it, or archives of the corpus"
    origin.add_argument("--from", dest="sources", type=Path, nargs="+", metavar="PATH", help=what)
    what = "fetch these parts of it from its publisher (the whole, if it has no parts)"
    origin.add_argument("--download", nargs="*", metavar="PART", help=what)
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="where the manifests go")
    parser.add_argument("--copy", action="store_true", help="copy the recordings to DIR as well")
    what = "where downloaded archives are kept (default: DIR-archives)"
    parser.add_argument("--archives", type=Path, metavar="DIR", help=what)
    parser.add_argument("--mirror", metavar="URL", help="download from this folder of a web server instead")
    only = "if the corpus has no splits: share of the speech for"
    parser.add_argument("--dev-fraction", type=float, metavar="X", help=f"{only} dev (default 0)")
    parser.add_argument("--test-fraction", type=float, metavar="X", help=f"{only} test (default 0.1)")
    return parser


def parse(arguments: list[str] | None = None) -> Job:
    """Reads the command line. Raises AsrError if the corpus is not known, or options do not go together."""
    chosen = _parser().parse_args(arguments)
    corpus, to = corpus_name(chosen.corpus), chosen.to.resolve()
    if chosen.sources and (chosen.archives or chosen.mirror):
        raise AsrError("--archives and --mirror go with --download; leave out --from, or leave them out")
    archives = archives_of(corpus, tuple(chosen.download)) if chosen.sources is None else ()
    if chosen.mirror:
        if not chosen.mirror.startswith(("http://", "https://")):
            raise AsrError(
                f"--mirror {chosen.mirror!r}: an address begins with http:// or https://; write it so"
            )
        folder_url = chosen.mirror.rstrip("/")
        archives = tuple(replace(one, url=f"{folder_url}/{one.name}") for one in archives)
    given = {"dev": chosen.dev_fraction, "test": chosen.test_fraction}
    given = {name: value for name, value in given.items() if value is not None}
    return Job(
        corpus,
        tuple(source.resolve() for source in chosen.sources or ()),
        archives,
        (chosen.archives or to.with_name(f"{to.name}-archives")).resolve(),
        to,
        chosen.copy,
        folder.Fractions(**given) if given else None,
    )


def _interrupted(job: Job | None) -> str:
    """What an interruption left: nothing, except for archives that were being downloaded."""
    kept = (
        [path for archive in job.archives for path in job.downloads.glob(f"{archive.name}*")] if job else []
    )
    size = sum(path.stat().st_size for path in kept)
    goes_on = (
        f"; {job.downloads} keeps {size} bytes, and the same command goes on from there"
        if job and size
        else ""
    )
    return f"interrupted: nothing was written{goes_on}"


def main(arguments: list[str] | None = None) -> int:
    """Prepares a corpus; 0 is success, 2 something the user can mend, 130 an interruption."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["cmudict"]:  # no corpus, but a lexicon
        return cmudict.main(given[1:])
    job = None
    try:
        job = parse(given)
        counts = prepare(job)
    except AsrError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (OSError, LibsndfileError) as error:
        print(f"error: {error}; nothing was written", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(_interrupted(job), file=sys.stderr)
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
