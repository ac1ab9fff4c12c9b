"""Any folder of recordings and their texts: `name.wav` with `name.txt`, or with a table of files and texts.

`data_prep.texts` says which tables. Where recordings lie in more than one folder, the folder names the
speaker, unless the table does. Splits are drawn by speaker where there are three or more, else by utterance,
in the order of a hash of the name, so that the same folder always gives the same splits.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from asr.audio.io import AudioSource, find_recordings
from asr.data.manifest import Utterance
from asr.errors import AsrError
from data_prep import prepared
from data_prep.common import Skip, measured, read_text, refuse
from data_prep.texts import Entry, clean, table_entries

ENOUGH_SPEAKERS = 3


@dataclass(frozen=True, slots=True)
class Fractions:
    """Shares of the speech that become the dev and the test split. Raises AsrError if they do not fit."""

    dev: float = 0.0
    test: float = 0.1

    def __post_init__(self) -> None:
        if min(self.dev, self.test) < 0 or self.dev + self.test > 1:
            raise AsrError(
                "--dev-fraction and --test-fraction must lie between 0 and 1, and so must their sum"
            )


def splits(
    corpus_dir: Path, skip: Skip = refuse, fractions: Fractions | None = None
) -> dict[str, Iterator[Utterance]]:
    """Gives train, and dev and test where asked for; see `data_prep.common` for the contract.

    Raises:
        AsrError: If there are no recordings or no texts, or fractions are given for a corpus that has splits.
    """
    if found := prepared.manifests(corpus_dir):
        if fractions is not None:
            raise AsrError(f"{corpus_dir}: split already; leave out --dev-fraction and --test-fraction")
        return prepared.splits(found, skip)
    divided = divide(list(_utterances(corpus_dir, skip)), fractions or Fractions())
    return {split: iter(utterances) for split, utterances in divided.items()}


def divide(utterances: list[Utterance], shares: Fractions) -> dict[str, list[Utterance]]:
    """Draws dev and test by speaker, or by utterance if there are fewer than three speakers."""
    by_speaker = len({one.speaker for one in utterances if one.speaker}) >= ENOUGH_SPEAKERS
    groups: dict[str, list[Utterance]] = {}
    for utterance in utterances:
        group = utterance.speaker if by_speaker and utterance.speaker else utterance.id
        groups.setdefault(group, []).append(utterance)
    total = sum(utterance.duration for utterance in utterances)
    wanted = {"test": shares.test * total, "dev": shares.dev * total, "train": float("inf")}
    divided: dict[str, list[Utterance]] = {"train": [], "dev": [], "test": []}
    names = sorted(groups, key=lambda name: hashlib.sha256(name.encode()).digest())
    for name in names:
        split = next(split for split, seconds in wanted.items() if seconds > 1e-6)
        if name == names[-1] and shares.dev + shares.test < 1 and not divided["train"]:
            split = "train"  # something is left to train on, however little there is
        divided[split] += groups[name]
        wanted[split] -= sum(utterance.duration for utterance in groups[name])
    return {split: sorted(chosen, key=lambda one: one.id) for split, chosen in divided.items() if chosen}


def _utterances(root: Path, skip: Skip) -> Iterator[Utterance]:
    recordings = find_recordings(root)
    several_folders = len({path.parent for path in recordings}) > 1
    texts = _texts(root, recordings, skip)
    if not texts:
        raise AsrError(
            f"{root}: no texts for its {len(recordings)} recordings; put name.txt beside each name.wav, "
            "or a metadata.csv with the columns file and text"
        )
    ids: set[str] = set()
    for path in recordings:
        name, entry = _name(path, root), texts.get(path)
        if entry is None:
            skip("recording without a text", str(path))
        elif name in ids:
            skip("recording with the name of another", str(path))
        elif not entry.text:
            skip("empty text", entry.where)
        elif duration := measured(AudioSource(path), skip):
            ids.add(name)
            speaker = path.parent.name if several_folders and path.parent != root else ""
            yield Utterance(name, AudioSource(path), duration, entry.text, speaker=entry.speaker or speaker)


def _texts(root: Path, recordings: list[Path], skip: Skip) -> dict[Path, Entry]:
    """Finds the text of each recording; names texts without one, and recordings with two, to `skip`."""
    beside = {path.with_suffix(""): path for path in recordings}
    texts: dict[Path, Entry] = {}
    entries = [(entry, beside.get(Path(entry.recording))) for entry in _text_files(root, skip)]
    names = _names(root, recordings)
    for table in _visible(root, "*.csv", "*.tsv"):
        folder = PurePosixPath(table.parent.relative_to(root).as_posix())
        for entry in table_entries(table):
            found = _find(entry, folder, names)
            if len(found) > 1:
                skip("name that fits several recordings", f"{entry.where}: {entry.recording}")
            else:
                entries.append((entry, found[0] if found else None))
    for entry, recording in entries:
        if recording is None:
            skip("text without a recording", f"{entry.where}: {Path(entry.recording).name}")
        elif texts.setdefault(recording, entry).text != entry.text:
            skip("second, different text for a recording", f"{entry.where}: {recording.name}")
    return texts


def _text_files(root: Path, skip: Skip) -> Iterator[Entry]:
    for path in _visible(root, "*.txt"):
        try:
            yield Entry(str(path.with_suffix("")), clean(read_text(path)), "", str(path))
        except AsrError as error:
            skip("text that cannot be read", str(error))


def _visible(root: Path, *patterns: str) -> list[Path]:
    found = [path for pattern in patterns for path in root.rglob(pattern)]
    return sorted(path for path in found if path.is_file() and not path.name.startswith("."))


def _names(root: Path, recordings: list[Path]) -> tuple[dict[str, list[Path]], dict[str, list[Path]]]:
    """Recordings by their paths below `root`, and by their mere names; each with and without suffix."""
    exact: dict[str, list[Path]] = {}
    loose: dict[str, list[Path]] = {}
    for path in recordings:
        for name in (path.relative_to(root).as_posix(), _name(path, root)):
            exact.setdefault(_composed(name), []).append(path)
        for name in (path.name, path.stem):
            loose.setdefault(_composed(name), []).append(path)
    return exact, loose


def _find(
    entry: Entry, folder: PurePosixPath, names: tuple[dict[str, list[Path]], dict[str, list[Path]]]
) -> list[Path]:
    """Finds the recordings that a table may mean: by the path from the table, else by name alone."""
    exact, loose = names
    name = PurePosixPath(_composed(entry.recording.replace("\\", "/")))
    found = exact.get((folder / name).as_posix()) or exact.get(name.as_posix())
    return found or loose.get(name.name) or loose.get(name.stem) or []


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).with_suffix("").as_posix()


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)
