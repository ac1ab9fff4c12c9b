"""Lists and tables of other toolkits: Kaldi, DeepSpeech, deepspeech.pytorch, AudioFolder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from asr.data.manifest import Utterance, read_manifest
from asr.errors import AsrError
from data_prep import audiofolder, deepspeech_csv, deepspeech_pytorch, kaldi
from data_prep.__main__ import main
from data_prep.splitting import by_split, split_of
from tests.data_prep import corpora

Problems = list[tuple[str, str]]


def prepare(corpus: str, source: Path, to: Path) -> dict[str, list[Utterance]]:
    assert main([corpus, "--from", str(source), "--to", str(to)]) == 0
    return {path.parent.name: read_manifest(path) for path in to.glob("*/manifest.jsonl")}


def kaldi_folder(folder: Path, **lists: str) -> Path:
    folder.mkdir(parents=True)
    for name, content in lists.items():
        (folder / name.replace("wav_scp", "wav.scp")).write_text(content, encoding="utf-8")
    return folder


def test_kaldi_recordings(tmp_path: Path) -> None:
    corpora.write_audio(tmp_path / "wavs/a b.wav")
    corpora.write_audio(tmp_path / "wavs/c.WAV")
    for split in ("train", "test"):
        kaldi_folder(
            tmp_path / f"data/{split}",
            wav_scp=f"{split}-1 wavs/a b.wav\r\n{split}-2\t{tmp_path}/wavs/c.WAV\n",
            text=f"{split}-1 HELLO  THERE\r\n{split}-2\tGRÜSSE\n",
            utt2spk=f"{split}-1 ann\n{split}-2 {split}-2\n",
            utt2lang=f"{split}-2 de\n",
        )
    for source in (tmp_path, tmp_path / "data"):
        found = prepare("kaldi", source, tmp_path / f"to-{source.name}")
        assert sorted(found) == ["test", "train"]
        one, two = found["train"]
        assert (one.id, one.text, one.speaker, one.language) == ("train-1", "HELLO THERE", "ann", "")
        assert (two.id, two.text, two.speaker, two.language) == ("train-2", "GRÜSSE", "", "de")
        assert one.duration == 0.2 and one.audio.path == tmp_path / "wavs/a b.wav"
    assert list(kaldi.splits(tmp_path / "data/test")) == ["train"]


def test_kaldi_segments(tmp_path: Path) -> None:
    corpora.write_audio(tmp_path / "long.wav", corpora.tone(2.0))
    root = kaldi_folder(
        tmp_path / "data",
        wav_scp="long long.wav\nunused long.wav\n",
        segments="u1 long 0.00 0.75\nu2 long 0.5 -1\nu3 long 1.5 2.03\nu4 long 1.5 3.0\n"
        "u5 gone 0 1\nu6 long 1 2\n",
        text="u1 ONE\nu2 TWO\nu3 THREE\nu4 FOUR\nu5 FIVE\nu7 SEVEN\nu1 AGAIN\nu8\n",
    )
    problems: Problems = []
    found = list(kaldi.splits(root, lambda *problem: problems.append(problem))["train"])
    assert [(one.id, one.start, one.duration) for one in found] == [
        ("u1", 0.0, 0.75),
        ("u2", 0.5, 1.5),
        ("u3", 1.5, 0.5),
    ]
    assert [(problem, name.rpartition(" ")[2]) for problem, name in problems] == [
        ("segment outside its recording", "u4"),
        ("text without a recording", "u5"),
        ("text without a recording", "u7"),
        ("text without a recording", "u1"),
        ("text without a recording", "u8"),
        ("recording without a text", "u6"),
    ]
    prepared = prepare("kaldi", root, tmp_path / "to")["train"]
    assert prepared == found


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("sph2pipe -f wav a.sph |", "line 2: recording 'b' is the output of a command, which is not run"),
        ("touch proof |", "is the output of a command"),
        ("-", "is the output of a command"),
        ("raw/wav.1.ark:1234", "line 2: recording 'b' is in an archive of Kaldi"),
    ],
)
def test_kaldi_commands_are_refused_and_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], written: str, said: str
) -> None:
    corpora.write_audio(tmp_path / "a.wav")
    root = kaldi_folder(tmp_path / "data", wav_scp=f"a a.wav\nb {written}\n", text="a A\nb B\n")
    before = corpora.left(tmp_path)
    assert main(["kaldi", "--from", str(root), "--to", str(tmp_path / "to")]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"error: {root / 'wav.scp'}, ") and err.count("\n") == 1 and said in err
    assert corpora.left(tmp_path) == before


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        ({}, "no wav.scp here"),
        ({"wav_scp": "a a.wav\n"}, "without a file 'text'"),
        ({"wav_scp": "a a.wav\n", "text": "a A\n", "segments": "u a 0 1 2\n"}, "segments, line 1: not 'utt"),
        ({"wav_scp": "a a.wav\n", "text": "a A\n", "segments": "u a 0 x\n"}, "segments, line 1: not 'utt"),
    ],
)
def test_kaldi_damage_is_one_line(tmp_path: Path, lists: dict[str, str], said: str) -> None:
    root = kaldi_folder(tmp_path / "data", **lists)
    with pytest.raises(AsrError, match=said):
        for utterances in kaldi.splits(root).values():
            list(utterances)


def test_deepspeech_tables(tmp_path: Path) -> None:
    for name in ("clips/a.wav", "clips/b.wav"):
        corpora.write_audio(tmp_path / "corpus" / name)
    for split in ("train", "dev", "test"):
        (tmp_path / f"corpus/{split}.csv").write_text(
            f'wav_filename,wav_filesize,transcript\nclips/a.wav,6444,"well, {split}"\n'
            f"{tmp_path}/corpus/clips/b.wav,6444,absolute  path\nclips/a.wav,6444,again\n"
        )
    (tmp_path / "corpus/notes.csv").write_text("a,b\n1,2\n")
    problems: Problems = []
    found = deepspeech_csv.splits(tmp_path / "corpus", lambda *problem: problems.append(problem))
    assert {split: [one.text for one in ones] for split, ones in found.items()} == {
        split: [f"well, {split}", "absolute path"] for split in ("train", "dev", "test")
    }
    assert [problem for problem, _ in problems] == ["second text for a recording"] * 3
    one = prepare("deepspeech-csv", tmp_path / "corpus/test.csv", tmp_path / "to")
    assert [utterance.id for utterance in one["test"]] == ["clips/a", f"{tmp_path}/corpus/clips/b"]
    archive = corpora.pack(tmp_path / "corpus", tmp_path / "corpus.tar.gz")
    done = corpora.run("deepspeech_csv", "--from", archive, "--to", tmp_path / "stolen")
    assert done.returncode == 2 and "clips/b.wav: split 'train' of the archive names it" in done.stderr


def test_one_recording_in_two_splits_of_an_archive_is_one_line(tmp_path: Path) -> None:
    corpora.write_audio(tmp_path / "corpus/a.wav")
    for split in ("train", "test"):
        (tmp_path / f"corpus/{split}.csv").write_text("wav_filename,wav_filesize,transcript\na.wav,1,hello\n")
    assert list(prepare("deepspeech_csv", tmp_path / "corpus", tmp_path / "whole")) != []
    archive = corpora.pack(tmp_path / "corpus", tmp_path / "corpus.tar")
    done = corpora.run("deepspeech_csv", "--from", archive, "--to", tmp_path / "to")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "corpus.tar/corpus/a.wav: in two splits of the archive; unpack it yourself" in done.stderr


def deepspeech_pytorch_corpus(folder: Path) -> Path:
    for name, text in (("a", "HELLO THERE\n"), ("b", "BYE")):
        corpora.write_audio(folder / f"train/wav/{name}.wav")
        (folder / "train/txt").mkdir(exist_ok=True)
        (folder / f"train/txt/{name}.txt").write_text(text)
    return folder


def test_deepspeech_pytorch_manifests(tmp_path: Path) -> None:
    root = deepspeech_pytorch_corpus(tmp_path / "corpus")
    names = ("a", "b", "gone")
    samples = [{"wav_path": f"wav/{name}.wav", "transcript_path": f"txt/{name}.txt"} for name in names]
    manifest = {"root_path": str(root / "train"), "samples": samples}
    (root / "an4_train_manifest.json").write_text(json.dumps(manifest))
    (root / "train/moved_val.json").write_text(json.dumps({**manifest, "root_path": "/no/such/folder"}))
    (root / "test_manifest.csv").write_text(f"{root}/train/wav/b.wav,{root}/train/txt/b.txt\n")
    found = prepare("deepspeech.pytorch".replace(".", "_"), root, tmp_path / "to")
    assert {split: [(one.id, one.text) for one in ones] for split, ones in found.items()} == {
        "train": [("wav/a", "HELLO THERE"), ("wav/b", "BYE")],
        "test": [("train/wav/b", "BYE")],
    }
    moved = prepare("deepspeech_pytorch", root / "train/moved_val.json", tmp_path / "moved")
    assert [one.id for one in moved["dev"]] == ["wav/a", "wav/b"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("m.json", "[1, 2]", "expected object"),
        ("m.json", '{"root_path": "x", "samples": [{"wav_path": "a.wav"}]}', "samples"),
        ("m.json", "{", "not JSON"),
        ("m.csv", "a.wav,hello there\n", "m.csv, line 1: not 'recording.wav,text.txt'"),
        ("m.txt", "", "no manifest"),
    ],
)
def test_deepspeech_pytorch_damage_is_one_line(tmp_path: Path, name: str, content: str, said: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(AsrError, match=said) as error:
        for utterances in deepspeech_pytorch.splits(tmp_path).values():
            list(utterances)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("column", ["text", "transcription", "sentence"])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_audiofolder(tmp_path: Path, column: str, kind: str) -> None:
    root = tmp_path / "corpus"
    for split in ("train", "validation", "test"):
        corpora.write_audio(root / f"data/{split}/clips/a.mp3", rate=16_000)
        corpora.write_audio(root / f"data/{split}/b.wav")
        entries = [("clips/a.mp3", f"Well, {split}", "ann"), ("b.wav", "Bye", "bob")]
        table = root / f"data/{split}/metadata.{kind}"
        if kind == "csv":
            lines = [f'{name},"{text}",{speaker}\n' for name, text, speaker in entries]
            table.write_text(f"file_name,{column},speaker_id\n" + "".join(lines))
        else:
            objects = [
                {"file_name": name, column: text, "speaker_id": speaker} for name, text, speaker in entries
            ]
            table.write_text("".join(json.dumps(entry) + "\n" for entry in objects))
    found = prepare("audiofolder", root, tmp_path / "to")
    assert {split: [(one.text, one.speaker) for one in ones] for split, ones in found.items()} == {
        split: [(f"Well, {name}", "ann"), ("Bye", "bob")]
        for split, name in (("train", "train"), ("dev", "validation"), ("test", "test"))
    }
    assert found["dev"][0].id == "data/validation/clips/a"
    archived = prepare("audiofolder", corpora.pack(root, tmp_path / "corpus.zip"), tmp_path / "packed")
    assert {split: len(ones) for split, ones in archived.items()} == {"train": 2, "dev": 2, "test": 2}


def test_audiofolder_with_one_table_above_the_splits(tmp_path: Path) -> None:
    for name in ("train/a.wav", "test/a.wav"):
        corpora.write_audio(tmp_path / name)
    (tmp_path / "metadata.csv").write_text(
        "file_name,text\ntrain/a.wav,yes\ntest/a.wav,no\ntest/b.wav,gone\n"
    )
    problems: Problems = []
    found = audiofolder.splits(tmp_path / "metadata.csv", lambda *problem: problems.append(problem))
    assert {split: [(one.id, one.text) for one in ones] for split, ones in found.items()} == {
        "train": [("train/a", "yes")],
        "test": [("test/a", "no")],
    }
    assert [problem for problem, _ in problems] == ["recording that cannot be read"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "metadata.csv",
            "file_name,label\na.wav,3\n",
            r"no column 'text' in its first line \(file_name, label\)",
        ),
        ("metadata.jsonl", '{"file_name": "a.wav"}\n', "metadata.jsonl, line 1: no string 'text'"),
        ("metadata.jsonl", "[]\n", "metadata.jsonl, line 1: not a JSON object"),
        ("metadata.parquet", "PAR1", "metadata.parquet cannot be read"),
        ("other.csv", "", "no table"),
    ],
)
def test_audiofolder_damage_is_one_line(tmp_path: Path, name: str, content: str, said: str) -> None:
    corpora.write_audio(tmp_path / "a.wav")
    (tmp_path / name).write_text(content)
    with pytest.raises(AsrError, match=said) as error:
        audiofolder.splits(tmp_path)
    assert "\n" not in str(error.value)


def test_names_of_splits() -> None:
    names = {
        "train": "train",
        "an4_val_manifest": "dev",
        "test-clean": "test",
        "trainer": "",
        "train_test": "",
    }
    assert {name: split_of(name) for name in names} == names
    files = [Path("x/train.csv"), Path("x/dev.csv"), Path("x/other.csv")]
    assert list(by_split(files)) == ["train", "dev", "other"]
    files = [Path("x/train-clean.csv"), Path("x/train-other.csv"), Path("x/dev.csv")]
    assert sorted(by_split(files)) == ["dev", "train-clean", "train-other"]
    assert sorted(by_split([Path("de/train.csv"), Path("en/train.csv")])) == ["de-train", "en-train"]
