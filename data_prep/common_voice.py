"""Common Voice: sentences read by volunteers, in a hundred languages; one archive for each language.

`cv-corpus-17.0-2024-03-15-en.tar.gz` and the like, from the Mozilla Data Collective, hold

    cv-corpus-17.0-2024-03-15/en/train.tsv       a table with a header; dev.tsv and test.tsv too:
        client_id  path                       sentence                 …  locale
        d59478f…   common_voice_en_1234.mp3   A sentence, as printed.  …  en
    cv-corpus-17.0-2024-03-15/en/clips/common_voice_en_1234.mp3

The first release, of 2017 and in English alone, holds

    cv_corpus_v1/cv-valid-train.csv              filename,text,up_votes,down_votes,age,gender,accent,duration
        cv-valid-train/sample-000000.mp3,without the dataset the article is useless,1,0,,,,
    cv_corpus_v1/cv-valid-train/sample-000000.mp3

and does not name its speakers. Text is as given; clips that none of the three tables names are not used.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from asr.data.manifest import Utterance
from asr.errors import AsrError
from data_prep import prepared
from data_prep.common import Skip, recorded, refuse
from data_prep.tables import Column, rows
from data_prep.texts import clean

SPLITS = ("train", "dev", "test")
_COLUMNS = (
    Column(("path",)),
    Column(("sentence",)),
    Column(("client_id",), required=False),
    Column(("locale",), required=False),
)


def splits(corpus_dir: Path, skip: Skip = refuse) -> dict[str, Iterator[Utterance]]:
    """Gives train, dev and test of one language; see `data_prep.common` for the contract.

    Raises:
        AsrError: If the folder is not Common Voice, or holds several languages.
    """
    if found := prepared.manifests(corpus_dir):
        return prepared.splits(found, skip)
    languages = _folders_with(corpus_dir, "test.tsv", "train.tsv")
    if len(languages) > 1:
        names = ", ".join(path.name for path in languages)
        raise AsrError(f"{corpus_dir}: holds several languages ({names}); give the folder of one")
    for root in languages:
        tables = {split: root / f"{split}.tsv" for split in SPLITS}
        return {split: _clips(path, skip) for split, path in tables.items() if path.is_file()}
    for root in _folders_with(corpus_dir, "cv-valid-test.csv", "cv-valid-train.csv"):
        tables = {split: root / f"cv-valid-{split}.csv" for split in SPLITS}
        return {split: _first_release(path, skip) for split, path in tables.items() if path.is_file()}
    raise AsrError(
        f"{corpus_dir}: this does not look like Common Voice: no train.tsv or test.tsv; give the folder of a "
        "language, for example cv-corpus-17.0-2024-03-15/en, or its archive"
    )


def _folders_with(corpus_dir: Path, *names: str) -> list[Path]:
    found = [path for name in names for above in ("", "*/", "*/*/") for path in corpus_dir.glob(above + name)]
    return sorted({path.parent for path in found})


def _clips(table: Path, skip: Skip) -> Iterator[Utterance]:
    for row in rows(table, _COLUMNS, "\t"):
        name, sentence, speaker, language = row.cells
        path = PurePosixPath(name if PurePosixPath(name).suffix else f"{name}.mp3")
        clip = table.parent / "clips" / path
        yield from recorded(path.stem, clip, clean(sentence), skip, speaker=speaker, language=language)


def _first_release(table: Path, skip: Skip) -> Iterator[Utterance]:
    for row in rows(table, (Column(("filename",)), Column(("text",))), ","):
        name, text = row.cells
        identity = PurePosixPath(name).with_suffix("").as_posix()
        yield from recorded(identity, table.parent / name, clean(text), skip, language="en")
