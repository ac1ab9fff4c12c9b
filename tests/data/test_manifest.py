"""Manifests survive writing and reading, and a bad one is refused in one line that says where."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.audio.io import AudioSource, probe
from asr.data.manifest import (
    Utterance,
    file_hash,
    numbered_utterances,
    read_manifest,
    split_path,
    write_manifest,
)
from asr.errors import ManifestError

GOOD = '{"audio_filepath": "a.wav", "duration": 1.5, "text": "hello"}'
NAMES = st.from_regex(r"[\w ]{1,12}(/[\w ]{1,12})?\.wav", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "dev.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def line(**changes: Any) -> str:
    return json.dumps(json.loads(GOOD) | changes)


@given(
    st.lists(
        st.builds(
            Utterance,
            id=TEXTS.filter(bool),
            audio=NAMES,
            duration=st.floats(0, 1e5, exclude_min=True),
            text=TEXTS,
            start=st.floats(0, 1e5),
            speaker=TEXTS,
            language=TEXTS,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, utterances: list[Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "round-trip" / "manifest.jsonl"
    utterances = [
        Utterance(
            u.id, AudioSource(path.parent / u.audio), u.duration, u.text, u.start, u.speaker, u.language
        )
        for u in utterances
    ]
    assert write_manifest(path, utterances) == len(utterances)
    assert read_manifest(path) == utterances


def test_line_becomes_an_utterance(tmp_path: Path) -> None:
    text = line(id="x1", offset=2.25, speaker="ann", lang="tr", text="İyi günler 日本", extra=[1])
    assert read_manifest(written(tmp_path, text)) == [
        Utterance("x1", AudioSource(tmp_path / "a.wav"), 1.5, "İyi günler 日本", 2.25, "ann", "tr")
    ]


def test_ids_default_to_the_file_and_the_offset(tmp_path: Path) -> None:
    lines = [
        GOOD,
        line(offset=2.5),
        line(offset=3600.001),
        line(offset=3600.002),
        line(id="", audio_filepath="b/c.wav"),
    ]
    ids = [utterance.id for utterance in read_manifest(written(tmp_path, "\n".join(lines)))]
    assert ids == ["a.wav", "a.wav@2.5", "a.wav@3600.001", "a.wav@3600.002", "b/c.wav"]


def test_numbers_and_null_as_names_are_understood(tmp_path: Path) -> None:
    (utterance,) = read_manifest(written(tmp_path, line(id=7, speaker=1089, lang=None)))
    assert (utterance.id, utterance.speaker, utterance.language) == ("7", "1089", "")


@pytest.mark.parametrize(
    "content",
    [
        f"{GOOD}\n{GOOD}\n",
        f"\ufeff{GOOD}\n{GOOD}",
        f"{GOOD}\r\n{GOOD}\r\n",
        f"\ufeff\r\n{GOOD}\r\n\r\n  {GOOD}  \r\n \t\r\n",
        f"\ufeff{GOOD}\n\ufeff {GOOD}\n\ufeff \n",
    ],
    ids=["plain", "BOM", "CRLF", "BOM, CRLF and blank lines", "two files with BOM joined"],
)
def test_marks_line_ends_and_blank_lines_do_no_harm(tmp_path: Path, content: str) -> None:
    assert [u.text for u in read_manifest(written(tmp_path, content))] == ["hello", "hello"]


def test_line_numbers_count_blank_lines(tmp_path: Path) -> None:
    path = written(tmp_path, f"\n{GOOD}\r\n\r\n{GOOD}")
    assert [number for number, _ in numbered_utterances(path)] == [2, 4]


def test_line_separators_inside_a_text_are_no_line_ends(tmp_path: Path) -> None:
    text = '{"audio_filepath": "a.wav", "duration": 1, "text": "a\u2028b\u0085c"}'
    assert [u.text for u in read_manifest(written(tmp_path, text))] == ["a\u2028b\u0085c"]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("hello", "not a JSON object"),
        (GOOD[:-3], "not a JSON object"),
        (GOOD + GOOD, "not a JSON object"),
        ("[1]", "expected object, got list"),
        ("{}", "missing key audio_filepath"),
        ('{"audio_filepath": "a.wav", "text": "x"}', "missing key duration"),
        ('{"audio_filepath": "a.wav", "duration": 1}', "missing key text"),
        (line(duration="1"), "duration: expected float, got str"),
        (line(duration=-1), "duration must be positive, not -1"),
        (line(duration=0), "duration must be positive"),
        (GOOD.replace("1.5", "1e999"), "duration: number out of range"),
        (line(duration=float("nan")), "not a JSON object"),
        (line(offset=-0.5), "offset must not be negative: -0.5"),
        (line(text=None), "text: expected str, got null"),
        (line(audio_filepath=""), "audio_filepath '' cannot name a file"),
        (line(audio_filepath="a\0.wav"), "audio_filepath 'a\\x00.wav' cannot name a file"),
    ],
)
def test_bad_line_is_told_by_number(tmp_path: Path, bad: str, message: str) -> None:
    path = written(tmp_path, f"{GOOD}\n\n{bad}\n{GOOD}\n")
    with pytest.raises(ManifestError) as raised:
        read_manifest(path)
    told = str(raised.value)
    assert told.startswith(f"{path}, line 3: {message}")
    assert told.endswith("; correct the line")
    assert "\n" not in told


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the manifest is empty"),
        ("\ufeff \r\n\n", "the manifest is empty"),
        ("Grüße".encode("latin-1"), "not UTF-8 (byte 2); save it as UTF-8"),
        (GOOD.encode("utf-16"), "not UTF-8 (byte 0); save it as UTF-8"),
    ],
)
def test_bad_file_is_named(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(ManifestError) as raised:
        read_manifest(path)
    assert str(raised.value).startswith(f"{path}: {message}")


def test_missing_manifest_and_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"nowhere\.jsonl: no such manifest"):
        read_manifest(tmp_path / "nowhere.jsonl")
    with pytest.raises(ManifestError, match="cannot be read"):
        read_manifest(tmp_path)


def tar_beside(manifest: Path, member: str) -> Path:
    archive = manifest.with_suffix(".tar")
    empty = manifest.parent / "empty"
    empty.touch()
    with tarfile.open(archive, "w") as tar:
        tar.add(empty, member)
    return archive


def test_audio_is_a_member_of_the_tar_beside_unless_the_file_exists(tmp_path: Path) -> None:
    path = written(
        tmp_path, "\n".join([line(audio_filepath=n) for n in ("in.wav", "out.wav", "/elsewhere/abs.wav")])
    )
    archive = tar_beside(path, "in.wav")
    (tmp_path / "out.wav").touch()
    utterances = read_manifest(path)
    assert [u.audio for u in utterances] == [
        AudioSource(archive, "in.wav"),
        AudioSource(tmp_path / "out.wav"),
        AudioSource(Path("/elsewhere/abs.wav")),
    ]
    copy = path.read_bytes()
    write_manifest(path, utterances)
    assert read_manifest(path) == utterances
    assert path.read_bytes() != copy  # ids are now written out


def test_too_long_a_name_is_told_by_number(tmp_path: Path) -> None:
    path = written(tmp_path, line(audio_filepath="a" * 5000))
    tar_beside(path, "in.wav")
    with pytest.raises(ManifestError, match=r"line 1: audio_filepath 'a{60}' cannot name a file"):
        read_manifest(path)


def test_member_of_another_tar_is_not_written_as_if_it_were_here(tmp_path: Path) -> None:
    utterance = Utterance("a", AudioSource(tmp_path / "train.tar", "a.wav"), 1.0, "x")
    with pytest.raises(ManifestError, match=r"train\.tar:a\.wav is in a tar file of another name"):
        write_manifest(tmp_path / "dev.jsonl", [utterance])
    assert not (tmp_path / "dev.jsonl").exists()
    assert write_manifest(tmp_path / "train.jsonl", [utterance]) == 1


def test_audio_paths_are_relative_where_they_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sources = [Path("data/clips/a.wav"), tmp_path / "data" / "b.wav", Path("elsewhere/c.wav")]
    for manifest in (Path("data/m.jsonl"), tmp_path / "data" / "m.jsonl"):
        write_manifest(manifest, [Utterance("i", AudioSource(source), 1.0, "x") for source in sources])
        names = [json.loads(entry)["audio_filepath"] for entry in manifest.read_text().splitlines()]
        assert names == ["clips/a.wav", "b.wav", str(tmp_path / "elsewhere" / "c.wav")]
        found = [u.audio.path.absolute() for u in read_manifest(manifest)]
        assert found == [source.absolute() for source in sources]


def test_split_is_a_folder_or_a_manifest_beside_a_tar(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "manifest.jsonl").touch()
    (tmp_path / "dev.jsonl").touch()
    assert split_path(tmp_path, "train") == tmp_path / "train" / "manifest.jsonl"
    assert split_path(tmp_path, "dev") == tmp_path / "dev.jsonl"
    with pytest.raises(ManifestError, match="no split 'test'"):
        split_path(tmp_path, "test")


def test_hash_follows_the_content(tmp_path: Path) -> None:
    path = written(tmp_path, b"abc")
    assert file_hash(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.data
@pytest.mark.parametrize(
    ("corpus", "split"),
    [
        ("an4", "train"),
        ("an4", "test"),
        ("yesno", "test"),
        ("librispeech", "dev-clean"),
        ("ljspeech", "train"),
    ],
)
def test_real_manifests_are_read_and_their_audio_found(data_folder: Path, corpus: str, split: str) -> None:
    path = split_path(data_folder / corpus, split)
    utterances = read_manifest(path)
    assert len({utterance.id for utterance in utterances}) == len(utterances)
    for utterance in (utterances[0], utterances[-1]):
        assert probe(utterance.audio).duration == pytest.approx(utterance.duration, abs=0.02)
