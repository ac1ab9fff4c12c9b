"""LibriSpeech, Common Voice, speechocean762, LJ Speech, FSDD and Speech Commands, as folders and archives."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from asr.audio.io import probe
from asr.data.manifest import Utterance, read_manifest
from data_prep import fsdd
from data_prep.__main__ import main
from tests.data_prep import corpora
from tests.data_prep import published_shapes as shapes

Prepared = dict[str, list[Utterance]]


def prepare(corpus: str, *sources: Path, to: Path, options: tuple[str, ...] = ()) -> Prepared:
    assert main([corpus, "--from", *map(str, sources), "--to", str(to), *options]) == 0
    manifests = {path.parent.name: read_manifest(path) for path in sorted(to.glob("*/manifest.jsonl"))}
    for utterances in manifests.values():
        for one in utterances:
            assert abs(probe(one.audio).duration - one.duration) < 1e-5
    ids = [one.id for utterances in manifests.values() for one in utterances]
    assert len(ids) == len(set(ids))
    return manifests


def told(found: Prepared) -> dict[str, list[tuple[str, str, str]]]:
    return {split: [(one.id, one.text, one.speaker) for one in ones] for split, ones in found.items()}


SHAPES: dict[str, tuple[Callable[[Path], Path], str, dict[str, list[tuple[str, str, str]]]]] = {
    "speechocean762": (
        shapes.speechocean762,
        ".tar.gz",
        {
            "train": [
                ("000010011", "WE CALL IT 0001", "0001"),
                ("000050011", "WE CALL IT 0005", "0005"),
            ],
            "test": [("000030011", "WE CALL IT 0003", "0003")],
        },
    ),
    "ljspeech": (
        shapes.ljspeech,
        ".tar.bz2",
        {
            "train": [
                ("LJ001-0001", '"Printing," he said in fourteen fifty-five', "LJ"),
                ("LJ001-0002", "in being, comparatively", "LJ"),
                ("LJ001-0003", "for the “Jenson” face", "LJ"),
            ]
        },
    ),
    "fsdd": (
        shapes.fsdd,
        ".zip",
        {
            "train": [("7_jackson_5", "SEVEN", "jackson"), ("9_lucas_49", "NINE", "lucas")],
            "test": [("0_lucas_4", "ZERO", "lucas"), ("7_jackson_0", "SEVEN", "jackson")],
        },
    ),
    "speech_commands": (
        shapes.speech_commands,
        ".tar.gz",
        {
            "train": [
                ("yes/0a7c2a8d_nohash_0", "yes", "0a7c2a8d"),
                ("yes/0a7c2a8d_nohash_1", "yes", "0a7c2a8d"),
            ],
            "dev": [("yes/bb05582b_nohash_0", "yes", "bb05582b")],
            "test": [("no/bb05582b_nohash_0", "no", "bb05582b")],
        },
    ),
}


@pytest.mark.parametrize("corpus", SHAPES)
@pytest.mark.parametrize("archived", [False, True])
def test_as_published(tmp_path: Path, corpus: str, archived: bool) -> None:
    make, suffix, expected = SHAPES[corpus]
    root = make(tmp_path)
    source = corpora.pack(root, tmp_path / f"{corpus}{suffix}") if archived else root
    found = prepare(corpus, source, to=tmp_path / "to")
    assert told(found) == expected
    licence = (tmp_path / "to/LICENSE").read_text()
    assert "Creative Commons" in licence or "CC BY" in licence or "Public domain" in licence
    for ones in found.values():
        for one in ones:
            assert one.audio.path.is_relative_to(tmp_path / "to" if archived else root)
    if not archived:  # once more, onto what is there
        assert told(prepare(corpus, source, to=tmp_path / "to")) == expected


def test_speech_commands_archive_without_a_folder_around_it(tmp_path: Path) -> None:
    root = shapes.speech_commands(tmp_path)
    with tarfile.open(tmp_path / "speech_commands_v0.02.tar.gz", "w:gz") as packed:
        packed.add(root, ".")
    found = prepare("speech-commands", tmp_path / "speech_commands_v0.02.tar.gz", to=tmp_path / "to")
    assert told(found) == SHAPES["speech_commands"][2]


@pytest.mark.parametrize("archived", [False, True])
def test_librispeech(tmp_path: Path, archived: bool) -> None:
    parts = ("dev-clean", "train-clean-100")
    sources = [shapes.librispeech(tmp_path, *parts)]
    if archived:
        roots = [shapes.librispeech(tmp_path / part, part) for part in parts]
        sources = [corpora.pack(root, root.parent.with_suffix(".tar.gz")) for root in roots]
    found = prepare("librispeech", *sources, to=tmp_path / "to")
    assert sorted(found) == sorted(parts)
    for part in parts:
        assert [one.speaker for one in found[part]][-1] == found[part][-1].id.split("-")[0]
        assert [one.text for one in found[part]] == ["IT'S CHAPTER 0", "IT'S CHAPTER 1"] * 3
        assert [one.duration for one in found[part]] == [0.1, 0.2] * 3
    assert "LibriSpeech" in (tmp_path / "to/LICENSE").read_text()
    assert (tmp_path / "to/LICENSE.TXT").exists() == archived


def test_two_copies_of_one_part_are_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        shapes.librispeech(tmp_path / "both" / name, "dev-clean")
    assert len(prepare("librispeech", tmp_path / "both", to=tmp_path / "to")["dev-clean"]) == 6
    assert "left out: 6 x second text for a recording" in capsys.readouterr().err


def test_one_part_of_librispeech_names_its_split(tmp_path: Path) -> None:
    root = shapes.librispeech(tmp_path, "test-other")
    assert list(prepare("librispeech", root / "test-other", to=tmp_path / "to")) == ["test-other"]


@pytest.mark.parametrize("archived", [False, True])
def test_common_voice(tmp_path: Path, archived: bool) -> None:
    root = shapes.common_voice(tmp_path)
    source = corpora.pack(root.parent, tmp_path / "cv-en.tar.gz") if archived else root
    found = prepare("common_voice", source, to=tmp_path / "to")
    texts = {split: [one.text for one in ones] for split, ones in found.items()}
    assert texts == {
        "train": ["Hello, world.", 'He said "no".', 'She said "yes".', "Grüße an alle"],
        "dev": ["Dev."],
        "test": ["Test."],
    }
    assert [one.id for one in found["dev"]] == ["common_voice_en_dev0"]
    assert len({one.speaker for one in found["train"]}) == 2
    assert {one.language for ones in found.values() for one in ones} == {"en"}
    assert {one.audio.path.suffix for ones in found.values() for one in ones} == {".mp3"}
    assert all(0.45 < one.duration < 0.65 for ones in found.values() for one in ones)
    assert "find out who its speakers are" in (tmp_path / "to/LICENSE").read_text()


def test_common_voice_of_2017(tmp_path: Path) -> None:
    found = prepare("common-voice", shapes.common_voice_of_2017(tmp_path), to=tmp_path / "to")
    assert told(found) == {
        split: [(f"cv-valid-{split}/sample-000000", f"it is {split}", "")]
        for split in ("train", "dev", "test")
    }


def test_common_voice_in_several_languages_is_refused(tmp_path: Path) -> None:
    for language in ("de", "en"):
        root = shapes.common_voice(tmp_path, language)
    done = corpora.run("common_voice", "--from", root.parent, "--to", tmp_path / "to")
    assert done.returncode == 2
    assert "holds several languages (de, en); give the folder of one" in done.stderr


def test_corpus_without_splits_can_be_divided(tmp_path: Path) -> None:
    root = shapes.ljspeech(tmp_path)
    options = ("--test-fraction", "0.3", "--dev-fraction", "0.3")
    found = prepare("ljspeech", root, to=tmp_path / "to", options=options)
    assert {split: len(ones) for split, ones in found.items()} == {"train": 1, "dev": 1, "test": 1}
    done = corpora.run("fsdd", "--from", shapes.fsdd(tmp_path), "--to", tmp_path / "b", *options)
    assert done.returncode == 2 and "fsdd has its own splits" in done.stderr


def test_everything_left_out_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    libri = shapes.librispeech(tmp_path, "dev-clean")
    chapter = libri / "dev-clean/9/121123"
    (chapter / "9-121123-0000.flac").unlink()
    corpora.write_audio(chapter / "9-121123-0009.flac")
    (chapter / "9-121123-0001.flac").write_bytes(b"fLaC")
    prepare("librispeech", libri, to=tmp_path / "libri")
    said = capsys.readouterr().err
    assert "1 x text without a recording\n  dev-clean/9/121123/9-121123.trans.txt: 9-121123-0000\n" in said
    assert "1 x recording without a text\n  dev-clean/9/121123/9-121123-0009.flac\n" in said
    assert "1 x recording that cannot be read\n" in said
    commands = shapes.speech_commands(tmp_path)
    (commands / "no/bb05582b_nohash_0.wav").unlink()
    prepare("speech_commands", commands, to=tmp_path / "commands")
    said = capsys.readouterr().err
    assert "1 x noise without speech\n  _background_noise_/pink_noise.wav\n" in said
    assert "1 x listed recording that is not there\n  testing_list.txt: no/bb05582b" in said
    assert "no utterances for the split 'test'" in said


@pytest.mark.parametrize(
    ("corpus", "name"),
    [
        ("librispeech", "LibriSpeech"),
        ("common_voice", "Common Voice"),
        ("speechocean762", "speechocean762"),
        ("ljspeech", "LJ Speech"),
        ("fsdd", "FSDD"),
        ("speech_commands", "Speech Commands"),
    ],
)
def test_another_corpus_is_not_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], corpus: str, name: str
) -> None:
    other = corpora.write_audio(tmp_path / "other/hello.wav").parent
    for source in (other, corpora.pack(other, tmp_path / "other.zip")):
        assert main([corpus, "--from", str(source), "--to", str(tmp_path / "to")]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"error: {source}: this does not look like {name}: ")
        assert said.count("\n") == 1
    assert corpora.left(tmp_path) == {"other", "other.zip"}


@pytest.mark.parametrize("second", ["folder", "same name"])
def test_two_sources_that_do_not_go_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], second: str
) -> None:
    root = shapes.librispeech(tmp_path / "a", "dev-clean")
    packed = corpora.pack(root, tmp_path / "dev-clean.tar.gz")
    other = root if second == "folder" else corpora.pack(root, tmp_path / "a/dev-clean.tar.gz")
    assert main(["librispeech", "--from", str(packed), str(other), "--to", str(tmp_path / "to")]) == 2
    assert "leave out" in capsys.readouterr().err


@pytest.mark.data
@pytest.mark.parametrize("split", ["train", "test"])
def test_real_fsdd_follows_from_the_names(tmp_path: Path, data_folder: Path, split: str) -> None:
    for part in ("train", "test"):
        for path in (data_folder / "fsdd" / part).glob("*.flac"):
            (tmp_path / path.name).symlink_to(path)
    known = read_manifest(data_folder / f"fsdd/{split}/manifest.jsonl")
    found = {one.id: (one.text, one.speaker) for one in fsdd.splits(tmp_path)[split]}
    assert found == {one.id: (one.text, one.speaker) for one in known}


@pytest.mark.data
@pytest.mark.parametrize(
    ("corpus", "size"),
    [("librispeech", 3123), ("commonvoice", 2847), ("speechocean762", 3200), ("ljspeech", 385)],
)
def test_real_prepared_corpora_are_passed_on(
    tmp_path: Path, data_folder: Path, corpus: str, size: int
) -> None:
    name = corpus.replace("commonvoice", "common_voice")
    assert main([name, "--from", str(data_folder / corpus), "--to", str(tmp_path / "to")]) == 0
    manifests = [*(tmp_path / "to").glob("*.jsonl"), *(tmp_path / "to").glob("*/manifest.jsonl")]
    assert sum(len(read_manifest(path)) for path in manifests) == size
    assert (tmp_path / "to/LICENSE").exists()
