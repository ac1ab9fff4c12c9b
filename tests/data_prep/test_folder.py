"""Any folder of recordings and texts: pairing, tables, speakers, splits, and what is left out."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.audio.io import AudioSource
from asr.data.manifest import Utterance, read_manifest
from asr.errors import AsrError
from data_prep import folder
from data_prep.folder import Fractions, divide
from tests.data_prep import corpora


def found(root: Path) -> dict[str, str]:
    """Texts by id, of all splits; whatever is left out raises."""
    return {one.id: one.text for split in folder.splits(root).values() for one in split}


def reported(root: Path) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Texts by id, and what was left out."""
    problems: list[tuple[str, str]] = []
    splits = folder.splits(root, lambda problem, name: problems.append((problem, name)))
    return {one.id: one.text for split in splits.values() for one in split}, problems


def test_text_files_beside_recordings(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "Grüße aus\r\nKöln\r\n")
    for name, content in (("a", b"\xef\xbb\xbfhello  there\r\n"), ("b.1", decomposed.encode())):
        corpora.write_audio(tmp_path / f"{name}.wav")
        (tmp_path / f"{name}.txt").write_bytes(content)
    assert found(tmp_path) == {"a": "hello there", "b.1": "Grüße aus Köln"}


TABLES = {
    "metadata.csv": 'LJ-1|"Raw", said he|she said\nLJ-2|only raw|\n',
    "transcripts.tsv": "\ufeffwavs/LJ-1.wav\tshe said\r\nLJ-2.wav\tonly raw\r\n",
    "any.csv": 'Speaker,Text,File\nann,she said,wavs\\LJ-1.wav\nbob,"only  raw",LJ-2\n',
    "plain.csv": "LJ-1,she said\nLJ-2,only raw\n",
    "wavs/common.tsv": "client_id\tpath\tsentence\nx\tLJ-1.wav\tshe said\ny\tLJ-2.wav\tonly raw\n",
    "wavs/metadata.csv": "id|transcription|normalized_text\nLJ-1|no|she said\nLJ-2|no|only raw\n",
}


@pytest.mark.parametrize("name", TABLES)
def test_tables(tmp_path: Path, name: str) -> None:
    for stem in ("LJ-1", "LJ-2"):
        corpora.write_audio(tmp_path / f"wavs/{stem}.wav")
    (tmp_path / name).write_text(TABLES[name], encoding="utf-8", newline="")
    assert found(tmp_path) == {"wavs/LJ-1": "she said", "wavs/LJ-2": "only raw"}


def test_unquoted_commas_belong_to_the_text(tmp_path: Path) -> None:
    corpora.write_audio(tmp_path / "a.wav")
    (tmp_path / "texts.csv").write_text("a.wav,well, well, well\n")
    assert found(tmp_path) == {"a": "well, well, well"}


def test_same_name_in_two_folders_is_told_apart_by_its_path(tmp_path: Path) -> None:
    for name in ("ann/1", "bob/1"):
        corpora.write_audio(tmp_path / f"{name}.wav")
    (tmp_path / "texts.tsv").write_text("ann/1.wav\tann says\nbob/1\tbob says\n1.wav\twho says\n")
    texts, problems = reported(tmp_path)
    assert texts == {"ann/1": "ann says", "bob/1": "bob says"}
    assert [problem for problem, _ in problems] == ["name that fits several recordings"]


def test_everything_left_out_is_named(tmp_path: Path) -> None:
    for name in ("good", "mute", "empty", "latin", "twice"):
        corpora.write_audio(tmp_path / f"{name}.wav")
    for name, content in (
        ("good", b"yes"),
        ("lost", b"no recording"),
        ("empty", b" \n"),
        ("broken", b"no audio"),
    ):
        (tmp_path / f"{name}.txt").write_bytes(content)
    (tmp_path / "latin.txt").write_bytes("Köln".encode("latin-1"))
    (tmp_path / "twice.txt").write_text("one")
    (tmp_path / "texts.tsv").write_text("twice\ttwo\ngood\tyes\n")
    (tmp_path / "broken.wav").write_bytes(b"RIFF....")
    texts, problems = reported(tmp_path)
    assert texts == {"good": "yes", "twice": "one"}
    named = dict(problems)
    assert len(problems) == len(named) + 1 == 7
    assert "mute.wav" in named["recording without a text"] or "latin.wav" in named["recording without a text"]
    assert "lost" in named["text without a recording"]
    assert "empty.txt" in named["empty text"]
    assert "latin.txt: not UTF-8" in named["text that cannot be read"]
    assert "texts.tsv, line 1: twice.wav" in named["second, different text for a recording"]
    assert "broken.wav: damaged" in named["recording that cannot be read"]


def test_command_lists_the_first_ten(tmp_path: Path) -> None:
    for number in range(13):
        corpora.write_audio(tmp_path / f"from/{number:02}.wav")
    (tmp_path / "from/00.txt").write_text("zero")
    done = corpora.run("folder", "--from", tmp_path / "from", "--to", tmp_path / "to")
    assert done.returncode == 0
    assert "left out: 12 x recording without a text\n  01.wav" in done.stderr.replace(f"{tmp_path}/from/", "")
    assert "10.wav\n  and 2 more\n" in done.stderr
    assert done.stdout == f"asr check {tmp_path}/to/train/manifest.jsonl\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "no recordings"),
        ({"a.wav": ""}, "no texts"),
        ({"a.wav": "", "t.tsv": "\xe9"}, "t.tsv: not UTF-8"),
    ],
)
def test_folder_without_anything_is_one_line(tmp_path: Path, content: dict[str, str], said: str) -> None:
    for name, text in content.items():
        if name.endswith(".wav"):
            corpora.write_audio(tmp_path / name)
        else:
            (tmp_path / name).write_bytes(text.encode("latin-1"))
    with pytest.raises(AsrError, match=said):
        folder.splits(tmp_path)


def test_folders_name_the_speakers(tmp_path: Path) -> None:
    for name in ("ann/1", "ann/2", "bob/3", "zoe/4"):
        corpora.write_audio(tmp_path / f"{name}.wav")
        (tmp_path / f"{name}.txt").write_text("hello")
    splits = {
        split: list(ones) for split, ones in folder.splits(tmp_path, fractions=Fractions(0.2, 0.2)).items()
    }
    speakers = {split: {one.speaker for one in ones} for split, ones in splits.items()}
    assert sorted(speakers) == ["dev", "test", "train"]
    assert sorted(name for names in speakers.values() for name in names) == ["ann", "bob", "zoe"]
    for one in corpora.write_audio(tmp_path / "one/x.wav"), (tmp_path / "one/x.txt"):
        one.touch()
    (tmp_path / "one/x.txt").write_text("alone")
    assert [one.speaker for ones in folder.splits(tmp_path / "one").values() for one in ones] == [""]


def utterance(name: str, speaker: str, duration: float) -> Utterance:
    return Utterance(name, AudioSource(Path(f"{name}.wav")), duration, "text", speaker=speaker)


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "a", "b", "c", "d"]), st.floats(0.1, 30)), min_size=1, max_size=30
    ),
    st.floats(0, 0.5),
    st.floats(0, 0.5),
    st.randoms(),
)
def test_division_loses_nothing_and_separates_speakers(
    spoken: list[tuple[str, float]], dev: float, test: float, order: Random
) -> None:
    utterances = [utterance(str(n), speaker, seconds) for n, (speaker, seconds) in enumerate(spoken)]
    divided = divide(utterances, Fractions(dev, test))
    assert sorted(one.id for ones in divided.values() for one in ones) == sorted(one.id for one in utterances)
    speakers = [{one.speaker for one in ones if one.speaker} for ones in divided.values()]
    if len({one.speaker for one in utterances if one.speaker}) >= 3:
        assert sum(map(len, speakers)) == len(set().union(*speakers))
    if dev + test < 1:
        assert divided["train"]
    order.shuffle(utterances)
    assert divide(utterances, Fractions(dev, test)) == divided


def test_fractions_are_met_where_utterances_are_many() -> None:
    divided = divide([utterance(f"u{n}", "", 1.0) for n in range(1000)], Fractions(0.1, 0.2))
    assert {split: len(ones) for split, ones in divided.items()} == {"train": 700, "dev": 100, "test": 200}
    assert list(divide([utterance("u", "", 1.0)], Fractions(0, 1))) == ["test"]


def test_paths_are_relative_below_the_target(tmp_path: Path) -> None:
    corpora.write_audio(tmp_path / "clips/a.wav")
    (tmp_path / "clips/a.txt").write_text("hello")
    done = corpora.run("folder", "--from", tmp_path / "clips", "--to", tmp_path)
    assert done.returncode == 0
    manifest = tmp_path / "train/manifest.jsonl"
    assert '"audio_filepath":"../clips/a.wav"' in manifest.read_text()
    moved = tmp_path.rename(tmp_path.with_name(tmp_path.name + "-moved"))
    assert read_manifest(moved / "train/manifest.jsonl")[0].audio.path.exists()
