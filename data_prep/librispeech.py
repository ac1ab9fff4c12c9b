"""LibriSpeech: a thousand hours of books read aloud, 16 kHz, in seven parts that are its splits.

`dev-clean.tar.gz`, `train-clean-100.tar.gz` … hold one part each

    LibriSpeech/dev-clean/84/121123/84-121123-0000.flac       speaker, chapter
    LibriSpeech/dev-clean/84/121123/84-121123.trans.txt       the texts of a chapter:
        84-121123-0000 GO DO YOU HEAR
        84-121123-0001 BUT IN LESS THAN FIVE MINUTES THE STAIRCASE GROANED

Text is upper case without punctuation, as given. Splits keep their names: train-clean-100, test-other …
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from asr.audio.source import SUFFIXES
from asr.data.manifest import Utterance
from asr.errors import AsrError
from data_prep import prepared
from data_prep.common import Skip, lines_of, recorded, refuse
from data_prep.splitting import unrepeated

ORDER = ("train-clean-100", "train-clean-360", "train-other-500", "dev-clean", "dev-other", "test-clean")


def splits(corpus_dir: Path, skip: Skip = refuse) -> dict[str, Iterator[Utterance]]:
    """Gives a split for each part that is there; see `data_prep.common` for the contract.

    Raises:
        AsrError: If there are no transcripts as in LibriSpeech.
    """
    if found := prepared.manifests(corpus_dir):
        return prepared.splits(found, skip)
    parts: dict[str, list[Path]] = {}
    for path in sorted(corpus_dir.rglob("*-*.trans.txt")):
        parts.setdefault(path.parents[2].name, []).append(path)
    if not parts:
        raise AsrError(
            f"{corpus_dir}: this does not look like LibriSpeech: no dev-clean/84/121123/84-121123.trans.txt "
            "or the like; give the folder 'LibriSpeech' or archives, for example dev-clean.tar.gz"
        )
    known = sorted(parts, key=lambda part: (ORDER.index(part) if part in ORDER else len(ORDER), part))
    return {part: unrepeated(_utterances(parts[part], skip), skip) for part in known}


def _utterances(transcripts: list[Path], skip: Skip) -> Iterator[Utterance]:
    for transcript in transcripts:
        unread = {
            path.stem: path
            for path in sorted(transcript.parent.iterdir())
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
        }
        for _, line in lines_of(transcript):
            name, _, text = line.partition(" ")
            path = unread.pop(name, None)
            if path is None:
                skip("text without a recording", f"{transcript}: {name}")
            else:
                yield from recorded(name, path, text, skip, speaker=name.partition("-")[0])
        for path in unread.values():
            skip("recording without a text", str(path))
