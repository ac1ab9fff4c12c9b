"""Every corpus and every layout that can be prepared, by the name that the command line knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from asr.data.manifest import Utterance
from asr.errors import AsrError, did_you_mean
from data_prep import (
    an4,
    audiofolder,
    common_voice,
    deepspeech_csv,
    deepspeech_pytorch,
    folder,
    fsdd,
    kaldi,
    librispeech,
    ljspeech,
    published,
    speech_commands,
    speechocean762,
    yesno,
)
from data_prep.common import Skip
from data_prep.download import Archive


@dataclass(frozen=True, slots=True)
class Corpus:
    """What can be prepared.

    Attributes:
        splits: Reads it; see `data_prep.common` for the contract.
        archives: What can be downloaded.
        terms: Source and licence, written beside the manifests; empty where the corpus brings its own.
        tables: Suffixes of single files that may be given in place of a folder.
    """

    splits: Callable[[Path, Skip], dict[str, Iterator[Utterance]]]
    archives: tuple[Archive, ...] = ()
    terms: str = ""
    tables: tuple[str, ...] = ()


CORPORA = {
    "an4": Corpus(an4.splits, published.AN4),
    "common_voice": Corpus(common_voice.splits, terms=published.COMMON_VOICE_TERMS),
    "fsdd": Corpus(fsdd.splits, published.FSDD, published.FSDD_TERMS),
    "librispeech": Corpus(librispeech.splits, published.LIBRISPEECH, published.LIBRISPEECH_TERMS),
    "ljspeech": Corpus(ljspeech.splits, published.LJSPEECH, published.LJSPEECH_TERMS),
    "speech_commands": Corpus(
        speech_commands.splits, published.SPEECH_COMMANDS, published.SPEECH_COMMANDS_TERMS
    ),
    "speechocean762": Corpus(speechocean762.splits, published.SPEECHOCEAN762, published.SPEECHOCEAN762_TERMS),
    "yesno": Corpus(yesno.splits, published.YESNO),
    "folder": Corpus(folder.splits),
    "kaldi": Corpus(kaldi.splits),
    "deepspeech_csv": Corpus(deepspeech_csv.splits, tables=(".csv",)),
    "deepspeech_pytorch": Corpus(deepspeech_pytorch.splits, tables=(".json", ".csv")),
    "audiofolder": Corpus(audiofolder.splits, tables=(".csv", ".jsonl")),
}


def corpus_name(written: str) -> str:
    """The name of a corpus, written with hyphens or underscores. Raises AsrError if it is not known."""
    name = written.lower().replace("-", "_")
    if name not in CORPORA:
        raise AsrError(f"unknown corpus {written!r}{did_you_mean(name, CORPORA)}")
    return name


def archives_of(corpus: str, parts: tuple[str, ...]) -> tuple[Archive, ...]:
    """The archives to download for some parts of a corpus; without parts its only one.

    Raises:
        AsrError: If nothing of it can be downloaded, a part is not known, or a choice must be made.
    """
    known = {archive.part: archive for archive in CORPORA[corpus].archives}
    if not known:
        raise AsrError(f"{corpus} has no public address; give a folder or an archive with --from")
    if not parts and len(known) > 1:
        raise AsrError(f"{corpus} has several parts; name some after --download: {', '.join(known)}")
    for part in parts:
        if part not in known:
            raise AsrError(f"{corpus} has no part {part!r}{did_you_mean(part, known)}")
    return tuple(known[part] for part in dict.fromkeys(parts or tuple(known)))
